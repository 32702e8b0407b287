"""Intervals that ask "what if the items had been others": the benchmark as a sample.

One draw an item and right or wrong: Wilson, or Clopper–Pearson where a guarantee is wanted. Several
draws an item or partial credit: Wilson with the number of items that the spread is worth, Student's
t on the item means, or a bootstrap that draws whole items with all of their draws; items that
belong together: clustered. Draws of one item are never treated as independent. Example::

    >>> interval = wilson(27, 30)
    >>> round(100 * interval.low, 1), round(100 * interval.high, 1)
    (74.4, 96.5)

Whether a number can be reproduced on the *same* items is another question: see ``same_items``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from evalkit.stats.normal import two_sided

METHODS: Final = ("auto", "wilson", "clopper-pearson", "t", "bootstrap", "clustered")
"""Names of the intervals over items that a person can ask for; ``auto`` fits the data."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower end, in the unit of the values.
        high: Upper end.
        level: Confidence, 0..1.
        method: How it was computed, for a footnote.
    """

    low: float
    high: float
    level: float
    method: str

    @property
    def half_width(self) -> float:
        """Half the distance between the ends (the interval need not be symmetric)."""
        return (self.high - self.low) / 2

    def reach(self, value: float) -> float:
        """The larger distance of an end from ``value``: what may stand behind a ±."""
        return max(self.high - value, value - self.low)


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion; never empty at 0 or 1.

    Source: Wilson 1927, JASA 22:209; without continuity correction, as
    ``scipy.stats.binomtest(...).proportion_ci(method="wilson")``. Fractional arguments are allowed,
    for an effective number of trials.

    Raises:
        ValueError: no trials, or successes outside 0..trials.
    """
    _check_counts(successes, trials)
    low, high = wilson_ends(successes / trials, trials, two_sided(level))
    return Interval(low, high, level, "Wilson")


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """The "exact" interval for a proportion: coverage is guaranteed, at the price of width.

    Source: Clopper & Pearson 1934, Biometrika 26:404, by quantiles of the beta distribution.

    Raises:
        ValueError: no trials, or successes outside 0..trials.
    """
    _check_counts(successes, trials)
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = (
        1.0
        if successes == trials
        else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    )
    return Interval(low, high, level, "Clopper–Pearson")


def student_t(means: Sequence[float], level: float = 0.95) -> Interval | None:
    """Student's t interval for the mean over items; None with fewer than two items.

    SE² = Var(item means)/n with n − 1 degrees of freedom: the central limit theorem over items
    (Miller 2024, arXiv 2411.00640, section 2) with the small-sample correction of Student 1908.

    Args:
        means: One mean an item, over its draws.
        level: Confidence.
    """
    if len(means) < 2:
        return None
    from scipy.special import stdtrit

    centre = fmean(means)
    error = stdev(means) / math.sqrt(len(means))
    half = float(stdtrit(len(means) - 1, 0.5 + level / 2)) * error
    return Interval(centre - half, centre + half, level, "Student t on item means")


