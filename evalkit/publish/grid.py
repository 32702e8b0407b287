"""Tables as data, for every form that prints one: suites × models, claims × runs, categories.

Cells are plain text; a form escapes them as it must. Rows and columns are sorted, and nothing in
them depends on the time or the machine, so that a changed line is a changed result. Example::

    for grid in grids(publication.reports, publication.rows):
        print(grid.title, len(grid.lines))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from evalkit.cache import is_encrypted
from evalkit.compare.report import RunReport
from evalkit.publish.samples import has_samples
from evalkit.publish.table import Row
from evalkit.run.interval import value_bounds
from evalkit.run.record import read_attempts
from evalkit.stats.draws import BOUND
from evalkit.stats.intervals import between_items

NONE: Final = "–"  # never a 0: it was not measured
FEWEST: Final = 2  # categories that are worth a table


@dataclass(frozen=True, slots=True)
class Grid:
    """One table.

    Attributes:
        name: For file names and labels.
        title: For people.
        head: Names of the columns.
        lines: Cells, one tuple a line.
        numbers: Places of the columns that hold numbers.
        note: What the cells mean.
    """

    name: str
    title: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    note: str = ""


def grids(reports: Sequence[RunReport], rows: Sequence[Row]) -> list[Grid]:
    """Every table that has something to show."""
    found = [suites_by_models(rows), claims_by_runs(rows), categories(reports)]
    return [grid for grid in found if grid.lines]


def value_text(row: Row) -> str:
    """``53.7 ± ≤ 7.8 (164 × 1)``."""
    digits = 1 if row.unit == "percent" else 2
    bound = "≤ " if row.method == BOUND else ""
    mark = "" if row.sequential is None else " †"
    half = f"± {bound}{row.half_width:.{digits}f}" if row.half_width is not None else (
        "± unknown" if row.between is None
        else f"[{row.between[0]:.{digits}f} to {row.between[1]:.{digits}f} over items]"
    )  # fmt: skip
    return f"{row.value:.{digits}f} {half} ({row.size}){mark}"


def suites_by_models(rows: Sequence[Row]) -> Grid:
    """One line a suite, protocol and metric; one column a model; runs beside each other."""
    models = sorted({row.model for row in rows}, key=str.casefold)
    cells: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for row in _once(rows):
        line = cells.setdefault((row.suite, row.protocol, row.metric), {})
        line.setdefault(row.model, []).append(value_text(row))
    lines = tuple(
        (*key, *("; ".join(cells[key].get(model, [NONE])) for model in models))
        for key in sorted(cells)
    )
    numbers = frozenset(range(3, 3 + len(models)))
    note = "score ± half-width of 95 % if the same items are answered again (items × draws)"
    return Grid(
        "suites-by-models", "Suites × models", ("suite", "protocol", "metric", *models), lines,
        numbers, note,
    )  # fmt: skip


def claims_by_runs(rows: Sequence[Row]) -> Grid:
    """One line a claim and run: what was reported, what was measured, the verdict."""
    lines = tuple(
        (
            row.model, row.suite, f"{claim.reporter} ({claim.reported_by})", f"{claim.value:g}",
            row.protocol, value_text(row), f"{row.value - claim.value:+.1f}",
            f"{claim.verdict}{' (materially)' if claim.material else ''}",
            "; ".join(claim.differs) or NONE,
        )
        for row in rows
        if (claim := row.reported) is not None
    )  # fmt: skip
    head = (
        "model", "suite", "reported by", "reported", "protocol", "measured", "difference",
        "verdict", "settings that differ or are not known",
    )  # fmt: skip
    return Grid(
        "claims-by-runs", "Claims × runs", head, tuple(sorted(lines)), frozenset({3, 5, 6}),
        "difference: measured minus reported, in points",
    )  # fmt: skip


def categories(reports: Iterable[RunReport]) -> Grid:
    """Scores by the category that a suite's samples have; not for protected suites."""
    lines: list[tuple[str, ...]] = []
    for report in reports:
        run, scale = report.measurement.run, report.measurement.scale
        found = _by_category(report)
        for name in sorted(found) if len(found) >= FEWEST else ():
            items = found[name]
            bounds = value_bounds(run["suite"], items)
            interval = between_items(items, bounds=bounds) if len(items) > 1 else None
            value = sum(sum(draws) / len(draws) for draws in items) / len(items) * scale
            ends = NONE if interval is None else (
                f"{interval.low * scale:.1f} to {interval.high * scale:.1f}"
            )  # fmt: skip
            model = run.get("model_canonical") or run["model"]
            k = max(map(len, items))
            lines.append(
                (run["suite"]["name"], model, run["protocol"]["name"], name, f"{value:.1f}", ends,
                 f"{len(items)} × {k}")
            )  # fmt: skip
    head = ("suite", "model", "protocol", "category", "score", "95 % over items", "items × draws")
    return Grid(
        "categories", "By category", head, tuple(sorted(lines)), frozenset({4, 5, 6}),
        "95 % interval if other items of the category had been asked",
    )  # fmt: skip


def _by_category(report: RunReport) -> dict[str, list[list[float]]]:
    """Category → values by item."""
    run = report.measurement.run
    if run["suite"].get("protected") or not has_samples(run):
        return {}
    table = read_attempts(report.folder, ["sample_id", "value", "metadata"])
    found: dict[str, dict[str, list[float]]] = {}
    for row in table.to_pylist():
        category = _category(row["metadata"])
        if category is not None and row["value"] is not None:
            found.setdefault(category, {}).setdefault(row["sample_id"], []).append(row["value"])
    return {name: list(items.values()) for name, items in found.items()}


def _category(metadata: str | None) -> str | None:
    if not metadata or is_encrypted(metadata):
        return None
    document: Any = orjson.loads(metadata)
    category = document.get("category") if isinstance(document, dict) else None
    return category if isinstance(category, str) else None


def _once(rows: Sequence[Row]) -> list[Row]:
    """One row a run and metric, however many claims there are."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        found.setdefault((row.suite, row.protocol, row.metric, row.model, row.run_id), row)
    return list(found.values())
