"""Grades responses without any model: given ones, and a suite's own fixtures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from evalkit.adapters import find_suite
from evalkit.adapters.protocol import Chat, Judge
from evalkit.endpoint.parse import split_thinking
from evalkit.errors import (
    DataError,
    EvalkitError,
    GraderError,
    SandboxError,
    SettingsError,
    SuiteError,
)
from evalkit.run.plan import RunOptions, RunPlan, make_plan
from evalkit.run.predictions import read_predictions
from evalkit.settings import EndpointSettings
from evalkit.types import (
    JSON,
    Attempt,
    Completion,
    Grade,
    Message,
    Missing,
    Sample,
    Score,
    Usage,
)

if TYPE_CHECKING:
    from evalkit.sandbox import Sandbox


MOST_ATTEMPTS: Final = 1_000_000  # of a sample: a larger index is another number in that column


@dataclass(frozen=True, slots=True)
class Response:
    """A given response: sample id, attempt index, text, how it ended, and its line."""

    sample_id: str
    attempt: int
    text: str
    finish_reason: str | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Regraded:
    """Verdicts in the order of the responses, and the score over them."""

    verdicts: tuple[Mapping[str, Any], ...]
    score: Score
    unit: str
    note: str = ""

    def text(self) -> str:
        """One line with n, k and the counts."""
        score = self.score
        sign = " %" if self.unit == "percent" else ""
        value = "not measured" if score.value is None else f"{score.value:.1f}{sign}"
        counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in score.counts.items())
        size = f"{score.items} samples × {score.attempts} attempt(s)"
        note = f". {self.note}" if self.note else ""
        return f"{score.metric} {value} ({size}): {counts}{note}"


class GradingWorld:
    """A world without any model: for grading what is already there."""

    def __init__(self, sandbox: Sandbox | None) -> None:
        self._sandbox = sandbox

    @property
    def rng(self) -> random.Random:
        """Seeded anew for each use."""
        return random.Random(0)

    @property
    def model(self) -> Chat:
        """There is none."""
        raise SettingsError("This suite asks a model while it grades; use a run instead.")

    @property
    def judge(self) -> Chat:
        """There is none."""
        return self.model

    @property
    def judges(self) -> tuple[Judge, ...]:
        """There is none."""
        raise SettingsError("This suite asks a judge while it grades; use a run instead.")

    @property
    def user(self) -> Chat:
        """There is none."""
        return self.model

    @property
    def sandbox(self) -> Sandbox:
        """Where code runs."""
        if self._sandbox is None:
            raise SandboxError("This grading was started without a sandbox.")
        return self._sandbox

    async def observe(
        self, kind: str, request: JSON, act: Callable[[], Awaitable[str]], *, replay: bool = False
    ) -> str:
        """Nothing is journaled: do it."""
        return await act()


def grade_responses(
    suite: str,
    responses: Path,
    *,
    protocol: str | None = None,
    grader: str | None = None,
    data: Path | None = None,
    mirror: Path | None = None,
    sandbox: str = "bwrap",
    predictions: bool = False,
) -> Regraded:
    """Grade a JSONL file of responses, or a file of SWE-bench's predictions.

    Raises:
        DataError: a line cannot be read, or names a sample that the data does not hold.
        SuiteError: predictions for a suite whose answers are no patches.
        EvalkitError: as for a run's plan.
    """
    given = list(_predicted(responses) if predictions else read_responses(responses))
    k = 1 + max(response.attempt for response in given)
    options = RunOptions(protocol=protocol, grader=grader, k=k, data=data, mirror=mirror)
    plan = make_plan(find_suite(suite), EndpointSettings("", "given responses"), options)
    if predictions and not getattr(plan.adapter, "predictions", False):
        raise SuiteError(f"The answers to {suite} are no patches; give them with --responses.")
    samples = {sample.id: sample for sample in plan.samples}
    for response in given:
        if response.sample_id not in samples:
            place = "prediction" if predictions else "line"
            raise DataError(
                f"{responses} {place} {response.line}: the data holds no sample "
                f"{response.sample_id!r} (it has {', '.join(list(samples)[:3])}, ...)."
            )
    world = GradingWorld(sandbox_for(plan, sandbox))
    made = _patch_attempt if predictions else given_attempt
    pairs = [(samples[r.sample_id], made(r)) for r in given]
    grades = asyncio.run(grade_all(plan, pairs, world, [f"line {r.line}" for r in given]))
    verdicts = tuple(
        {
            "sample_id": r.sample_id, "attempt": r.attempt, "value": grade.value,
            "correct": None if grade.value is None else grade.value >= 1.0,
            "answer": grade.answer, "missing": grade.missing and grade.missing.value,
            "explanation": grade.explanation, "grader": plan.grader,
            **({"values": dict(grade.values)} if grade.values else {}),
            **({"metadata": dict(grade.metadata)} if predictions else {}),
        }
        for r, grade in zip(given, grades, strict=True)
    )  # fmt: skip
    triples = [
        (sample, r.attempt, grade)
        for (sample, _), r, grade in zip(pairs, given, grades, strict=True)
    ]
    score = plan.adapter.score(triples)
    note = _without_prediction(plan, given, grades) if predictions else ""
    return Regraded(verdicts, score, plan.suite.unit, note)


def _predicted(path: Path) -> Iterator[Response]:
    """Predictions as responses: the patch word for word."""
    for number, one in enumerate(read_predictions(path), 1):
        yield Response(one.instance_id, 0, one.patch or "", None, number)


def _patch_attempt(response: Response) -> Attempt:
    """A given patch as an attempt; nothing in it is taken for reasoning."""
    message = Message("assistant", response.text)
    completion = Completion(message, None, False, Usage())
    return Attempt(response.sample_id, 0, (message,), response.text, (completion,))


def _without_prediction(plan: RunPlan, given: list[Response], grades: list[Grade]) -> str:
    """What the official harness would say, which counts instances without a prediction as well."""
    absent = plan.available - len(given)
    if not absent:
        return ""
    resolved = sum(grade.value == 1.0 for grade in grades)
    lost = sum(grade.value is None for grade in grades)
    said = (
        f"{absent} of {plan.available} instances have no prediction; officially they are not "
        "resolved"
    )
    if lost:  # as many as that may be resolved as well: no share can be told
        return f"{said}; {lost} predictions could not be graded"
    share = f"{100 * resolved / plan.available:.1f} %"
    return f"{said}, which makes {resolved} of {plan.available} ({share})"


def read_responses(path: Path) -> Iterator[Response]:
    """Read the responses file, line by line.

    Raises:
        DataError: with the line's number.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    empty = True
    seen: set[tuple[str, int]] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        empty = False
        try:
            row = orjson.loads(line)
            sample_id = str(row["sample_id"] if "sample_id" in row else row["sample"])
            text = row["response"]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path} line {number}: not an object with sample_id and response ({error!r})."
            ) from None
        attempt = _attempt_index(row.get("attempt", 0), f"{path} line {number}")
        if (sample_id, attempt) in seen:
            raise DataError(
                f"{path} line {number}: sample {sample_id!r}, attempt {attempt} comes twice. "
                "Number the attempts of a sample 0, 1, 2, ..."
            )
        seen.add((sample_id, attempt))
        if isinstance(text, list | dict):
            raise DataError(
                f"{path} line {number}: the response is {type(text).__name__}, not a text. What is "
                "JSON itself is given as a text of JSON."
            )
        text = "" if text is None else str(text)
        yield Response(sample_id, attempt, text, row.get("finish_reason"), number)
    if empty:
        raise DataError(f"{path} is empty: give one JSON object a line.")


