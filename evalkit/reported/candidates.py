"""Which numbers of a sentence can be scores: not sizes, dates, ranks, prices or changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.reported import cues, number_cues
from evalkit.reported.numbers import Number, find_numbers, worth
from evalkit.reported.vocabulary import Mention

MOST_NUMBERS = 80
"""In one sentence; what has more is a list of figures, not a sentence."""

_CLAUSE = re.compile(
    r"[,;:，、；：。()（）]|\b(?:while|whereas|where|während|wobei|tandis|mientras|mentre)\b", re.I
)
_RANGE_BEHIND = re.compile(r"(?:-|–|—|\s?[~〜～至]\s?)\d|\s(?:to|or|bis|à|a|до)\s\d+(?![\d.,%])")
_RANGE_BEFORE = re.compile(r"\d(?:%|％)?(?:-|–|—|\s?[~〜～至]\s?|\sor\s)$")
_RATED = re.compile(
    r"(?:\belo\b|\brating\b|рейтинг\w*|レーティング|레이팅|评分)[^.;,。，\d]{0,22}$|(?:elo\b"
    r"|rating|레이팅|レーティング)\D{0,10}"
    r"[\d,.]+\D{1,8}$",
    re.IGNORECASE,
)
_SOLVED = re.compile(
    r"(?:\bsolv\w+|\bgets?\b|\banswers?\b|\blöst\w*|\bgelöst|\brésou\w+|\brésolu\w*"
    r"|\bresuelv\w+|\bresolvi\w+|\brisolv\w+|\brisol\w+"
    r"|\bреша\w+|\bреши[лв]\w*|\bрезультат\w* в|解出|解决|答对|解いた|正解)[^.;。\d]{0,24}$",
    re.IGNORECASE,
)
_PROBLEM = (
    r"(?:problems?|questions?|tasks?|aufgaben|problèmes?|problemas|problemi|tareas|задач\w*"
    r"|решени\w+"
    r"|道题|题|問(?!題)|문제)"
)
_PROBLEMS = re.compile(
    r"\s?(?:(?:out )?of \d+ |von \d+ |sur \d+ |de \d+ |su \d+ |из \d+ |/\s?\d+ ?)?" + _PROBLEM,
    re.IGNORECASE,
)
# "76-77 %": one score, known roughly.
_ROUGHLY = re.compile(r"\s?[-–—~〜～]\s?(?P<high>\d{1,3}(?:[.,]\d+)?)\s?[%％]")
_AND_BY = re.compile(
    r"[^.;:。；()（）\d]{0,12}(?:over|compared|versus|vs\.?|rispetto|respecto|frente|par rapport"
    r"|gegenüber|im vergleich|по сравнению)"
    r"[^.;:。；()（）]{2,30}?,?\s(?:and|und|et|y|e|и)\s(?:(?:by|um|of|von|de|del|di|на|un|une"
    r"|ein)\s?)*",
    re.IGNORECASE,
)
_WIDEST = 20  # points; a wider range is of many models
# "18/22", "6 out of 48": solved of how many; and what such a fraction is not of.
_OF = re.compile(
    r"\s?(?:/|(?:out )?of|von|sur|de|su|из)\s?(?P<all>\d{1,4})(?![\d/]|[.,]\d|\s?[%％]"
    r"|-)(?P<noun>[^\d]{0,30})"
)
_NOT_SOLVED = re.compile(
    r"\W*(?:\w+\s){0,2}(?:benchmarks?|categor|metrics?|models?|languages?|tests?\b|times\b|hours?"
    r"|days?|бенчмарк"
    r"|тест|раз\b|katego|catégor|épreuve|prueba|veces|volte|mal\b|fois)",
    re.IGNORECASE,
)
_LEAST_RATING, _MOST_RATING = 700, 4000
_FEWEST = 5  # a whole of fewer than these is no test set
_YEAR = re.compile(r"(?:19|20)\d\d$")
_BOUND = re.compile(
    r"(?:(?P<ge>≥|>=|at least|over|more than|above|exceeding|mindestens|über|mehr als|plus de"
    r"|más de|oltre|più di|"
    r"超过|超|以上|более|свыше)|(?P<le>≤|<=|up to|at most|below|less than|unter|höchstens"
    r"|moins de|menos de|meno di|不到|менее)"
    r"|(?P<about>~|≈|∼|about|around|roughly|nearly|almost|approximately|approx\.?|ca\.?|circa"
    r"|etwa|rund|knapp|environ|près de"
    r"|presque|alrededor de|casi|unos|quasi|circa|约|近|約|ほぼ|약|около|почти|примерно))\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number that may be a score.

    Attributes:
        number: Where and what.
        unit: ``%``, ``points``, ``elo``, ``$``, ``problems``, ``of 48`` or None.
        strong: Its unit or its decimals say that it measures something.
        bound: ``=``, ``>=``, ``<=`` or ``~``.
        span_end: Behind its unit.
        ranged: The lower end of a range.
    """

    number: Number
    unit: str | None
    strong: bool
    bound: str
    span_end: int
    ranged: bool = False


