"""What one cell of a table says: scores, a bar for "not measured", or text.

A cell may hold a score with its sign of percent, its uncertainty, a change beside it, a footnote
mark, a rank, two figures (own run and reported), or a fraction of solved problems. Only scores come
out; the uncertainty, the change and the mark are told apart::

    >>> read_score("63.3±5.2%", "en")[0].value, read_score("**71.6** (+2.1)†", "en")[0].marks
    (63.3, '†')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from evalkit.reported.numbers import flat, worth

MARKS = "*†‡§¶^#◇♦★☆△▲▽⋄⁺✝¹²³⁴⁵⁶⁷⁸⁹"
_NUM = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:[.,]\d+)?)"
_MARK = rf"(?:\^[a-z0-9]|[{re.escape(MARKS)}]+|\[\d\]|\^\(?[a-z0-9*†‡]{{1,2}}\)?)"
_CHANGE = (
    rf"(?:[(\[（]?\s*(?:[+\-−–↑↓▲▼△▽⬆⬇]\s*[+\-−]?{_NUM}|{_NUM}\s*[%％]?\s*[↑↓▲▼])"
    r"\s*(?:%|pp|pts?)?\s*[)\]）]?|[(（]\s*(?:[-–−]|0(?:\.0+)?\s*[%％])\s*[)）])"
)
# What people put before a figure: a medal, an arrow, the name of its scale.
_PICTURE = (  # without the ticks and crosses that count passes and failures, and marks of notes
    r"[\U0001F300-\U0001FAFF\u2600-\u2604\u2607-\u2712\u2719-\u271c\u271e-\u27bf\u2b50\ufe0f]"
)
_AHEAD = rf"(?:(?:{_PICTURE}\s*)+|elo|rating)"
_PICTURED = re.compile(rf"{_PICTURE}\s*\d")  # two of them count passes and failures
_SCORE = re.compile(
    rf"\s*(?:{_AHEAD}[\s:：]*)?"
    rf"(?P<bound>[~≈∼<>≤≥≲≳]|>=|<=|&lt;|&gt;)?\s*(?P<lead>{_MARK})?\s*"
    rf"(?P<cost>\$)?(?P<number>[-−–]?{_NUM})"
    rf"\s*(?P<of>/\s*\d{{1,4}}(?![\d.,]|\s*[A-Za-z%$]))?"
    rf"\s*(?P<spread>(?:±|\+/-|\+-)\s*{_NUM})?"
    rf"\s*(?P<unit>%|％|pts?\b|points?\b|分|점|点|Punkte?|балл\w*|Elo\b)?"
    rf"\s*(?P<spread2>[(\[]?(?:±|\+/-)\s*{_NUM}\s*%?[)\]]?)?"
    rf"\s*(?P<marks>{_MARK}(?:\s*,?\s*{_MARK})*)?"
    rf"\s*(?P<change>{_CHANGE})?"
    rf"\s*(?P<marks2>{_MARK})?\s*(?P<medal>(?:{_PICTURE}\s*)*)",
    re.IGNORECASE,
)
_NOT_MEASURED = re.compile(
    r"\s*(?:[-–—−‐‑_/\\*†‡·.…✗✘×✓✔]+|n\.?\s?/?\s?a\.?|none|tbd|k\.\s?a\.|нет( данных)?|н/д|无"
    r"|暂无|なし|"
    r"없음|미공개|n\.?d\.?|null|nan|\?+|not reported|oom|unk)?\s*",
    re.IGNORECASE,
)
_NO_FIGURE = re.compile(
    r"\b(?:rank|place|top|n|k|std|sd|se|ci|std ?dev|delta|diff|gain|vs|prev\w*|cost|price|time"
    r"|error)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\s*(?:(?:19[5-9]|20[0-4])\d(?:\s?[/年-]\s?[01]?\d|\.[01]\d|\.\d(?=[.月]))"
    r"(?:\s?[./月-]\s?[0-3]?\d)?"
    r"|[0-3]?\d[./][01]?\d[./](?:19|20)\d\d)\s?[日月]?\s*"
)
_MARKUP = re.compile(
    r"\*\*|__|~~|<[^<>]{1,80}>|\$(?=[^$]{1,24}\$)|(?<=[\d}%*†])\$|\\textbf|\\underline"
)
# One sign of dollar is a price; two enclose math.
_PRICE = re.compile(r"^[^$]*\$[^$]*$|[€£¥₽]")


@dataclass(frozen=True, slots=True)
class Score:
    """One figure in a cell.

    Attributes:
        start: First character of the number in the cell's text.
        end: One behind its last.
        value: What it is worth.
        unit: ``%``, ``points``, ``of 30`` or None.
        bound: ``=``, ``>``, ``<``, ``>=``, ``<=`` or ``~``.
        spread: The printed half-width, None when there is none.
        marks: Footnote marks on it.
        second: It stands in brackets or behind a bar: the second figure of its cell.
        note: How it was measured, where the cell says so of this figure alone.
        place: Which of the cell's figures it is, from 0; a dash takes a place too.
    """

    start: int
    end: int
    value: float
    unit: str | None
    bound: str = "="
    spread: float | None = None
    marks: str = ""
    second: bool = False
    note: str = ""
    place: int = 0


def is_signed(text: str) -> bool:
    """A number with a plus before it: it and its column are changes, not scores."""
    return re.fullmatch(rf"\s*\(?\+\s?{_NUM}\s?(?:%|pp|pts?)?\)?\s*", flat(text)) is not None


def is_date(text: str) -> bool:
    """A day or a month; "2024.6" is one among days, and a score among scores."""
    return re.fullmatch(r"\s*(?:19|20)\d\d\.\d{1,2}\s*", text) is not None or (
        _DATE.fullmatch(flat(text)) is not None
    )


def not_measured(text: str) -> bool:
    """Empty, a dash, "n/a" and the like."""
    return _NOT_MEASURED.fullmatch(text) is not None


def read_score(text: str, language: str) -> list[Score]:
    """The scores of a cell's line; empty when it is no score cell."""
    plain = _MARKUP.sub(lambda m: " " * len(m[0]), flat(text))
    if _DATE.fullmatch(plain) or len(_PICTURED.findall(plain)) > 1:
        return []
    if not any(c.isdigit() for c in plain) or len(plain) > 120 or _PRICE.search(text):
        return []
    if listed := _listed(plain, language):
        return listed
    bracketed = re.fullmatch(r"\s*[(（\[]([^()（）\[\]]+)[)）\]]\s*", plain)
    if bracketed:
        # The whole cell in brackets: the second figure of a column that has two.
        inner = read_score(bracketed[1], language)
        at = bracketed.start(1)
        return [replace(s, start=s.start + at, end=s.end + at, second=True) for s in inner]
    first = _SCORE.match(plain)
    if first is None or first["cost"] or _is_range(first):
        return []
    return _from(first, plain, text, language)


