"""What a run measured: its score with both kinds of interval, counts and band.

The interval of *draws* answers "would the same items give this again" and is what a reported number
is compared with; the interval over *items* answers "would other items of this kind". Example::

    >>> measured = measure(load_record("results/runs/humaneval--..."))   # doctest: +SKIP
    >>> measured.value, measured.noise.se                                # doctest: +SKIP
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Final

import orjson

from evalkit.cache.cipher import is_encrypted
from evalkit.compare.observed import observe
from evalkit.compare.settled import as_settled
from evalkit.errors import UsageError
from evalkit.run.interval import Bounds, value_bounds
from evalkit.run.record import RunRecord, read_attempts
from evalkit.stats.band import band
from evalkit.stats.draws import DrawNoise, draw_noise, one_draw_if_identical
from evalkit.stats.intervals import Interval, between_items
from evalkit.stats.passk import over_items, pass_at_k, pass_hat_k
from evalkit.stats.same_items import score_interval
from evalkit.types import JSON

MISSING: Final = ("truncated", "unextracted", "infrastructure", "judge_failed")
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run's score and how sure it is. Values are fractions for percent suites, else raw.

    Attributes:
        run: ``run.json``.
        value: The score; None when nothing was graded.
        metric: Its name, with k.
        items: n, items with a graded attempt.
        k: Attempts planned an item.
        graded: Attempts with a value.
        noise: Draw noise; None where it can be neither estimated nor bounded.
        draws: Interval of the score if the same items are drawn again.
        between: Interval of the score over items of this kind.
        counts: planned, graded, the four named reasons, and not_run.
        band: The score with every missing attempt wrong, and with every one right.
        passes: pass@k, pass^k and the items with all k draws, for k > 1 of right or wrong; more
            variance raises the one and lowers the other, so they are only given together.
        scale: 100 for percent suites: what turns a value into what is printed.
        deterministic: For greedy decoding, whether the endpoint is known to repeat itself word for
            word (its repeats did, or it is declared so); None where that is not known.
        observed: What the attempts show of the settings: ``truncated`` (share of answers cut),
            ``limit`` (tokens at which they were cut, where that is below what was asked for) and
            ``thinking`` (``on`` where reasoning tokens were counted).
        notes: What a reader must know about these numbers.
    """

    run: Mapping[str, Any]
    value: float | None
    metric: str
    items: int
    k: int
    graded: int
    noise: DrawNoise | None
    draws: Interval | None
    between: Interval | None
    counts: Mapping[str, int]
    band: tuple[float, float] | None
    passes: tuple[float, float, int] | None
    scale: float
    deterministic: bool | None = None
    observed: Mapping[str, JSON] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Attempts:
    """The columns that are needed, by item and in the order of the attempts."""

    values: list[list[float | None]]
    missing: list[list[str | None]]
    outputs: list[list[object]]
    groups: list[str | None]


