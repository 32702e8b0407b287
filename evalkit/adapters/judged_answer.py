"""Style ``judged-answer``: an open question, an answer in words, a judge that compares it.

Columns of the data: ``id`` (else the row's number), ``question`` and ``target``; with the option
``sealed`` both are encrypted with the row's ``canary`` and opened in memory only. Prompts have the
field ``{question}`` (or ``{Question}``), system texts are sent as they are; the text ``judge`` is
the judge's prompt with
``{question}``, ``{response}`` and ``{correct_answer}``. Options:

* ``sealed`` (false): see :mod:`evalkit.grade.browsecomp`.
* ``text_only`` (false): leave out rows whose ``image`` is not empty.
* ``structured`` (true): ask the judge for structured output (grader ``hle``); a judge without it
  is told so by ``structured = false`` and may put its object into a code fence.
* ``judge`` (or ``judge_params``), ``judge_repeats``, ``judge_tries``, ``guard``: see
  :mod:`evalkit.adapters.judged`.
* ``tools``, ``max_steps``, ``tool_style``, ``context_tokens``, ``search``, ``blocked``: a loop with
  tools, see :mod:`evalkit.adapters.research`.

Graders: ``hle`` (the judge gives an object; accuracy over all questions, calibration error),
``browsecomp`` and ``browsecomp-upstream`` (the judge's text is searched for a verdict).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from evalkit.adapters.common import (
    TRUNCATED_KEY,
    ask,
    check_template,
    known_grader,
    mean_score,
    prompt_messages,
    render,
    text_of,
    unique_id,
    was_truncated,
)
from evalkit.adapters.judged import Judging, about, with_judges
from evalkit.adapters.protocol import World
from evalkit.adapters.research import Research, research_options
from evalkit.adapters.suite import Suite, SuiteProtocol
from evalkit.endpoint.protocol import Judge
from evalkit.errors import DataError, SuiteError
from evalkit.grade.browsecomp import open_text, read_upstream, read_verdict
from evalkit.grade.hle import (
    Judgement,
    calibration_error,
    official_calibration_error,
    read_judgement,
    response_format,
)
from evalkit.grade.judge import ask_judges, judged_grade
from evalkit.types import JSON, Attempt, Grade, Message, Missing, Sample, Score

GRADERS: Final = ("hle", "browsecomp", "browsecomp-upstream")
OPTIONS: Final = ("sealed", "text_only", "structured")
CONFIDENCE: Final = "confidence"  # name among a grade's values, 0 to 1


class JudgedAnswer:
    """The adapter; see the module's docstring for columns, graders and options."""

    needs: frozenset[str]
    texts: Final = ("judge",)

    def __init__(
        self,
        suite: Suite,
        protocol: SuiteProtocol,
        prompt: str | None,
        system: str | None,
        grader: str,
        k: int,
        *,
        texts: Mapping[str, str],
    ) -> None:
        where = f"Suite {suite.name!r}, protocol {protocol.name!r}"
        self._grader = known_grader(grader, GRADERS, where)
        options = {**suite.options, **protocol.options}
        research, own = research_options(options, where)
        self._judging = Judging.read(own, OPTIONS, where)
        self._sealed = own.get("sealed") is True
        self._text_only = own.get("text_only") is True
        self._structured = own.get("structured", True) is True
        self._research = None if research is None else Research(research)
        runs_code = self._research is not None and self._research.needs_sandbox
        self.needs = frozenset({"judge", "sandbox"} if runs_code else {"judge"})
        if prompt is not None:
            asks = "Question" if "{Question}" in prompt else "question"
            check_template(prompt, [asks], required=[asks], where=f"{where}: the prompt")
        judge = texts.get("judge")
        if judge is not None:
            fields = ("question", "response", "correct_answer")
            check_template(judge, fields, required=fields, where=f"{where}: the judge's prompt")
        self._prompt, self._system, self._judge = prompt, system, judge
        self._suite, self._k = suite, k

    def ready(self) -> None:
        """Refuse a protocol without a judge's prompt, or a search without an address.

        Raises:
            SuiteError: as said.
        """
        if self._judge is None:
            raise SuiteError(
                f"Suite {self._suite.name!r}: the protocol names no text for its judge "
                "([protocols.NAME.texts] judge = ...)."
            )
        if self._research is not None:
            self._research.ready()

    def samples(self, data: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
        """One sample a row that is not left out.

        Raises:
            DataError: a column is missing, an id repeats, or a sealed cell cannot be opened. No
                text of a row stands in a message.
        """
        seen: set[str] = set()
        for number, row in enumerate(data):
            if self._text_only and row.get("image"):
                continue
            question, target = self._opened(row, number)
            kept = {
                name: str(row[name])
                for name in ("category", "answer_type", "topic")
                if row.get(name)
            }
            yield Sample(unique_id(row, number, seen), question, target, kept)

    def _opened(self, row: Mapping[str, Any], number: int) -> tuple[str, str]:
        question, target = text_of(row, "question", number), text_of(row, "target", number)
        if not self._sealed:
            return question, target
        password = text_of(row, "canary", number)
        try:
            return open_text(question, password), open_text(target, password)
        except DataError as error:
            raise DataError(f"row {number} of the data: {error}") from None

    async def attempt(self, sample: Sample, index: int, world: World) -> Attempt:
        """Ask once, or let the model work with its tools until it answers."""
        values = {"question": str(sample.input), "Question": str(sample.input)}
        messages = prompt_messages(self._prompt, None, values)
        if self._system is not None:
            messages = (Message("system", self._system), *messages)
        if self._research is None:
            return await ask(world, sample, index, messages)
        return await self._research.attempt(sample, index, world, messages)

    async def grade(self, sample: Sample, attempt: Attempt, world: World) -> Grade:
        """Ask the judge whether the response gives the right answer.

        A response without any content is wrong without a judge: there is nothing to compare.
        """
        answer, judges = attempt.answer or "", world.judges
        if not answer.strip():
            cut = was_truncated(attempt)
            missing = Missing.TRUNCATED if cut else Missing.UNEXTRACTED
            stop = (attempt.metadata.get("tools") or {}).get("stop")
            why = "the response is empty" if stop is None else f"no answer: {stop}"
            return Grade(0.0, None, why, missing, metadata={TRUNCATED_KEY: True} if cut else {})
        assert self._judge is not None
        prompt = self._judging.prompt(
            self._judge,
            {"response": answer},
            {"question": str(sample.input), "correct_answer": str(sample.target)},
            render,
        )
        messages = [Message("user", prompt.text)]
        kept = about(attempt, judges, prompt, answer)
        if self._grader == "hle":
            return await self._grade_object(judges, messages, kept)
        read = read_verdict if self._grader == "browsecomp" else read_upstream
        said = await ask_judges(judges, messages, read, **self._judging.how)
        return judged_grade(said, said.mean(float), show=float, metadata=kept)

    async def _grade_object(
        self, judges: Sequence[Judge], messages: list[Message], kept: Mapping[str, JSON]
    ) -> Grade:
        how = self._judging.how
        if self._structured:
            how["response_format"] = response_format()
        said = await ask_judges(judges, messages, read_judgement, **how)
        right = said.mean(lambda one: float(one.correct))
        sure = said.mean(lambda one: one.confidence / 100)
        answer = said.values[0].answer if said.values else None
        return judged_grade(
            said, right, answer=answer, show=_shown, metadata=kept,
            values={} if sure is None else {CONFIDENCE: sure},
            explanation=said.values[0].reasoning if said.values else "",
        )  # fmt: skip

    def score(self, graded: Iterable[tuple[Sample, int, Grade]]) -> Score:
        """Accuracy; with the grader ``hle`` the calibration errors (percent) in ``extra`` too."""
        triples = list(graded)
        score = mean_score(triples, metric=self._suite.metric, k=self._k, unit=self._suite.unit)
        score = with_judges(score, triples)
        if self._grader != "hle":
            return score
        pairs = [
            (grade.values[CONFIDENCE], grade.value >= 0.5)
            for _, _, grade in triples
            if grade.value is not None and CONFIDENCE in grade.values
        ]
        sure, right = [p[0] for p in pairs], [p[1] for p in pairs]
        ours, official = calibration_error(sure, right), official_calibration_error(sure, right)
        extra = {
            "calibration_error": None if ours is None else 100 * ours,
            "calibration_error_official": None if official is None else 100 * official,
            "calibration_answers": float(len(pairs)),
        }
        return replace(score, extra={**score.extra, **extra})


def _shown(said: Judgement) -> JSON:
    return float(said.correct)
