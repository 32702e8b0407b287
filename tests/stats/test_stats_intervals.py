from __future__ import annotations

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats import (
    between_items,
    clopper_pearson,
    cluster_bootstrap,
    student_t,
    wilson,
)
from evalkit.stats.intervals import clustered, effective_wilson

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def percent(value: float) -> float:
    return round(100 * value, 1)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(27, 30, 74.4, 96.5), (375, 500, 71.0, 78.6), (30, 30, 88.6, 100.0)],
)
def test_wilson_gives_the_known_figures(
    successes: int, trials: int, low: float, high: float
) -> None:
    interval = wilson(successes, trials)
    assert (percent(interval.low), percent(interval.high)) == (low, high)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"), [(27, 30, 73.5, 97.9), (375, 500, 71.0, 78.7)]
)
def test_clopper_pearson_gives_the_known_figures(
    successes: int, trials: int, low: float, high: float
) -> None:
    interval = clopper_pearson(successes, trials)
    assert (percent(interval.low), percent(interval.high)) == (low, high)


@given(counts, levels)
def test_proportions_agree_with_scipy(count: tuple[int, int], level: float) -> None:
    successes, trials = count
    test = stats.binomtest(successes, trials)
    ours, theirs = wilson(successes, trials, level), test.proportion_ci(level, "wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    ours, theirs = clopper_pearson(successes, trials, level), test.proportion_ci(level, "exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(counts)
def test_proportions_hold_their_estimate_and_stay_in_bounds(count: tuple[int, int]) -> None:
    successes, trials = count
    for interval in (wilson(successes, trials), clopper_pearson(successes, trials)):
        assert 0 <= interval.low <= successes / trials <= interval.high <= 1
        assert interval.low < interval.high


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9])
def test_clopper_pearson_covers_by_enumeration(p: float) -> None:
    trials = 12
    covered = 0.0
    for successes in range(trials + 1):
        interval = clopper_pearson(successes, trials)
        if interval.low <= p <= interval.high:
            covered += math.comb(trials, successes) * p**successes * (1 - p) ** (trials - successes)
    assert covered >= 0.95


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="impossible"):
        wilson(successes, trials)
    with pytest.raises(ValueError, match="impossible"):
        clopper_pearson(successes, trials)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1), levels)
def test_student_t_agrees_with_scipy(means: list[float], level: float) -> None:
    ours = student_t(means, level)
    theirs = stats.ttest_1samp(means, 0.0).confidence_interval(level)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-12)


def test_one_item_has_no_spread() -> None:
    assert student_t([0.5]) is None
    assert cluster_bootstrap([[0.5, 1.0]]) is None
    assert between_items([]) is None
    assert between_items([[3.0]], bounds=None) is None


def test_an_interval_moves_with_its_bounds_and_keeps_to_them() -> None:
    items = [[1.0, 0.75], [1.0, 1.0], [0.5, 1.0]]
    plain = between_items(items)
    moved = between_items([[50 * v - 10 for v in of_item] for of_item in items], bounds=(-10, 40))
    free = between_items([[50 * v - 10 for v in of_item] for of_item in items], bounds=None)
    assert plain is not None and moved is not None and free is not None  # noqa: PT018
    assert (moved.low, moved.high) == pytest.approx((50 * plain.low - 10, 50 * plain.high - 10))
    assert moved.method == plain.method
    assert moved.high <= 40 < free.high


def test_the_bootstrap_is_seeded_and_draws_items_not_draws() -> None:
    items = [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]] * 10
    first = cluster_bootstrap(items, seed=3)
    assert first == cluster_bootstrap(items, seed=3)
    assert first != cluster_bootstrap(items, seed=4)
    assert first is not None
    # 20 items at ½: the interval is that of 20 trials, not of 80.
    exact = stats.binom(20, 0.5)
    assert first.low == pytest.approx(exact.ppf(0.025) / 20, abs=0.051)
    assert first.high == pytest.approx(exact.ppf(0.975) / 20, abs=0.051)
    assert first.half_width > 0.18


def test_the_bootstrap_matches_full_enumeration_on_three_items() -> None:
    means = [0.0, 0.5, 1.0]
    all_means = sorted(fmean((a, b, c)) for a in means for b in means for c in means)
    interval = cluster_bootstrap([[m] for m in means], resamples=20_000, level=0.8)
    assert interval is not None
    assert interval.low == pytest.approx(all_means[2], abs=0.17)
    assert interval.high == pytest.approx(all_means[-3], abs=0.17)


@pytest.mark.parametrize(
    ("items", "method"),
    [
        ([[1.0], [0.0], [1.0]], "Wilson"),
        ([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.5, 0.5]] * 5, "Wilson, effective items"),
        ([[1.0, 1.0], [1.0, 1.0]], "Wilson, effective items"),
        ([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]], "Wilson, effective items"),
    ],
)
def test_the_method_fits_the_data(items: list[list[float]], method: str) -> None:
    interval = between_items(items)
    assert interval is not None
    assert interval.method == method
    assert 0 <= interval.low < interval.high <= 1


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=20), levels)
def test_effective_wilson_holds_its_estimate_and_stays_in_bounds(
    items: list[list[float]], level: float
) -> None:
    interval = effective_wilson(items, level)
    centre = fmean(map(fmean, items))
    assert 0 <= interval.low <= centre + 1e-9
    assert centre - 1e-9 <= interval.high <= 1
    assert interval.low < interval.high


def test_effective_wilson_lies_between_items_and_draws() -> None:
    """All-or-nothing items: n trials. Items that are all alike: nearly as many as draws."""
    settled = effective_wilson([[1.0] * 8] * 12 + [[0.0] * 8] * 8)
    assert (settled.low, settled.high) == pytest.approx(
        (wilson(12, 20).low, wilson(12, 20).high), abs=0.012
    )
    alike = effective_wilson([[1.0, 0.0] * 4] * 20)
    assert alike.half_width < 0.5 * wilson(10, 20).half_width
    right = effective_wilson([[1.0] * 8] * 30)
    assert (right.low, right.high) == pytest.approx((wilson(30, 30).low, 1.0))


def test_groups_widen_and_singletons_do_not() -> None:
    means = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    alone = clustered(means, range(8))
    plain = student_t(means)
    together = clustered(means, ["a", "a", "a", "b", "b", "b", "c", "d"])
    assert alone is not None
    assert plain is not None
    assert together is not None
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high))
    assert together.half_width > 1.5 * plain.half_width
    assert clustered(means, ["a"] * 8) is None


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("auto", "Wilson"), ("wilson", "Wilson"), ("clopper-pearson", "Clopper–Pearson"),
        ("t", "Student t on item means"), ("bootstrap", "bootstrap over items"),
        ("clustered", "Student t over 2 groups"),
    ],
)  # fmt: skip
def test_a_method_can_be_named(method: str, expected: str) -> None:
    items = [[1.0], [0.0], [1.0], [1.0]]
    interval = between_items(items, method=method, groups="aabb")
    assert interval is not None
    assert interval.method == expected


def test_a_method_that_does_not_fit_is_refused() -> None:
    several = [[1.0, 0.0], [0.0, 0.0]]
    for method in ("wilson", "clopper-pearson"):
        with pytest.raises(ValueError, match="one draw an item"):
            between_items(several, method=method)
    with pytest.raises(ValueError, match="group of each item"):
        between_items(several, method="clustered")
    with pytest.raises(ValueError, match="no interval"):
        between_items(several, method="normal")