def measure(record: RunRecord, *, interval: str = "auto", group: str | None = None) -> Measurement:
    """Read a run's attempts and put numbers on them.

    Args:
        record: The run.
        interval: Method of the interval over items, one of
            :data:`evalkit.stats.intervals.METHODS`.
        group: A key of the recorded metadata that tells which items belong together; the interval
            over items is then clustered.

    Raises:
        DataError: the run has no attempts file or no score yet, or its items lack the group.
        UsageError: the interval does not fit the values.
    """
    run = record.fields
    if (run.get("imported") or {}).get("samples") is False:
        return stated_score(run)
    percent = run["suite"]["unit"] == "percent"
    scale = 100.0 if percent else 1.0
    greedy = is_greedy(run)
    attempts = _read(record, outputs=greedy and run["protocol"]["k"] > 1, group=group)
    known = [[v for v in values if v is not None] for values in attempts.values]
    items = [values for values in known if values]
    bounds = value_bounds(run["suite"], items)
    low, high = bounds or (0.0, None)
    notes: list[str] = []
    score = run.get("score") or {}
    value = _value(score, items, scale, notes)
    plain = value is not None and not notes
    noisy, same = items, None
    if attempts.outputs:
        noisy = one_draw_if_identical(items, [o for o in attempts.outputs if o])
        same = sum(map(len, noisy)) < sum(map(len, items))
        if same:
            notes.append("greedy repeats came out identical: they count as one draw")
    noise = draw_noise(noisy, low=low, high=high) if plain else None
    measurement = Measurement(
        run=run,
        value=value,
        metric=score.get("metric") or run["suite"]["metric"],
        items=len(items),
        k=run["protocol"]["k"],
        graded=sum(map(len, items)),
        noise=noise,
        draws=_draws(value, noise, bounds),
        between=_between(attempts, known, interval, bounds) if plain else None,
        counts=_counts(run, attempts),
        band=_band(run, attempts) if percent else None,
        passes=_passes(known, run["protocol"]["k"]) if percent else None,
        scale=scale,
        deterministic=_deterministic(run, same) if greedy else None,
        observed=observe(record),
        notes=tuple(notes),
    )
    return as_settled(measurement)


def stated_score(run: Mapping[str, Any]) -> Measurement:
    """An imported score without its samples: nothing can be computed about it.

    Its standard error, where the other program states one, is of other items or of other draws; it
    does not say which, so that no interval is made of it.
    """
    imported, score = run["imported"], run["score"]
    scale = 100.0 if run["suite"]["unit"] == "percent" else 1.0
    counts = dict.fromkeys(("planned", "graded", *MISSING, "not_run"), 0)
    notes = ["imported without its samples: intervals are unknown"]
    if imported.get("note"):
        notes.append(imported["note"])
    if imported.get("stderr") is not None:
        notes.append(f"{imported['from']} states a standard error of {imported['stderr']:.3g}")
    return Measurement(
        run=run, value=None if score["value"] is None else score["value"] / scale,
        metric=score["metric"], items=score["items"], k=run["protocol"]["k"], graded=0, noise=None,
        draws=None, between=None, counts=counts, band=None, passes=None, scale=scale,
        notes=tuple(notes),
    )  # fmt: skip


def is_greedy(run: Mapping[str, Any]) -> bool:
    """Whether the run asked for decoding without chance (temperature 0 or top_k 1)."""
    asked = {**run["protocol"].get("params", {}), **run["endpoint"].get("extra_body", {})}
    return asked.get("temperature") == 0 or asked.get("top_k") == 1


def _value(
    score: Mapping[str, Any], items: Sequence[Sequence[float]], scale: float, notes: list[str]
) -> float | None:
    """The run's own score; a note where it is not the mean over items that intervals are for."""
    stated = score.get("value")
    if stated is None or not items:
        return None
    mean = fmean(map(fmean, items))
    if abs(stated / scale - mean) > 1e-6 * max(1.0, abs(mean)):
        notes.append("the score is not the plain mean over items: no interval is known for it")
    return float(stated) / scale


def _deterministic(run: Mapping[str, Any], same: bool | None) -> bool | None:
    """What the repeats showed; without repeats, what the endpoint declares."""
    if same is not None:
        return same
    return True if run["endpoint"].get("settings", {}).get("deterministic") is True else None


def _draws(value: float | None, noise: DrawNoise | None, bounds: Bounds | None) -> Interval | None:
    """The interval over draws; no score lies outside of what its values can be."""
    if value is None or noise is None:
        return None
    found = score_interval(value, noise, LEVEL)
    if bounds is None:
        return found
    return replace(found, low=max(bounds[0], found.low), high=min(bounds[1], found.high))