def candidates(
    text: str,
    start: int,
    end: int,
    mentions: Sequence[Mention],
    language: str,
    *,
    money: bool = False,
    rated: bool = False,
) -> list[Candidate]:
    """The possible scores of ``text[start:end]``.

    Args:
        text: A paragraph.
        start: Where the sentence begins in it.
        end: Where it ends.
        mentions: Names in the sentence; a number in a name is no score.
        language: For decimal marks.
        money: A benchmark that is scored in dollars is spoken of.
        rated: One that is scored in rating points is.
    """
    found: list[Candidate] = []
    change: Number | None = None
    gone: list[Number] = []
    numbers = find_numbers(text[start:end], language)
    if len(numbers) > MOST_NUMBERS:
        return []
    for number in reversed(numbers):
        shifted = Number(number.start + start, number.end + start, number.value, number.text)
        named = any(text[m.end : shifted.start].strip() == "=" for m in mentions)
        if any(
            m.start < shifted.end and shifted.start < m.end and not shifted.start < m.start
            for m in mentions
        ):
            continue
        if _is_change(text, start, end, shifted) or (
            change is not None and cues.LIST_GAP.fullmatch(text[shifted.end : change.start])
        ):
            # What stands behind a list of changes says so of all of them.
            change = shifted
            gone.append(shifted)
            continue
        candidate = _sum(text, start, shifted) if money else None
        candidate = candidate or _judge(text, start, end, shifted, rated=rated, named=named)
        if candidate is not None:
            found.append(candidate)
    return _without_changes(text, found[::-1], gone)


def _without_changes(
    text: str, found: list[Candidate], changes: Sequence[Number]
) -> list[Candidate]:
    """What goes on from a change is one too: "up 21.4 % over X and 26.6 % over Y"."""
    return [
        c
        for c in found
        if not any(
            n.end <= c.number.start and _AND_BY.fullmatch(text, n.end, c.number.start)
            for n in changes
        )
    ]


def _is_change(text: str, start: int, end: int, number: Number) -> bool:
    before, behind = text[max(start, number.start - 60) : number.start], text[number.end : end]
    return bool(number_cues.CHANGE_BEFORE.search(before) or number_cues.CHANGE_BEHIND.match(behind))


def _sum(text: str, start: int, number: Number) -> Candidate | None:
    """A sum of dollars that is no price: "$5,478.16"."""
    before, behind = text[max(start, number.start - 3) : number.start], text[number.end :]
    if not re.search(r"\$\s?$", before) or re.match(
        r"\s?(?:[-–/]|per\b|pro\b|par\b|por\b|a (?:month|year)|[KMBkmb]\b|million|billion)", behind
    ):
        return None
    return Candidate(number, "$", True, "=", number.end)


