r"""What most adapters share: one turn, prompt templates, the truncation policy and the plain mean.

Kept here so that every style treats a cut-off answer, a missing grade and a template the same way.
Example of an adapter's three calls::

    messages = prompt_messages(prompt, system, {"question": sample.input})
    attempt = await ask(world, sample, index, messages)
    grade = answer_grade(attempt, await rule.grade(attempt.answer or "", sample.target))

**Templates.** One rule for every prompt and system text, whether it is the suite's own or an
official constant: the syntax of ``str.format`` with plain names only. ``{question}`` is replaced,
``{{`` and ``}}`` are literal braces (``\boxed{{}}`` is sent as ``\boxed{}``), and anything else in
braces is refused before a request is sent. Values are put in once: braces in a question stay. The
one exception is an official text whose own code replaces names with ``str.replace`` and which may
therefore hold JSON: its adapter fills it with :func:`substitute`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from string import Formatter

from evalkit.adapters.protocol import World
from evalkit.data.files import Row, parse_rows, read_bytes
from evalkit.errors import DataError, SuiteError
from evalkit.grade.verdict import Verdict
from evalkit.types import JSON, Attempt, Grade, Message, Missing, Sample, Score

TRUNCATED_KEY = "truncated"
"""Set to True in ``Grade.metadata`` when the graded answer was cut at a limit."""


async def ask(
    world: World, sample: Sample, index: int, messages: Sequence[Message], **params: JSON
) -> Attempt:
    """Ask the model under test once; its answer is the content of the turn it gives.

    Args:
        world: The attempt's door outside.
        sample: What is asked about.
        index: Which of the k attempts.
        messages: The conversation so far, ending in the user's turn.
        **params: Sampling parameters that differ from the protocol's.

    Raises:
        EndpointError: the request could not be answered (the engine records the failure).
    """
    completion = await world.model(messages, **params)
    return Attempt(
        sample_id=sample.id,
        index=index,
        messages=(*messages, completion.message),
        answer=completion.message.content,
        completions=(completion,),
    )


def template_fields(template: str, *, where: str = "the prompt") -> frozenset[str]:
    """The names that ``template`` wants filled.

    Raises:
        SuiteError: the template has an unbalanced brace, an unnamed field or a format expression.
    """
    return frozenset(name for _, name in _parts(template, where) if name is not None)


def check_template(
    template: str,
    known: Iterable[str],
    *,
    required: Iterable[str] = (),
    where: str = "the prompt",
) -> str:
    """Return ``template`` when it can be filled; meant for an adapter's constructor.

    Args:
        template: A prompt or system text.
        known: Names that the adapter has values for.
        required: Names without which the prompt would make no sense (the question).
        where: What to call the text in an error.

    Raises:
        SuiteError: an unknown name, a required one that is absent, or broken braces.
    """
    known = sorted(set(known))
    names = template_fields(template, where=where)
    for name in sorted(names - set(known)):
        raise SuiteError(
            f"{where} has the field {{{name}}}, which has no value. Known fields: "
            f"{', '.join(known)}. Write {{{{{name}}}}} if the braces are meant as text."
        )
    for name in sorted(set(required) - names):
        raise SuiteError(f"{where} lacks the field {{{name}}}: the model would never see it.")
    return template


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill a template; see the module's docstring for the rule.

    Raises:
        SuiteError: a field without a value, or broken braces.
    """
    out: list[str] = []
    for literal, name in _parts(template, "the prompt"):
        out.append(literal)
        if name is not None:
            if name not in values:
                check_template(template, values)
            out.append(values[name])
    return "".join(out)


def substitute(template: str, values: Mapping[str, str]) -> str:
    """Replace ``{name}`` for the given names only, in one pass; all other braces are text."""
    names = "|".join(map(re.escape, values))
    return re.sub(rf"\{{({names})\}}", lambda found: values[found[1]], template)


