"""The interval that ``run.json`` keeps beside a score, and what a suite's values can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.types import Grade, Sample

Bounds = tuple[float, float]


def value_bounds(suite: Mapping[str, Any], items: Iterable[Sequence[float]]) -> Bounds | None:
    """Least and greatest possible value of an attempt; None where there is no such.

    Percent suites hold fractions. Points have the bounds that the suite declares, unless a value
    lies outside of them: some official graders take whatever a judge says.

    Args:
        suite: The suite as ``run.json`` has it.
        items: The values by item.
    """
    if suite["unit"] == "percent":
        return 0.0, 1.0
    if suite.get("best") is None:
        return None
    low, high = float(suite.get("worst", 0.0)), float(suite["best"])
    return (low, high) if all(low <= v <= high for draws in items for v in draws) else None


def over_items(
    graded: Iterable[tuple[Sample, int, Grade]], suite: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The 95 % interval over items, in the unit of the score; None if nothing was measured.

    Args:
        graded: Sample, attempt index and grade.
        suite: The suite as ``run.json`` has it.
    """
    from evalkit.stats.intervals import between_items

    found: dict[str, list[float]] = {}
    for sample, _, grade in graded:
        if grade.value is not None:
            found.setdefault(sample.id, []).append(grade.value)
    items = list(found.values())
    interval = between_items(items, bounds=value_bounds(suite, items)) if items else None
    if interval is None:
        return None
    scale = 100.0 if suite["unit"] == "percent" else 1.0
    return {
        "low": interval.low * scale, "high": interval.high * scale,
        "level": interval.level, "method": interval.method, "over": "items",
    }  # fmt: skip