def _judge(
    text: str, start: int, end: int, number: Number, *, rated: bool, named: bool
) -> Candidate | None:
    before, behind = text[max(start, number.start - 60) : number.start], text[number.end : end]
    percent, points, elo = (
        p.match(behind) for p in (number_cues.PERCENT, number_cues.POINTS, number_cues.ELO)
    )
    elo = elo or (_RATED.search(before) if number.value > 400 else None)
    rated = rated and _LEAST_RATING < number.value < _MOST_RATING and not _YEAR.match(number.text)
    rating = elo or (rated and not percent)
    unit = "%" if percent else ("elo" if rating else ("points" if points else None))
    if number_cues.BEFORE.search(before) or number_cues.RANK_BEFORE.search(before):
        return None
    if number_cues.RANK_BEHIND.match(behind) or (
        percent and number_cues.PERCENT_OF_OTHER.match(behind)
    ):
        return None
    if number_cues.AIMED.search(before) or number_cues.AIMED_BEHIND.match(behind):
        return None
    if number_cues.MADE_UP.search(before[-48:]) or number_cues.MADE_UP_BEHIND.match(behind):
        return None
    if unit is None and (of := _OF.match(behind)) and _is_part(number, before, of):
        return _of_all(number, behind, of)
    if number_cues.THRESHOLD_BEHIND.match(behind) or (not percent and _is_whole(number, before)):
        return None
    if _RANGE_BEHIND.match(behind):
        return None if is_peoples(text, start, end, number) else _lower_end(number, behind)
    if unit is None and _is_solved(number, before, behind):
        return Candidate(number, "problems", True, "=", number.end)
    before = re.sub(r"\s?=\s?$", ": ", before) if named else before
    if unit is None and number_cues.COUNTED_BEHIND.match(behind):
        return None
    if unit is None and (
        number_cues.UNIT_BEHIND.match(behind) or _not_a_score(before, behind, number)
    ):
        return None
    if unit != "elo" and number.value > 100 and not _rating(text, start, number):
        return None
    if _RANGE_BEFORE.search(before):
        return None
    if is_peoples(text, start, end, number):
        return None
    unit_match = percent or number_cues.ELO.match(behind) or points
    bound = _BOUND.search(before.rstrip("（( "))
    sign = "=" if bound is None else (">=" if bound["ge"] else "<=" if bound["le"] else "~")
    if re.match(r"\s?%?\+(?!\s?\d)", behind):
        sign = ">="
    strong = unit is not None or number.decimals > 0
    return Candidate(
        number, unit, strong, sign, number.end + (unit_match.end() if unit_match else 0)
    )


def _lower_end(number: Number, behind: str) -> Candidate | None:
    """The lower end of a narrow range of percentages."""
    upper = _ROUGHLY.match(behind)
    high = worth(upper["high"], "en") if upper else 0.0
    if upper is None or not number.value < high <= min(100.0, number.value + _WIDEST):
        return None
    return Candidate(number, "%", True, "~", number.end + upper.end(), ranged=True)


def _is_part(number: Number, before: str, of: re.Match[str]) -> bool:
    """Problems solved of a whole, as far as the words around say so."""
    if not number.text.isdigit() or not number.value <= int(of["all"]) >= _FEWEST:
        return False
    told = _SOLVED.search(before) or cues.SCORE_VERB.search(before[-28:]) or before[-1:] in "(（"
    counted = re.match(r"\s?(?:\w+ ){0,2}?" + _PROBLEM, of["noun"], re.IGNORECASE)
    return bool(told or counted) and _NOT_SOLVED.match(of["noun"]) is None


