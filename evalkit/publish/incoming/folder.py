"""Writes a foreign run as a run folder, so that it is listed, compared and published as others are.

``run.json`` says where it comes from (``imported``), and what is unknown stays null. A task that
has the name of a suite takes that suite's benchmark, margin and protection; any other is its own
benchmark.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from evalkit.adapters.common import mean_score
from evalkit.adapters.find import find_suite, suite_folders
from evalkit.adapters.load import read_suite
from evalkit.adapters.suite import Suite
from evalkit.errors import Cause, DataError, SuiteError
from evalkit.publish.incoming.foreign import ForeignAttempt, ForeignRun
from evalkit.run.interval import over_items
from evalkit.run.record import ATTEMPTS, FORMAT, write_record
from evalkit.run.sink import AttemptSink, to_row
from evalkit.types import Attempt, Completion, Failure, Grade, Message, Missing, Sample

MARGIN: Final = 3.0
ROUNDED: Final = 0.005  # a stated score may be rounded to two places
_WORD: Final = re.compile(r"[a-z0-9]+")


def write_foreign(run: ForeignRun, source: Path, root: Path, *, suite: str | None = None) -> Path:
    """Write one run's folder below ``root``.

    Args:
        run: What was read.
        source: The file it was read from.
        root: Where run folders are.
        suite: The suite it is a run of, where its task has another name.

    Returns:
        The folder.

    Raises:
        DataError: a protected suite: a foreign record holds its questions in plain text.
        SuiteError: there is no such suite.
    """
    ours = _suite(run, suite)
    secret = protected_suite(run, ours)
    if secret is not None:
        raise DataError(
            f"{source} may hold the questions of {secret}, a protected suite, in plain text; it is "
            "not imported. Publish the score as a claim instead: evalkit reported add."
        )
    run, note = _as_stated(run)
    fields = _fields(run, source, ours)
    if note:
        fields["imported"]["note"] = note
    name = "--".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in (
        fields["suite"]["name"], run.model, run.source, fields["run_id"][:8]))  # fmt: skip
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if run.attempts:
        graded = _write_attempts(folder, run)
        k = fields["protocol"]["k"]
        score = mean_score(graded, metric=run.metric, k=k, unit=run.unit)
        fields["score"] = _score(score.metric, score.value, score.items, k, dict(score.counts))
        fields["score"]["interval"] = over_items(graded, fields["suite"])
        fields["failures"] = _failures(run.attempts)
    write_record(folder, fields)
    return folder


def protected_suite(run: ForeignRun, ours: Suite | None) -> str | None:
    """The protected suite that a record's task or data set is of, under whatever name; or None.

    A name counts where it stands as whole words (``leaderboard_gpqa_diamond_cot``, ``browse_comp``,
    but not ``athlete`` for HLE); the data set where it is the suite's own.
    """
    if ours is not None and ours.protected:
        return ours.name
    said = _runs_of_words(run.task) | _runs_of_words(run.dataset or "")
    for folder, _ in suite_folders():
        suite = read_suite(folder)
        names = {_squashed(name) for name in (suite.name, suite.benchmark, suite.data.hub or "")}
        if suite.protected and said & (names - {""}):
            return suite.name
    return None


def _squashed(name: str) -> str:
    return "".join(_WORD.findall(name.lower()))


def _runs_of_words(text: str) -> set[str]:
    """Every run of neighbouring words, without what stands between them."""
    words = _WORD.findall(text.lower())
    places = range(len(words))
    return {"".join(words[a : b + 1]) for a in places for b in places if a <= b}


def _as_stated(run: ForeignRun) -> tuple[ForeignRun, str]:
    """The run without its attempts where its score is another than their mean, and a note on it.

    Such a score has weights, or is one of the whole set (F1, BLEU); a mean in its place would be
    another number than the record's.
    """
    if not run.attempts or run.value is None:
        return run, ""
    graded = [(Sample(one.sample_id, ""), one.index, _grade(one)) for one in run.attempts]
    mean = mean_score(graded, unit="points").value
    if mean is not None and abs(mean - run.value) <= ROUNDED * max(1.0, abs(run.value)):
        return run, ""
    scale = 100.0 if run.unit == "percent" else 1.0
    said = "not known" if mean is None else f"{mean * scale:.4g}"
    note = f"the mean of its samples is {said}, not the stated score, so they are left out"
    items = run.items or len({one.sample_id for one in run.attempts})
    k = run.k or 1 + max(one.index for one in run.attempts)
    return replace(run, attempts=(), items=items, k=k), note


def _fields(run: ForeignRun, source: Path, ours: Suite | None) -> dict[str, Any]:
    ids = sorted({a.sample_id for a in run.attempts})
    items = len(ids) or run.items or 0
    k = run.k or (1 + max((a.index for a in run.attempts), default=0))
    scale = 100.0 if run.unit == "percent" else 1.0
    value = None if run.value is None else run.value * scale
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    fields: dict[str, Any] = {
        "format": FORMAT,
        "imported": {
            "from": run.source, "version": run.version, "file": source.name, "sha256": digest,
            "k": run.k, "items": run.items, "stderr": run.stderr and run.stderr * scale,
            "samples": bool(run.attempts),
        },
        "suite": _suite_fields(run, ours, items),
        "protocol": {
            "name": run.source, "summary": f"imported from {run.source}", "variant": None,
            "grader": None, "k": k, "params": dict(run.params), "settings": dict(run.settings),
            "options": {}, "changed": [],
        },
        "model": run.model, "model_canonical": None,
        "endpoint": {
            "name": None, "model": run.model, "base_url": run.base_url, "identity": None,
            "stream": None, "token_param": None, "extra_body": {}, "headers": [], "settings": {},
        },
        "roles": {},
        "data": {
            "origin": run.dataset, "revision": None, "sha256": None, "fingerprint": None,
            "rows": items, "selected": items, "limit": None,
            "ids_sha256": hashlib.sha256(orjson.dumps(ids)).hexdigest() if ids else None,
        },
        "prompts": {},
        "created": run.created, "finished": run.created, "surroundings": {},
        "evalkit": None, "plan": {"attempts": items * k, "done": len(run.attempts)},
        "score": _score(run.metric.replace("@k", f"@{k}"), value, items, k, {}),
        "tokens": _tokens(run.attempts), "failures": {}, "last_failure": None,
        "effective": {"served_models": {}, "fingerprints": {}},
        "usage": {}, "cost_usd": None, "status": run.status, "wall_s": None, "stop": None,
    }  # fmt: skip
    content = orjson.dumps([digest, run.task, run.metric], option=orjson.OPT_SORT_KEYS)
    fields["run_id"] = hashlib.sha256(content).hexdigest()[:16]
    return fields


def _suite(run: ForeignRun, name: str | None) -> Suite | None:
    """The suite that was named, or the one with the task's name."""
    if name is not None:
        return find_suite(name)
    candidate = re.sub(r"[\s_/]+", "-", run.task.lower())
    try:
        return find_suite(candidate)
    except SuiteError:
        return None


