"""What speaks for a number being a score at all: traits, as in :mod:`evalkit.reported.evidence`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.reported import cues, number_cues
from evalkit.reported.candidates import is_peoples
from evalkit.reported.gaps import first_token, last_token, small_word, step
from evalkit.reported.sentence import Figure, Sentence

_VALUES = (0, 1, 3, 5, 10, 20, 40, 60, 100, 400, 700, 2300, 4000, 10000)
_CHANCES = (0.2, 0.4, 0.6, 0.8, 0.9, 0.97)
_BEHIND = {
    "rank": number_cues.RANK_BEHIND,
    "unit": number_cues.UNIT_BEHIND,
    "count": number_cues.COUNTED_BEHIND,
    "change": number_cues.CHANGE_BEHIND,
    "part of something else": number_cues.PERCENT_OF_OTHER,
    "aim": number_cues.AIMED_BEHIND,
    "made up": number_cues.MADE_UP_BEHIND,
    "threshold": number_cues.THRESHOLD_BEHIND,
}
_BEFORE = {
    "no score": number_cues.BEFORE,
    "rank": number_cues.RANK_BEFORE,
    "change": number_cues.CHANGE_BEFORE,
    "aim": number_cues.AIMED,
    "made up": number_cues.MADE_UP,
}
_NEAR = 60  # characters


def traits(
    sentence: Sentence, figure: Figure, benchmark: tuple[str, float], model: tuple[str, float]
) -> list[str]:
    """The traits of one number.

    Args:
        sentence: Where it stands.
        figure: The number.
        benchmark: How its likeliest benchmark is given (``nearest left``, ``before0``), and how
            likely it is.
        model: The same for its model.
    """
    unit = "not judged"
    if figure.judged:
        unit = (figure.judged.unit or "none").split()[0]
    return [
        "any",
        *_of_number(sentence, figure, unit),
        *_of_words(sentence, figure, unit),
        *_of_sentence(sentence, figure, unit),
        *_of_names(unit, benchmark, model),
    ]


def _of_number(sentence: Sentence, figure: Figure, unit: str) -> Iterator[str]:
    number, judged = figure.number, figure.judged
    size = f"size={step(number.value, _VALUES)}"
    yield f"unit={unit}"
    if judged:
        yield f"strong={int(judged.strong)}"
        yield f"bound={judged.bound}"
        yield f"range={int(judged.ranged)}"
    yield size
    yield f"decimals={min(3, number.decimals)}"
    yield f"whole={int(number.text.isdigit())}"
    yield f"{size} decimals={min(3, number.decimals)}"
    yield f"year={int(re.fullmatch(r'(?:19|20)[0-9][0-9]', number.text) is not None)}"
    people = is_peoples(sentence.text, sentence.start, sentence.end, number)
    yield f"of people={int(people)}"


def _of_words(sentence: Sentence, figure: Figure, unit: str) -> Iterator[str]:
    text, number = sentence.text, figure.number
    before = text[max(sentence.start, number.start - _NEAR) : number.start]
    behind = text[number.end : sentence.end]
    for name, pattern in (
        ("percent", number_cues.PERCENT),
        ("points", number_cues.POINTS),
        ("elo", number_cues.ELO),
    ):
        yield f"{name}={int(pattern.match(behind) is not None)}"
    yield from (f"behind: {name}" for name, cue in _BEHIND.items() if cue.match(behind))
    yield from (f"before: {name}" for name, cue in _BEFORE.items() if cue.search(before))
    verb = cues.SCORE_VERB.search(text, sentence.start, number.start) is not None
    yield f"verb={int(verb)}"
    yield f"verb near={int(cues.SCORE_VERB.search(before[-30:]) is not None)}"
    yield f"word before={last_token(before)}"
    yield f"small word before={small_word(before)}"
    yield f"word behind={first_token(behind)}"
    glued = (before[-1:].strip(), behind[:1].strip())
    yield f"glued before={glued[0]}"
    yield f"glued behind={glued[1]}"
    yield f"someone={int(cues.SOMEONE.search(before) is not None)}"
    anyone = cues.ANYONE.search(text, sentence.start, number.start) is not None
    yield f"anyone={int(anyone)}"
    yield f"someone behind={int(cues.SOMEONE_BEHIND.match(text, number.end) is not None)}"


def _of_sentence(sentence: Sentence, figure: Figure, unit: str) -> Iterator[str]:
    text, number = sentence.text, figure.number
    around = sentence.brackets[number.start]
    yield f"in brackets={int(around is not None)}"
    if around:
        inside = text[around[0] + 1 : around[1]]
        alone = rf"\s*[~≈]?\s*{re.escape(number.text)}\s*[%％]?\s*(?:points?|分|점|点)?\s*"
        yield f"fills the brackets={int(re.fullmatch(alone, inside) is not None)}"
    benchmarks = min(3, len({m.name for m in sentence.benchmarks}))
    models = min(3, len({m.name for m in sentence.models}))
    yield f"benchmarks={benchmarks}"
    yield f"models={models}"
    yield f"numbers={min(5, len(sentence.likely))}"
    yield f"benchmarks={benchmarks} unit={unit}"
    yield f"benchmarks={benchmarks} models={models}"
    yield f"result={int(sentence.is_result)}"
    yield f"follows={int(sentence.follows)}"
    if row := sentence.rows.get(figure.start):
        strong = any(f.judged and f.judged.strong for f in row)
        yield f"row={min(4, len(row))}"
        yield f"row strong={int(strong)}"


def _of_names(unit: str, benchmark: tuple[str, float], model: tuple[str, float]) -> Iterator[str]:
    kinds = [how.rstrip("0123456789") for how, _ in (benchmark, model)]
    sure = [step(chance, _CHANCES) for _, chance in (benchmark, model)]
    yield f"benchmark: {benchmark[0]}"
    yield f"model: {kinds[1]}"
    yield f"benchmark: {kinds[0]} unit={unit}"
    yield f"benchmark: {kinds[0]} model: {kinds[1]}"
    yield f"benchmark sure={sure[0]}"
    yield f"model sure={sure[1]}"
    yield f"both sure={step(benchmark[1] * model[1], _CHANCES)}"