def cluster_bootstrap(
    items: Sequence[Sequence[float]],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """Percentile bootstrap of the mean over items, each item carrying all of its draws.

    Items are drawn with replacement; draws are not, because draws of one item are not independent
    (clusters: Davison & Hinkley 1997, section 3.8). The same seed gives the same interval.

    Args:
        items: Values by item; items without a value must have been left out.
        level: Confidence.
        resamples: Bootstrap samples.
        seed: Of the random generator.

    Returns:
        None with fewer than two items.
    """
    if len(items) < 2:
        return None
    import numpy as np

    means = np.array([fmean(draws) for draws in items])
    rng = np.random.default_rng(seed)
    # In slices, so that memory stays small for suites of many thousand items.
    per_slice = max(1, 4_000_000 // len(means))
    found: list[float] = []
    while len(found) < resamples:
        count = min(per_slice, resamples - len(found))
        picks = rng.integers(0, len(means), size=(count, len(means)))
        found.extend(means[picks].mean(axis=1).tolist())
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "bootstrap over items")


def clustered(
    means: Sequence[float], groups: Sequence[Hashable], level: float = 0.95
) -> Interval | None:
    """An interval for the mean over items that come in groups (questions about one text, ...).

    SE² = G/(G − 1) · Σ_g (Σ_{i∈g} r_i)² / n² with r_i = mean of item i minus the mean over items
    (Miller 2024, arXiv 2411.00640, section 2.2; Liang & Zeger 1986, Biometrika 73:13, with the
    usual correction for few groups), and Student's t with G − 1 degrees of freedom.

    Args:
        means: One mean an item.
        groups: The group of each item, in the same order.
        level: Confidence.

    Returns:
        None with fewer than two groups.

    Raises:
        ValueError: the two sequences differ in length.
    """
    error = clustered_error(means, groups)
    if error is None:
        return None
    from scipy.special import stdtrit

    count = len(set(groups))
    centre = fmean(means)
    half = float(stdtrit(count - 1, 0.5 + level / 2)) * error
    return Interval(centre - half, centre + half, level, f"Student t over {count} groups")


def clustered_error(means: Sequence[float], groups: Sequence[Hashable]) -> float | None:
    """The clustered standard error of :func:`clustered`; None with fewer than two groups.

    Raises:
        ValueError: the two sequences differ in length.
    """
    centre = fmean(means) if means else 0.0
    sums: dict[Hashable, float] = {}
    for mean, group in zip(means, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + mean - centre
    if len(sums) < 2:
        return None
    total = sum(value * value for value in sums.values())
    return math.sqrt(len(sums) / (len(sums) - 1) * total) / len(means)


def effective_wilson(items: Sequence[Sequence[float]], level: float = 0.95) -> Interval:
    """Wilson's interval with as many trials as the spread of the item means is worth.

    M = p(1 − p) / (Var(item means)/n), between all-or-nothing items (M = n) and draws that might as
    well be of one item (M = all draws): the effective sample size of survey sampling (Korn &
    Graubard 1998, Survey Methodology 24:193; compared by Franco, Little, Louis & Slud 2019,
    J. Surv. Stat. Methodol. 7:334). Two details are ours and held by simulation (mean coverage
    within one point of nominal for each of four ways to spread p over items, no cell below 92 %):
    the quantile goes from the normal's, for all-or-nothing items whose variance is known, to
    Student's with n − 1 degrees of freedom by the cube root of n/M; and less than one item's worth
    of right (or wrong) answers is taken as n all-or-nothing items, for its spread says nothing.

    Args:
        items: Values in 0..1 by item; items without a value must have been left out.
        level: Confidence.
    """
    n, draws = len(items), sum(map(len, items))
    means = [fmean(values) for values in items]
    p = min(1.0, max(0.0, fmean(means)))
    worth, z = float(n), two_sided(level)
    if n > 1 and 1 <= p * n <= n - 1:
        from scipy.special import stdtrit

        # A twentieth of an odd draw keeps items that are all alike from collapsing the interval.
        spread = stdev(means) ** 2 / n + 0.05 / (draws * n)
        worth = max(worth, p * (1 - p) / spread)
        known = (n / worth) ** (1 / 3)
        z = known * z + (1 - known) * float(stdtrit(n - 1, 0.5 + level / 2))
    low, high = wilson_ends(p, worth, z)
    return Interval(low, high, level, "Wilson, effective items")


def between_items(
    items: Sequence[Sequence[float]],
    *,
    level: float = 0.95,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    method: str = "auto",
    groups: Sequence[Hashable] | None = None,
) -> Interval | None:
    """An interval over items, by a named method or the one that fits the data.

    ``auto`` is Wilson for one draw an item of right or wrong, else Wilson with effective items for
    values with bounds, else Student's t.

    Args:
        items: Values by item; items without a value must have been left out.
        level: Confidence.
        bounds: Least and greatest possible value; None for a score without bounds.
        method: One of :data:`METHODS`.
        groups: The group of each item, for ``clustered``.

    Returns:
        None when nothing can be said (no item; one item of an unbounded score; one group).

    Raises:
        ValueError: the method does not fit the values, is unknown, or lacks groups.
    """
    if not items:
        return None
    if bounds not in (None, (0.0, 1.0)) and method in ("auto", "wilson"):
        return _stretched(items, bounds, level, method)
    means = [fmean(draws) for draws in items]
    single = all(len(draws) == 1 and draws[0] in (0.0, 1.0) for draws in items)
    if method in ("wilson", "clopper-pearson") and not (bounds and single):
        raise ValueError(f"{method} is for one draw an item of right or wrong.")
    if method == "clopper-pearson":
        return clopper_pearson(round(sum(means)), len(means), level)
    if method == "t":
        return student_t(means, level)
    if method == "bootstrap":
        return cluster_bootstrap(items, level=level)
    if method == "clustered":
        if groups is None:
            raise ValueError("A clustered interval needs the group of each item.")
        return clustered(means, groups, level)
    if method not in ("auto", "wilson"):
        raise ValueError(f"{method!r} is no interval; there are {', '.join(METHODS)}.")
    if bounds and single:
        return wilson(sum(means), len(means), level)
    return effective_wilson(items, level) if bounds else student_t(means, level)


def _stretched(
    items: Sequence[Sequence[float]], bounds: tuple[float, float], level: float, method: str
) -> Interval | None:
    """The interval of values moved to 0..1, and its ends moved back."""
    low, width = bounds[0], bounds[1] - bounds[0]
    moved = [[(value - low) / width for value in draws] for draws in items]
    found = between_items(moved, level=level, method=method)
    if found is None:
        return None
    ends = low + width * found.low, low + width * found.high
    return Interval(*ends, found.level, found.method)


def wilson_ends(p: float, trials: float, z: float) -> tuple[float, float]:
    """The ends of Wilson's interval; trials need not be whole, and z is the quantile to use."""
    scale = 1 + z * z / trials
    centre = (p + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    # At the ends centre ± half is 0 or 1 up to rounding: say so exactly.
    return (
        0.0 if p <= 0 else max(0.0, centre - half),
        1.0 if p >= 1 else min(1.0, centre + half),
    )


def _check_counts(successes: float, trials: float) -> None:
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials is impossible.")