def _suite_fields(run: ForeignRun, ours: Suite | None, items: int) -> dict[str, Any]:
    task = run.task.lower()
    shared = {"version": run.task_version or "unknown", "metric": run.metric, "unit": run.unit,
              "style": run.source}  # fmt: skip
    if ours is None:
        return shared | {
            "name": task, "digest": "", "benchmark": run.task, "title": run.task, "items": items,
            "margin": MARGIN, "protected": False,
        }  # fmt: skip
    return shared | {
        "name": ours.name, "digest": "", "benchmark": ours.benchmark, "title": ours.title,
        "items": ours.items, "margin": ours.margin, "protected": ours.protected,
    }  # fmt: skip


def _score(
    metric: str, value: float | None, items: int, k: int, counts: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "metric": metric, "value": value, "items": items, "attempts": k, "counts": dict(counts),
        "extra": {}, "interval": None,
    }  # fmt: skip


def _write_attempts(folder: Path, run: ForeignRun) -> list[tuple[Sample, int, Grade]]:
    sink = AttemptSink(folder / ATTEMPTS)
    graded: list[tuple[Sample, int, Grade]] = []
    ordered = sorted(run.attempts, key=lambda a: (a.index, a.sample_id))
    for place, one in enumerate(ordered):
        sample = Sample(
            one.sample_id,
            "",
            one.target,
            {} if one.category is None else {"category": one.category},
        )
        attempt, grade = _attempt(one), _grade(one)
        graded.append((sample, one.index, grade))
        sink.add(place, *to_row(sample, attempt, grade))
    sink.close()
    return graded


def _attempt(one: ForeignAttempt) -> Attempt:
    message = Message("assistant", one.response)
    completion = Completion(
        message, one.finish_reason, one.truncated, one.usage, one.model, latency_s=one.latency_s
    )
    failure = None if one.error is None else Failure(Cause.INTERNAL, one.error)
    return Attempt(
        one.sample_id, one.index, one.messages or (message,), one.response,
        () if failure is not None else (completion,), failure,
    )  # fmt: skip


def _grade(one: ForeignAttempt) -> Grade:
    if one.value is None:
        return Grade(None, one.answer, one.explanation, Missing.INFRASTRUCTURE)
    metadata = {"truncated": True} if one.truncated else {}
    return Grade(one.value, one.answer, one.explanation, metadata=metadata)


def _failures(attempts: tuple[ForeignAttempt, ...]) -> dict[str, int]:
    failed = sum(one.error is not None for one in attempts)
    return {Cause.INTERNAL.value: failed} if failed else {}


def _tokens(attempts: tuple[ForeignAttempt, ...]) -> dict[str, Any]:
    """Sums of what is known; None where an attempt does not say."""
    prompt = [a.usage.prompt_tokens for a in attempts]
    completion = [a.usage.completion_tokens for a in attempts]
    known = [all(v is not None for v in values) and bool(values) for values in (prompt, completion)]
    return {
        "prompt": sum(v or 0 for v in prompt) if known[0] else None,
        "completion": sum(v or 0 for v in completion) if known[1] else None,
        "unmetered_answers": sum(v is None for v in completion),
    }  # fmt: skip