def _from(first: re.Match[str], plain: str, text: str, language: str) -> list[Score]:
    """The scores of a cell that begins with one; empty when other things stand behind it."""
    scores = [_score(first, 0, text, language, second=False)]
    rest, at = plain[first.end() :], first.end()
    while rest.strip():
        opened = re.match(r"\s*(?P<sep>[(\[（/|;]|→|->)\s*", rest)
        if opened is None:
            return []
        if named := _named_second(rest):
            again = read_score(named["figure"], language)
            for score in again:
                begin = first.end() + named.start("figure") + score.start
                length = score.end - score.start
                scores.append(
                    replace(score, start=begin, end=begin + length, second=True, note=named["what"])
                )
            return scores
        if _aside(rest):
            return scores
        at += opened.end()
        if raised := re.fullmatch(rf"\s*[(\[]\s*({_MARK})\s*[)\]]\s*", rest):
            return [replace(scores[0], marks=scores[0].marks + raised[1]), *scores[1:]]
        following = _SCORE.match(plain, at)
        if following is None or following["cost"]:
            return []
        if opened["sep"] in ("→", "->"):
            scores = []
        more = _score(following, at, text, language, second=True)
        if scores and scores[0].unit == "%" and more.unit != "%" and more.value > 100:
            return scores  # of how many
        scores.append(replace(more, place=len(scores)))
        at = following.end()
        closed = re.match(r"\s*[)\]）]\s*" + rf"(?:{_MARK})?", plain[at:])
        at += closed.end() if closed else 0
        rest = plain[at:]
        if len(scores) > 3:
            return []
    if first["of"] and scores and not _fraction(first):
        return _both(first, text, language)
    return scores