def _is_whole(number: Number, before: str) -> bool:
    """How many there are: the 42 of "35 out of 42"."""
    part = re.search(
        r"(?<![\d.,])(\d{1,4})(?:\s?/|(?:\s\w+){0,2}\s(?:(?:out )?of|von|sur|de|di|su|из))\s?$",
        before,
    )
    if number.text in ("10", "100") and re.search(r"\d\.\d+\s?/\s?$", before):
        return True
    if part is None or not number.text.isdigit():
        return False
    return int(part[1]) <= number.value >= _FEWEST


def _of_all(number: Number, behind: str, of: re.Match[str]) -> Candidate | None:
    """Of a whole, as in "18/22 tasks"; where its percentage follows, that is the score."""
    if re.match(
        r"[^\d]{0,16}[,，(（]\s?(?:\w+ )?\d+(?:[.,]\d+)?\s?[%％]", behind[of.start("noun") :]
    ):
        return None
    return Candidate(number, f"of {int(of['all'])}", True, "=", number.end)


def _is_solved(number: Number, before: str, behind: str) -> bool:
    """Problems solved of a contest: "solves 9 problems"."""
    small = number.value == int(number.value) and number.value <= 60
    return small and bool(_PROBLEMS.match(behind) and _SOLVED.search(before))


def _not_a_score(before: str, behind: str, number: Number) -> bool:
    """Years, dates, parts of names, addresses and fractions."""
    if re.search(r"[A-Za-z_]\s?=\s?$", before):
        return True
    if _YEAR.match(number.text) or re.match(
        r"[-._]\d|/(?!10(?:0)?(?!\d|\.\d))\d+(?![\d.])|[-_]?[A-Za-z_]", behind
    ):
        return True
    if re.search(r"[\w.]\.$|(?<!\d)/$|[-_.:]$|\\$", before[-2:]) and not re.search(
        r"\s[-–]$|: ?$", before[-2:]
    ):
        return True
    if re.match(r"\s(?:Opus|Sonnet|Haiku|Pro|Flash|Ultra|Turbo|Max|Mini)\b", behind):
        return True  # the version in a name that is not known: "Clod 3 Opus"
    if number.decimals and re.match(r"\s?/\s?10(?:0)?(?!\d|\.\d)", behind):
        return False  # "9.9/10"
    return re.match(r"\s?(?:of|von|de|sur|di|из|/)\s?\d", behind) is not None


def _rating(text: str, start: int, number: Number) -> bool:
    """A number past 100 can only be a rating."""
    near = text[max(start, number.start - 50) : number.end + 30]
    return (
        re.search(r"elo\b|rating|codeforces|arena|レーティング|레이팅|рейтинг|评分", near, re.I)
        is not None
    )


def is_peoples(text: str, start: int, end: int, number: Number) -> bool:
    """The number is people's: "human experts reach 69.7", "72 % (humans)"."""
    left = start
    bracketed = re.search(
        r"[(（]\s*(?:~|≈|about |around |approximately |roughly |ca\.? |etwa |environ |约)?$",
        text[start : number.start],
    )
    stop = start + bracketed.start() if bracketed else number.start
    for mark in _CLAUSE.finditer(text, start, stop):
        left = mark.end()
    headed = re.match(
        r"\W*(?P<who>[^\W\d][\w -]{2,24}?)\s?[:：]\s?[~≈]?$", text[start : number.start]
    )
    if headed and number_cues.HUMAN.search(headed["who"]):
        return True
    people = list(number_cues.HUMAN.finditer(text, left, number.start))
    said = people[-1] if people else None
    if said is not None and not re.search(r"\d[.,]?\d*\s?%?", text[said.end() : number.start]):
        return True
    behind = text[number.end : min(end, number.end + 40)]
    if re.match(r"\s?[%％]?\s?[(（][^()（）]*\d", behind):
        return False  # "75 % (humans: 85 %)": the bracket has a figure of its own
    return re.match(
        r"[^,;.]{0,8}(?:\(|for |by |among |bei |für |pour |chez |de los |degli |у |で|のは?)",
        behind,
    ) is not None and (number_cues.HUMAN.search(behind) is not None)
