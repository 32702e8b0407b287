"""What an earlier run tells about the next one: noise within items, tokens, requests, latency.

Only what was measured is told; where an endpoint did not say how many tokens an answer took, the
figure is None and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from evalkit.compare.match import Aliases, normal
from evalkit.compare.measure import is_greedy
from evalkit.errors import DataError, EvalkitError
from evalkit.run.interval import value_bounds
from evalkit.run.record import ATTEMPTS, RECORD, RunRecord, load_record, read_attempts
from evalkit.stats.draws import DrawNoise, draw_noise, one_draw_if_identical

COLUMNS = ["sample_id", "attempt", "value", "prompt_tokens", "completion_tokens", "requests",
           "latency_s", "response"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pilot:
    """Figures of an earlier run; means are over attempts that were answered.

    Attributes:
        folder: Its run folder.
        model: The model that it asked.
        protocol: Its protocol.
        attempts: Attempts that were answered.
        noise: Draw noise in fractions; None where values have no bounds and k was 1.
        prompt_tokens: Mean an attempt; None = not known.
        completion_tokens: Likewise.
        requests: Mean an attempt.
        latency_s: Mean seconds an attempt, all of its requests together.
    """

    folder: Path
    model: str
    protocol: str
    attempts: int
    noise: DrawNoise | None
    prompt_tokens: float | None
    completion_tokens: float | None
    requests: float | None
    latency_s: float | None


def find_pilot(
    root: Path, suite: str, model: str, protocol: str, aliases: Aliases | None = None
) -> RunRecord | None:
    """The largest run of this suite and model under ``root``; of this protocol where there is one.

    Args:
        root: Folder of run folders.
        suite: The suite's name.
        model: The model to be asked.
        protocol: The protocol to be used.
        aliases: Other names of models.
    """
    names = {normal(model), (aliases or {}).get(normal(model), normal(model))}
    found: list[tuple[bool, int, str, RunRecord]] = []
    for path in sorted(root.glob(f"*/{RECORD}")) if root.is_dir() else ():
        try:
            record = load_record(path.parent)
        except EvalkitError:
            continue  # a folder of another version, or half of one, is no pilot
        run = record.fields
        known = {normal(name) for name in (run["model"], run.get("model_canonical")) if name}
        if run["suite"]["name"] != suite or not known & names:
            continue
        graded = ((run.get("score") or {}).get("counts") or {}).get("graded", 0)
        if graded and (record.folder / ATTEMPTS).is_file():
            same = run["protocol"]["name"] == protocol
            found.append((same, graded, str(record.folder), record))
    return max(found, key=lambda one: one[:3])[3] if found else None


def read_pilot(record: RunRecord) -> Pilot:
    """The figures of a run.

    Raises:
        DataError: it has no attempt that was answered.
    """
    run = record.fields
    table = read_attempts(record.folder, COLUMNS)
    rows = list(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True))
    answered = [dict(zip(COLUMNS, row, strict=True)) for row in rows if row[2] is not None]
    if not answered:
        raise DataError(f"{record.folder} is no pilot: not one of its attempts has a value.")
    draws = _draws(run, answered)
    low, high = value_bounds(run["suite"], draws) or (0.0, None)
    return Pilot(
        folder=record.folder,
        model=run["model"],
        protocol=run["protocol"]["name"],
        attempts=len(answered),
        noise=draw_noise(draws, low=low, high=high),
        prompt_tokens=_mean(answered, "prompt_tokens"),
        completion_tokens=_mean(answered, "completion_tokens"),
        requests=_mean(answered, "requests"),
        latency_s=_mean(answered, "latency_s"),
    )


def _draws(run: Mapping[str, Any], answered: list[dict[str, Any]]) -> list[list[float]]:
    """Values by item; greedy repeats that came out identical are one draw, as in a comparison."""
    values: dict[str, list[float]] = {}
    outputs: dict[str, list[tuple[Any, ...]]] = {}
    for row in answered:
        values.setdefault(row["sample_id"], []).append(row["value"])
        said = (row["value"], row["response"], row["completion_tokens"])
        outputs.setdefault(row["sample_id"], []).append(said)
    items = list(values.values())
    return one_draw_if_identical(items, list(outputs.values())) if is_greedy(run) else items


def _mean(rows: list[Mapping[str, Any]] | list[dict[str, Any]], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return fmean(known) if known else None