def _listed(plain: str, language: str) -> list[Score]:
    """Figures of several parts or metrics in one cell: "2.1 | - | 5.5", "65.5 (64.4) / 84.5"."""
    parts = list(re.finditer(r"[^|/()（）]+(?:[(（][^()（）|/]*[)）][^|/()（）]*)?", plain))
    dashes = sum(not_measured(part[0]) for part in parts)
    exact = all(re.search(r"\d[.,]\d|%", part[0]) for part in parts if not not_measured(part[0]))
    bracketed = any("(" in part[0] or "（" in part[0] for part in parts)
    if len(parts) < 2 or not exact or not (dashes or len(parts) > 2 or bracketed):
        return []
    if re.search(r"[|/]\s*[|/]", plain) or ("|" not in plain and "/" not in plain):
        return []
    found: list[Score] = []
    for place, part in enumerate(parts):
        figures = read_score(part[0], language)
        if not figures and not not_measured(part[0]):
            return []
        found += [
            replace(f, start=f.start + part.start(), end=f.end + part.start(), place=place)
            for f in figures
        ]
    return [replace(f, second=f.second or k > 0) for k, f in enumerate(found)]


def _named_second(rest: str) -> re.Match[str] | None:
    """A second figure that says how it was measured: "(CoT: 85.2)", "(85.2% with tools)"."""
    figure = r"(?P<figure>\d{1,3}(?:[.,]\d+)?\s?[%％]|\d{1,3}[.,]\d+)"
    what = r"(?P<what>[^\W\d_][\w/+ -]{0,24}?)"
    found = re.fullmatch(
        rf"\s*[(（]\s*{what}\s?[:：=]\s?{figure}\s*[)）]\s*", rest
    ) or re.fullmatch(rf"\s*[(（]\s*{figure},?\s{what}\s*[)）]\s*", rest)
    return None if found is None or _NO_FIGURE.search(found["what"]) else found


def _is_range(match: re.Match[str]) -> bool:
    """What looks like a change behind a score is the upper end of a range: "62 - 65"."""
    upper = re.fullmatch(rf"\s*[-−–]\s*({_NUM})\s*%?\s*", match["change"] or "")
    return upper is not None and worth(upper[1], "en") > worth(match["number"].lstrip("-−–"), "en")


def _aside(rest: str) -> bool:
    """A bracket behind the score that holds words: "(5-shot)", "(CoT)"."""
    return re.fullmatch(r"\s*[(\[（](?=[^()]*[^\W\d_])[^()]{1,40}[)\]）]\s*", rest) is not None


def _fraction(match: re.Match[str]) -> bool:
    """Solved problems of a whole: whole numbers, no more solved than there are."""
    whole = int(re.sub(r"\D", "", match["of"]))
    return match["number"].isdigit() and int(match["number"]) <= whole and whole >= 5


def _both(match: re.Match[str], text: str, language: str) -> list[Score]:
    """Two figures with a slash: not a fraction of solved problems."""
    one = _score(match, 0, text, language, second=False)
    start = match.start("of") + 1 + len(match["of"][1:]) - len(match["of"][1:].lstrip())
    printed = text[start : match.end("of")]
    two = Score(start, match.end("of"), worth(printed, language), one.unit, second=True)
    return [Score(one.start, one.end, one.value, match["unit"], one.bound), two]


def _score(match: re.Match[str], at: int, text: str, language: str, *, second: bool) -> Score:
    start, end = match.span("number")
    spread = match["spread"] or match["spread2"]
    unit = "%" if (match["unit"] or "") in ("%", "％") else ("points" if match["unit"] else None)
    if match["of"]:
        unit = "of " + re.sub(r"[^\d.,]", "", match["of"])
    bound = {"~": "~", "≈": "~", "∼": "~", "≥": ">=", "≳": ">=", "≤": "<=", "≲": "<="}.get(
        match["bound"] or "", (match["bound"] or "=").replace("&lt;", "<").replace("&gt;", ">")
    )
    marks = "".join(match[g] or "" for g in ("lead", "marks", "marks2"))
    half = re.search(_NUM, spread) if spread else None
    printed = text[start:end]
    below = printed[0] in "-−–"
    return Score(
        start,
        end,
        -worth(printed[1:], language) if below else worth(printed, language),
        unit,
        bound,
        worth(half[0], language) if half else None,
        re.sub(r"\s+", "", marks),
        second,
    )
