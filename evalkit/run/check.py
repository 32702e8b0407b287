"""Checks a suite before anybody spends on it: TOML, prompts, data, and grading of its fixtures.

``fixtures.jsonl`` in a suite's folder holds the suite's own examples, one object a line::

    {"sample": {row}, "response": "...", "expect": "right", "finish_reason": "stop"}

The row has the data's columns, or already our own names for them. ``expect`` is right, wrong,
truncated (the cut response has no answer), unparseable, judge_failed, or the value itself, as a
number; ``graders`` may name the answer rules that a line is meant for. A line of a judged suite
says in ``judge`` what the judge answers, and may bring ``texts`` of its own by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from evalkit.adapters import Suite, find_suite, make_adapter
from evalkit.adapters.make import choose_grader, style_of
from evalkit.adapters.protocol import Chat, Judge
from evalkit.data import load_rows
from evalkit.data.rows import arrange
from evalkit.errors import DataError, EvalkitError
from evalkit.run.plan import choose_protocol, load_prompts
from evalkit.run.regrade import GradingWorld, Response, given_attempt
from evalkit.types import JSON, Completion, Grade, Message, Missing, Usage

FIXTURES: Final = "fixtures.jsonl"
EXPECTATIONS: Final = ("right", "wrong", "truncated", "unparseable", "judge_failed")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All checks of a suite."""

    suite: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Every check passed."""
        return all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        checks = [{"what": c.what, "ok": c.ok, "detail": c.detail} for c in self.checks]
        return {"suite": self.suite, "ok": self.ok, "checks": checks}

    def lines(self) -> list[str]:
        """One line a check."""
        return [f"{'ok ' if c.ok else 'BAD'}  {c.what}: {c.detail}" for c in self.checks]


def check_suite(
    name: str, *, data: Path | None = None, mirror: Path | None = None, sandbox: str = "bwrap"
) -> CheckReport:
    """Check everything about a suite that costs nothing.

    Raises:
        SuiteError: the suite cannot be found or its TOML cannot be read at all.
    """
    suite = find_suite(name)
    checks = [Check("suite.toml", True, f"{suite.folder}, version {suite.version}")]
    for protocol in suite.protocols:
        checks.append(
            _try(f"protocol {protocol}", lambda p=protocol: _protocol(suite, p, mirror, data))
        )
    checks.append(_try("data", lambda: _data(suite, data, mirror)))
    for grader in suite.graders or (None,):
        label = f"fixtures, grader {grader or 'default'}"
        checks.append(_try(label, lambda g=grader: _fixtures(suite, g, sandbox)))
    return CheckReport(suite.name, tuple(checks))


def _try(what: str, look: Any) -> Check:
    try:
        return Check(what, True, look())
    except EvalkitError as error:
        return Check(what, False, str(error))


def _protocol(suite: Suite, name: str, mirror: Path | None, own: Path | None) -> str:
    protocol = choose_protocol(suite, name)
    prompts = load_prompts(suite, protocol, mirror, own=own)
    texts = {key: text.text for key, text in prompts.items()}
    make_adapter(
        suite, protocol, prompt=texts.get("prompt"), system=texts.get("system"),
        texts={name: texts[name] for name in protocol.texts},
    )  # fmt: skip
    said = ", ".join(f"{key} {text.sha256[:12]}" for key, text in prompts.items())
    return f"k {protocol.k}; {said or 'no prompt texts'}"


def _data(suite: Suite, data: Path | None, mirror: Path | None) -> str:
    """Rows become samples, whatever the prompts are like."""
    protocol = choose_protocol(suite, None)
    adapter = make_adapter(suite, protocol, prompt=None, system=None)
    rows = load_rows(
        suite.data_of(protocol), folder=suite.folder, override=data, mirror=mirror,
        assemble=getattr(style_of(suite), "assemble", None),
    )  # fmt: skip
    count = len(tuple(adapter.samples(rows.rows)))
    if suite.items is not None and count != suite.items and data is None:
        raise DataError(f"{rows.origin} holds {count} samples, not {suite.items}.")
    return f"{count} samples from {rows.origin}"


def _fixtures(suite: Suite, grader: str | None, sandbox: str) -> str:
    path = suite.folder / FIXTURES
    if not path.is_file():
        return f"none ({FIXTURES} is not there)"
    protocol = choose_protocol(suite, None)
    adapter = make_adapter(suite, protocol, prompt=None, system=None, grader=grader)
    ready = getattr(adapter, "ready", None)
    if ready is not None:
        ready()
    world = _world(adapter, sandbox)
    counted: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        row = _fixture(line, f"{path} line {number}")
        only = row.get("graders")
        if only and choose_grader(suite, protocol, grader) not in only:
            continue
        if "texts" in row:
            adapter = make_adapter(
                suite, protocol, prompt=None, system=None, grader=grader, texts=row["texts"]
            )
        rows = arrange([row["sample"]], suite.data.fields, f"{path} line {number}")
        (sample,) = adapter.samples(rows)
        given = Response(sample.id, 0, row["response"], row.get("finish_reason"))
        judged = CannedJudge(row["judge"]) if "judge" in row else world
        grade = asyncio.run(adapter.grade(sample, given_attempt(given), judged))
        if not fits(grade, row["expect"]):
            raise DataError(
                f"{path} line {number}: expected {row['expect']}, graded {said(grade)} "
                f"(value {grade.value}, answer {grade.answer!r}; {grade.explanation})."
            )
        _keep_to_scale(suite, grade, f"{path} line {number}")
        name = "scored" if isinstance(row["expect"], int | float) else row["expect"]
        counted[name] = counted.get(name, 0) + 1
    names = [name for name in ("scored", *EXPECTATIONS) if name in counted]
    scale = "" if suite.best is None else f", within {suite.worst:g} to {suite.best:g}"
    return ", ".join(f"{counted[name]} {name}" for name in names) + f" as expected{scale}"


def _keep_to_scale(suite: Suite, grade: Grade, where: str) -> None:
    """Refuse a value outside of the scale that the suite declares; intervals rest on it.

    Raises:
        DataError: as said.
    """
    if suite.best is None or grade.value is None:
        return
    if not suite.worst <= grade.value <= suite.best:
        raise DataError(
            f"{where}: scored {grade.value:g}, and suite.toml says {suite.worst:g} to "
            f"{suite.best:g} (worst, best)."
        )


class CannedJudge(GradingWorld):
    """A world whose judge gives one prepared answer, whatever it is asked."""

    def __init__(self, answer: str) -> None:
        super().__init__(None)
        self._answer = answer

    @property
    def judge(self) -> Chat:
        """The judge that always says the same."""
        return self._say

    @property
    def judges(self) -> tuple[Judge, ...]:
        """A panel of one."""
        return (Judge("judge", "prepared", lambda repeat: self._say),)

    async def _say(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, JSON]] = (),
        **params: JSON,
    ) -> Completion:
        return Completion(Message("assistant", self._answer), "stop", False, Usage())


def _fixture(line: str, where: str) -> dict[str, Any]:
    """One line of the fixtures.

    Raises:
        DataError: it is not such an object.
    """
    try:
        row = orjson.loads(line)
        expected = isinstance(row["expect"], int | float) or row["expect"] in EXPECTATIONS
        if expected and isinstance(row["response"], str) and row["sample"]:
            return dict(row)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise DataError(
        f"{where}: not an object with sample, response and expect ({', '.join(EXPECTATIONS)})."
    )


def fits(grade: Grade, expected: str | float) -> bool:
    """Whether a grade is what a fixture expects; values count to two decimals."""
    if isinstance(expected, str):
        return said(grade) == expected
    return grade.value is not None and abs(grade.value - expected) < 0.005


def said(grade: Grade) -> str:
    """A grade in the words of the fixtures."""
    if grade.missing is Missing.TRUNCATED:
        return "truncated"
    if grade.missing is Missing.UNEXTRACTED:
        return "unparseable"
    if grade.missing is Missing.JUDGE_FAILED:
        return "judge_failed"
    if grade.value is None:
        return "no verdict"
    return "right" if grade.value >= 1.0 else "wrong"


def _world(adapter: Any, sandbox: str) -> GradingWorld:
    if "sandbox" not in getattr(adapter, "needs", ()):
        return GradingWorld(None)
    from evalkit.sandbox.choose import make_sandbox

    backend = make_sandbox(sandbox)
    backend.capabilities()
    return GradingWorld(backend)