@lru_cache(maxsize=64)  # a run fills one template thousands of times
def _parts(template: str, where: str) -> tuple[tuple[str, str | None], ...]:
    """Literal text and the field after it, in order."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise SuiteError(f"{where}: {error}. Write {{{{ and }}}} for literal braces.") from None
    for _, name, spec, conversion in parsed:
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise SuiteError(
                f"{where}: {{{name}...}} is not a plain field name. "
                "Write {{ and }} for literal braces (\\boxed{{}})."
            )
    return tuple((literal, name) for literal, name, _, _ in parsed)


def prompt_messages(
    prompt: str | None, system: str | None, values: Mapping[str, str]
) -> tuple[Message, ...]:
    """The opening turns: the system text where there is one, then the filled prompt.

    Without a prompt the user's turn is ``values["question"]`` as it is.
    """
    user = values["question"] if prompt is None else render(prompt, values)
    turn = Message("user", user)
    return (turn,) if system is None else (Message("system", render(system, values)), turn)


def text_of(row: Mapping[str, JSON], column: str, number: int) -> str:
    """A row's column as text; whole floats such as ``70.0`` (CSV, Parquet) become ``70``.

    Raises:
        DataError: the column is absent or empty in this row.
    """
    value = row.get(column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or value != value or not str(value).strip():
        have = ", ".join(sorted(row)) or "none"
        raise DataError(
            f"row {number} of the data has no {column!r} (columns: {have}). "
            f"Name the column in the suite's [data.fields], e.g. {column} = ['...']."
        )
    return str(value)


def unique_id(row: Mapping[str, JSON], number: int, seen: set[str]) -> str:
    """The row's ``id``, or its number (from 0) where the data set has none.

    Raises:
        DataError: the id was used by an earlier row.
    """
    sample_id = text_of(row, "id", number) if row.get("id") is not None else str(number)
    if sample_id in seen:
        raise DataError(f"row {number} of the data repeats the id {sample_id!r}: ids are unique.")
    seen.add(sample_id)
    return sample_id


def named_rows(files: Mapping[str, Path], name: str) -> list[Row]:
    """A file's rows; where it is kept, its name may be its digest, so ours says the format."""
    return parse_rows(name, read_bytes(files[name]), name)


def of_categories(
    data: Iterable[Mapping[str, JSON]],
    wanted: Iterable[str],
    known: Sequence[str],
    category_of: Callable[[str], str],
) -> Iterator[tuple[int, str, str, Mapping[str, JSON]]]:
    """Number, id, category and row of the rows of the wanted categories, which ids begin with.

    Raises:
        DataError: an id repeats, or its category is not known.
    """
    seen: set[str] = set()
    chosen = frozenset(wanted)
    for number, row in enumerate(data):
        sample_id = unique_id(row, number, seen)
        category = category_of(sample_id)
        if category not in known:
            raise DataError(
                f"row {number} of the data: the id {sample_id!r} begins with no category that is "
                f"offered here. Categories: {', '.join(known)}."
            )
        if category in chosen:
            yield number, sample_id, category, row


def was_truncated(attempt: Attempt) -> bool:
    """The turn that holds the answer was cut at a limit."""
    return bool(attempt.completions) and attempt.completions[-1].truncated


def answer_grade(attempt: Attempt, verdict: Verdict) -> Grade:
    """Turn a rule's verdict into a grade, with one policy for cut and unreadable answers.

    An answer that could be read is graded, cut or not, and a cut one is marked in the metadata so
    that it is counted. One that could not be read is wrong, and says whether because it was cut.
    A verdict of None is the grader's own failure: no value, never a wrong answer.
    """
    truncated = was_truncated(attempt)
    metadata = {TRUNCATED_KEY: True} if truncated else {}
    if verdict.correct is None:
        return Grade(
            None, verdict.extracted, verdict.explanation, Missing.INFRASTRUCTURE, metadata=metadata
        )
    if verdict.extracted is None and not verdict.correct:
        missing = Missing.TRUNCATED if truncated else Missing.UNEXTRACTED
        return Grade(0.0, None, verdict.explanation, missing, metadata=metadata)
    return Grade(float(verdict.correct), verdict.extracted, verdict.explanation, metadata=metadata)