def _attempt_index(given: Any, where: str) -> int:
    """The index of an attempt.

    Raises:
        DataError: it is not a whole number, or out of all reason.
    """
    number = given
    if isinstance(given, str | float):
        with contextlib.suppress(ValueError, OverflowError):
            number = int(given)
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or (isinstance(given, float) and number != given):
        raise DataError(f"{where}: attempt is a whole number from 0 on, not {given!r}.")
    if number < 0:
        raise DataError(f"{where}: attempt {number} is below 0.")
    if number >= MOST_ATTEMPTS:
        raise DataError(
            f"{where}: attempt {number} is no index of one of a sample's attempts. Number them 0, "
            f"1, 2, ..., below {MOST_ATTEMPTS:,}."
        )
    return int(number)


def given_attempt(response: Response) -> Attempt:
    """A given response as an attempt; reasoning in it is split off, as from an endpoint."""
    reasoning, content, unclosed = split_thinking(response.text)
    message = Message("assistant", content, reasoning)
    cut = unclosed or response.finish_reason in ("length", "max_tokens")
    completion = Completion(message, response.finish_reason, cut, Usage())
    return Attempt(response.sample_id, response.attempt, (message,), content, (completion,))


async def grade_all(
    plan: RunPlan,
    pairs: list[tuple[Sample, Attempt]],
    world: GradingWorld,
    places: Sequence[str],
) -> list[Grade]:
    """Grade in parallel as far as the machine allows; a grader's failure is no verdict.

    Args:
        plan: Suite and grader.
        pairs: What is graded.
        world: What the grader may use.
        places: Where each was read, for the explanation of a crash.

    Raises:
        EvalkitError: something that only the person can mend (a judge is missing).
    """
    slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))

    async def one(sample: Sample, attempt: Attempt, place: str) -> Grade:
        async with slots:
            try:
                return await plan.adapter.grade(sample, attempt, world)
            except (SandboxError, GraderError) as error:
                said = str(error)
            except EvalkitError:
                raise
            except Exception as error:  # one response never ends the grading of the others
                words = "" if plan.suite.protected else f": {error}"
                said = f"{place}: {type(error).__name__}{words}"
            return Grade(None, explanation=said, missing=Missing.INFRASTRUCTURE)

    asked = [one(*pair, place) for pair, place in zip(pairs, places, strict=True)]
    return list(await asyncio.gather(*asked))


def sandbox_for(plan: RunPlan, name: str) -> Sandbox | None:
    """The sandbox where the adapter needs one, probed."""
    if not plan.needs("sandbox"):
        return None
    from evalkit.sandbox.choose import make_sandbox

    sandbox = make_sandbox(name)
    sandbox.capabilities()
    return sandbox
