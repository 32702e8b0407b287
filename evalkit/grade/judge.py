"""Asks judges and keeps what each of them said: one machinery for all graders that ask a model.

A judge is a chat like any other: cached, budgeted, its spend counted under its own role. It is
asked ``repeats`` times, each a draw of its own, and a panel asks several judges. What a judge says
is read by a strict parser; an answer that cannot be read is "judge failed", never 0. It may be
asked for again (``tries``): each try is another draw that the cache keeps too, so that a score is
the same in every run over the same answers, and the further tries are counted. An example::

    def parse(text: str) -> bool:
        found = re.search(r"^correct: (yes|no)$", text, re.M)
        if found is None:
            raise Unreadable("no line 'correct: yes' or 'correct: no'")
        return found[1] == "yes"

    said = await ask_judges(world.judges, [Message("user", prompt)], parse, repeats=2)
    return judged_grade(said, said.mean(float))

Text from the model under test is put into a judge's prompt by :mod:`evalkit.grade.judge_text`; what
the judges of a whole run agree on is computed by :mod:`evalkit.grade.judge_report`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Generic, TypeVar

from evalkit.endpoint.protocol import Judge
from evalkit.errors import FAILURES, Cause, EndpointError
from evalkit.types import JSON, Grade, Message, Missing

JUDGE_KEY: Final = "judge"
"""Where a grade's metadata holds what the judges said (:meth:`Judgements.record`)."""

T = TypeVar("T")
Parse = Callable[[str], T]


class Unreadable(ValueError):
    """A judge's answer does not hold what it was asked for; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Judgement(Generic[T]):
    """What one judge said in one repeat.

    Attributes:
        judge: The judge's role (``judge``, ``judge2``, ...).
        model: The model that was asked.
        repeat: Which repeat, from 0.
        text: Its answer; None where none came.
        value: What the parser read; None where it could not.
        problem: Why there is no value.
        tries: How often it was asked.
    """

    judge: str
    model: str
    repeat: int
    text: str | None
    value: T | None
    problem: str | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Judgements(Generic[T]):
    """What a panel said of one thing, in the order of judges and repeats."""

    every: tuple[Judgement[T], ...]

    @property
    def values(self) -> tuple[T, ...]:
        """What could be read."""
        return tuple(one.value for one in self.every if one.value is not None)

    @property
    def failed(self) -> int:
        """Answers that did not come or could not be read."""
        return sum(one.value is None for one in self.every)

    @property
    def problem(self) -> str:
        """Why the first failure failed; empty when none did."""
        return next((one.problem for one in self.every if one.problem is not None), "")

    def mean(self, number: Callable[[T], float]) -> float | None:
        """The mean over judges of the mean over each one's repeats; None if nothing was read.

        A judge of a panel counts once, however many of its repeats could be read.
        """
        by_judge: dict[str, list[float]] = {}
        for one in self.every:
            if one.value is not None:
                by_judge.setdefault(one.judge, []).append(number(one.value))
        return fmean(fmean(values) for values in by_judge.values()) if by_judge else None

    def record(self, show: Callable[[T], JSON]) -> dict[str, JSON]:
        """What a grade's metadata keeps under ``JUDGE_KEY``: every judgement, readable or not.

        Args:
            show: Turns a value into the number (or JSON) that agreement is computed over.
        """
        again = sum(one.tries - 1 for one in self.every)
        return {
            "asked": len(self.every),
            "failed": self.failed,
            **({"again": again} if again else {}),
            "said": [
                {
                    "judge": one.judge,
                    "model": one.model,
                    "repeat": one.repeat,
                    "value": None if one.value is None else show(one.value),
                    "text": one.text,
                    **({} if one.problem is None else {"problem": one.problem}),
                    **({} if one.tries == 1 else {"tries": one.tries}),
                }
                for one in self.every
            ],
        }


async def ask_judges(
    judges: Sequence[Judge],
    messages: Sequence[Message],
    parse: Parse[T],
    *,
    repeats: int = 1,
    tries: int = 1,
    **params: JSON,
) -> Judgements[T]:
    """Ask every judge ``repeats`` times, all at once.

    Args:
        judges: The panel (``world.judges``), or a part of it.
        messages: The judge's prompt.
        parse: Reads an answer; raises Unreadable where it does not hold what was asked for.
        repeats: Independent gradings by each judge.
        tries: How often an answer is asked for within a repeat, in all, while it cannot be read. An
            answer that was cut is not asked for again: the same limit would cut the next.
        **params: Sampling parameters (``temperature``, ``max_tokens``, ...).

    Raises:
        EndpointError: the judge's endpoint will not answer at all (key, model, address), or the run
            was stopped. Any other failure of a request is that judgement's ``problem``.
        BudgetStop: the budget is used up.
    """
    asked = [
        _ask(judge, messages, parse, repeat, tries, params)
        for judge in judges
        for repeat in range(repeats)
    ]
    # All are waited for, so that an answer that was paid for reaches the cache.
    found = await asyncio.gather(*asked, return_exceptions=True)
    said = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        said.append(one)
    return Judgements(tuple(said))


async def _ask(
    judge: Judge,
    messages: Sequence[Message],
    parse: Parse[T],
    repeat: int,
    tries: int,
    params: Mapping[str, JSON],
) -> Judgement[T]:
    chat = judge.draw(repeat)
    text, problem, asked = None, None, 0

    def said(value: T | None = None) -> Judgement[T]:
        why = problem if value is None else None
        return Judgement(judge.name, judge.model, repeat, text, value, why, asked)

    while asked < tries:
        asked += 1
        try:
            completion = await chat(messages, **params)
        except EndpointError as error:
            if error.cause is Cause.CANCELLED or FAILURES[error.cause].fatal:
                raise
            problem = str(error)
            break
        text = completion.message.content or ""
        if completion.truncated:
            # Half a list of scores has a mean too, and it is another one.
            problem = "the judge's answer was cut at a limit; raise its max_tokens"
            break
        try:
            return said(parse(text))
        except Unreadable as error:
            problem = str(error)
    return said()


def judged_grade(
    said: Judgements[T],
    value: float | None,
    *,
    answer: str | None = None,
    explanation: str = "",
    values: Mapping[str, float] | None = None,
    show: Callable[[T], JSON] | None = None,
    metadata: Mapping[str, JSON] | None = None,
) -> Grade:
    """The grade that a panel's judgements make; "judge failed" where ``value`` is None.

    Args:
        said: What the judges said.
        value: The value, mostly ``said.mean(...)``.
        answer: What was extracted of the model's answer.
        explanation: One line; default: why the judge failed.
        values: Further named values (criteria).
        show: As for :meth:`Judgements.record`; default: the value as it is.
        metadata: What else is kept.
    """
    kept = {**(metadata or {}), JUDGE_KEY: said.record(show or (lambda value: value))}
    if value is None:
        asked = len(said.every)
        why = explanation or f"{said.failed} of {asked} judgements failed: {said.problem}"
        return Grade(None, answer, why, Missing.JUDGE_FAILED, metadata=kept)
    return Grade(value, answer, explanation, values=values or {}, metadata=kept)
