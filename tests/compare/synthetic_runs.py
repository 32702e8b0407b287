"""Run folders made of given values, through the real writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.adapters.common import mean_score
from evalkit.run.record import ATTEMPTS, RunRecord, load_record, write_record
from evalkit.run.sink import AttemptSink, to_row
from evalkit.types import Attempt, Completion, Grade, Message, Missing, Sample, Usage

Value = float | None | tuple[float | None, str]


@dataclass
class Run:
    """What a synthetic run is made of; ``items`` are values, or (value, reason) pairs."""

    items: Sequence[Sequence[Value]]
    suite: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    model: str = "model-a"
    canonical: str | None = "Model A"
    served: Sequence[str] = ("model-a",)
    status: str = "complete"
    metric: str = "avg@k"
    score: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[Sequence[str]] | None = None
    planned: int | None = None
    roles: Mapping[str, str] = field(default_factory=dict)


def write_run(folder: Path, run: Run) -> RunRecord:
    """Write run.json and attempts.parquet, and read the record back."""
    k = max((len(values) for values in run.items), default=1)
    k = int(run.protocol.get("k", k))
    graded: list[tuple[Sample, int, Grade]] = []
    sink = AttemptSink(folder / ATTEMPTS)
    place = 0
    for number, values in enumerate(run.items):
        sample = Sample(f"item-{number}", f"question {number}", "target")
        for index, given in enumerate(values):
            value, reason = given if isinstance(given, tuple) else (given, None)
            missing = Missing(reason) if reason else None
            grade = Grade(value, "answer", missing=missing)
            text = run.answers[number][index] if run.answers else f"{number}.{index}"
            reply = Message("assistant", text)
            completion = Completion(reply, "stop", False, Usage(10, 20), model=run.served[0])
            attempt = Attempt(sample.id, index, (reply,), text, (completion,))
            row, size = to_row(sample, attempt, grade)
            sink.add(place, row, size)
            graded.append((sample, index, grade))
            place += 1
    sink.close()
    suite = {
        "name": "tiny", "version": "1", "digest": "d" * 64, "benchmark": "Tiny Bench",
        "title": "Tiny", "metric": run.metric, "unit": "percent", "items": len(run.items),
        "margin": 3.0, "protected": False, "style": "exact-answer", **run.suite,
    }  # fmt: skip
    score = mean_score(graded, metric=run.metric, k=k, unit=suite["unit"])
    fields = {
        "format": 1, "run_id": "0123456789abcdef", "evalkit": "0.1.0", "status": run.status,
        "created": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:01:00+00:00",
        "suite": suite,
        "protocol": {
            "name": "own", "variant": None, "grader": "exact", "k": k,
            "params": {"temperature": 1.0}, "settings": {}, "options": {}, **run.protocol,
        },
        "model": run.model, "model_canonical": run.canonical,
        "endpoint": {
            "name": "test", "base_url": "http://127.0.0.1/v1", "identity": None, "stream": False,
            "extra_body": {}, "settings": {}, **run.endpoint,
        },
        "roles": {role: {"model": name} for role, name in run.roles.items()},
        "data": {
            "origin": "file", "revision": None, "sha256": None, "fingerprint": "f",
            "rows": len(run.items), "selected": len(run.items), "limit": None, **run.data,
        },
        "prompts": {"prompt": {"sha256": "p" * 64, "origin": "suite"}},
        "effective": {"served_models": dict.fromkeys(run.served, 1), "fingerprints": {}},
        "plan": {"attempts": run.planned or place, "done": place},
        "score": {
            "metric": score.metric, "value": score.value, "items": score.items,
            "attempts": score.attempts, "counts": dict(score.counts), "extra": dict(score.extra),
            **run.score,
        },
    }  # fmt: skip
    write_record(folder, fields)
    return load_record(folder)