def _between(
    attempts: _Attempts, known: Sequence[Sequence[float]], method: str, bounds: Bounds | None
) -> Interval | None:
    items = [values for values in known if values]
    groups = [g for g, values in zip(attempts.groups, known, strict=True) if values]
    grouped = any(group is not None for group in groups)
    try:
        return between_items(
            items, level=LEVEL, bounds=bounds,
            method="clustered" if grouped and method == "auto" else method,
            groups=groups if grouped else None,
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(f"--interval {method} does not fit this run: {error}") from None


def _passes(known: Sequence[Sequence[float]], k: int) -> tuple[float, float, int] | None:
    if k < 2 or any(v not in (0.0, 1.0) for item in known for v in item):
        return None
    at, items = over_items(known, k, pass_at_k)
    hat, _ = over_items(known, k, pass_hat_k)
    return None if at is None or hat is None else (at, hat, items)


def _read(record: RunRecord, *, outputs: bool, group: str | None) -> _Attempts:
    columns = ["sample_id", "attempt", "value", "missing"]
    columns += ["completion_tokens", "response"] if outputs else []
    columns += ["metadata"] if group is not None else []
    table = read_attempts(record.folder, columns)
    by_item: dict[str, list[tuple[Any, ...]]] = {}
    for row in zip(*(table[name].to_pylist() for name in columns), strict=True):
        by_item.setdefault(row[0], []).append(row[1:])
    found = _Attempts([], [], [], [])
    for name, rows in by_item.items():
        rows.sort(key=lambda row: row[0])
        found.values.append([row[1] for row in rows])
        found.missing.append([row[2] for row in rows])
        found.groups.append(
            None if group is None else _group(record, name, group, metadata=rows[0][-1])
        )
        if outputs:
            found.outputs.append([_output(row[:5]) for row in rows if row[1] is not None])
    return found


def _group(record: RunRecord, item: str, key: str, *, metadata: str | None) -> str:
    if isinstance(metadata, str) and is_encrypted(metadata):
        raise UsageError(
            f"--group {key}: {record.folder} is of a protected suite, whose metadata are encrypted."
        )
    fields = orjson.loads(metadata) if metadata else {}
    if fields.get(key) is None:
        some = ", ".join(sorted(fields)) or "none"
        raise UsageError(f"--group {key}: item {item} has no such metadata (it has: {some}).")
    return str(fields[key])


def _output(row: tuple[Any, ...]) -> object:
    """What tells two answers apart: the text, or its length where the text is encrypted."""
    _, value, _, tokens, response = row
    if isinstance(response, str) and is_encrypted(response):
        return value, tokens
    return response


def _counts(run: Mapping[str, Any], attempts: _Attempts) -> dict[str, int]:
    reasons = Counter(reason for item in attempts.missing for reason in item if reason)
    seen = sum(map(len, attempts.values))
    planned = (run.get("plan") or {}).get("attempts", seen)
    # The record also counts answers that were cut and could be read all the same.
    stated = (run.get("score") or {}).get("counts") or {}
    reasons["truncated"] = max(reasons["truncated"], stated.get("truncated", 0))
    return {
        "planned": planned,
        "graded": sum(v is not None for item in attempts.values for v in item),
        **{reason: reasons.get(reason, 0) for reason in MISSING},
        "not_run": max(0, planned - seen),
    }


def _band(run: Mapping[str, Any], attempts: _Attempts) -> tuple[float, float] | None:
    known: list[list[float]] = []
    missing: list[int] = []
    for values, reasons in zip(attempts.values, attempts.missing, strict=True):
        sure = [
            v for v, reason in zip(values, reasons, strict=True) if v is not None and not reason
        ]
        known.append(sure)
        missing.append(len(values) - len(sure))
    # A run that ended early: the attempts that were not made are missing too, unless a stop rule
    # said that they are not needed.
    if run["status"] != "settled":
        k = run["protocol"]["k"]
        missing = [m + max(0, k - len(s) - m) for s, m in zip(known, missing, strict=True)]
        for _ in range(run["data"]["selected"] - len(known)):
            known.append([])
            missing.append(k)
    return band(known, missing)