def mean_score(
    graded: Iterable[tuple[Sample, int, Grade]],
    *,
    metric: str = "avg@k",
    k: int | None = None,
    unit: str = "percent",
    best: float = 1.0,
) -> Score:
    """The mean over samples of the mean over a sample's graded attempts.

    A grade without a value (infrastructure, judge) is left out of the mean and counted, so that a
    broken server never looks like a weak model; a sample with no value at all drops out of
    ``items``. ``extra`` holds the band that the score would span if every attempt with a named
    reason had been wrong (``if_missing_wrong``) or right (``if_missing_right``), the denominators,
    and for k > 1 and binary values pass@k over the samples that have all k grades. With as many
    draws as k the unbiased estimator (Chen et al. 2021, arXiv 2107.03374) is "any was right".

    Args:
        graded: Sample, attempt index and grade, in any order.
        metric: Name of the metric; ``@k`` becomes the number.
        k: Attempts planned a sample; the highest index seen plus one where None.
        unit: ``percent`` multiplies by 100; anything else leaves values as they are.
        best: The highest value of an attempt.
    """
    scale = 100.0 if unit == "percent" else 1.0
    grades: dict[str, list[Grade]] = {}
    highest = 0
    for sample, index, grade in graded:
        grades.setdefault(sample.id, []).append(grade)
        highest = max(highest, index + 1)
    planned = highest if k is None else k
    every = [grade for of_sample in grades.values() for grade in of_sample]
    values = [[g.value for g in of_sample if g.value is not None] for of_sample in grades.values()]
    measured = [of_sample for of_sample in values if of_sample]
    extra: dict[str, float | None] = {
        "if_missing_wrong": _scaled(_band(grades.values(), 0.0), scale),
        "if_missing_right": _scaled(_band(grades.values(), best), scale),
        "attempts_graded": float(sum(map(len, values))),
        "attempts_seen": float(len(every)),
        "samples_seen": float(len(grades)),
    }
    complete = [of_sample for of_sample in values if len(of_sample) == planned]
    if planned > 1 and all(v in (0.0, 1.0) for of_sample in values for v in of_sample):
        extra[f"pass@{planned}"] = _scaled(_mean([max(v) for v in complete]), scale)
        extra[f"pass@{planned}_samples"] = float(len(complete))
    return Score(
        metric=metric.replace("@k", f"@{planned}"),
        value=_scaled(_mean([sum(v) / len(v) for v in measured]), scale),
        items=len(measured),
        attempts=planned,
        counts=_counts(every),
        extra=extra,
    )


def _counts(grades: Sequence[Grade]) -> dict[str, int]:
    """How many attempts have a value, and how many of each named reason there are."""
    reasons = Counter(g.missing for g in grades)
    counts = {"graded": sum(g.value is not None for g in grades)}
    counts |= {reason.value: reasons[reason] for reason in Missing}
    cut = sum(g.missing is not Missing.TRUNCATED and TRUNCATED_KEY in g.metadata for g in grades)
    counts[Missing.TRUNCATED.value] += cut
    return counts


def _band(samples: Iterable[Sequence[Grade]], missing: float) -> float | None:
    """The score if every attempt with a named reason had had the value ``missing``."""
    means = []
    for of_sample in samples:
        values = [
            missing if g.missing is not None or g.value is None else g.value for g in of_sample
        ]
        means.append(sum(values) / len(values))
    return _mean(means)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def known_grader(grader: str, graders: Iterable[str], where: str) -> str:
    """The answer rule that was named; the first where none was (``default``).

    Raises:
        SuiteError: the style has no such rule.
    """
    graders = tuple(graders)
    if grader == "default":
        return graders[0]
    if grader not in graders:
        raise SuiteError(f"{where}: no grader {grader!r}; there are {', '.join(graders)}.")
    return grader


def check_options(options: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse options that a style does not have.

    Raises:
        SuiteError: one of ``options`` is not ``known``.
    """
    known = tuple(known)
    for name in options:
        if name not in known:
            raise SuiteError(f"{where}: no option {name!r}. Options: {', '.join(known)}.")


def string_options(
    options: Mapping[str, JSON], known: Sequence[str], name: str, suite: str
) -> tuple[str, ...]:
    """Refuse unknown options of an adapter, and return the list of strings called ``name``.

    Raises:
        SuiteError: an option that the style does not have, or ``name`` is not a list of strings.
    """
    for option in options:
        if option not in known:
            raise SuiteError(
                f"Suite {suite!r}: its style has no option {option!r}. Options: {', '.join(known)}."
            )
    value = options.get(name, [])
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise SuiteError(f"Suite {suite!r}: the option {name} is a list of strings.")
    return tuple(value)
