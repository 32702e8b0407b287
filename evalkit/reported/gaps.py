"""What stands between two places of a sentence: marks, words, brackets; and what stands in a row.

Nothing here knows what a score is. The marks and small words of nine languages are counted alike.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from evalkit.reported import cues

_OPEN = re.compile(r"[(（\[]")
_CLOSE = re.compile(r"[)）\]]")
_WORD = re.compile(r"[^\W\d_]+")
_COMMA = re.compile(r"[,，、](?!\d)")
_AND = re.compile(r"\b(?:and|und|et|y|e|и|or)\b|和|与|及|と|및|와|과")
_CONTRAST = re.compile(
    r"\b(?:while|whereas|but|compared|versus|vs|against|than|während|gegenüber|aber|tandis|contre"
    r"|mais|mientras|frente|pero|mentre|contro|ma|rispetto|против|тогда|а|но)\b"
    r"|而|相比|对比|に対し|一方|보다|반면|대비",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"(?:\b(on|in|at|for|against|of|across|auf|bei|beim|im|am|sur|à|au|aux|dans|en|pour|su|sul"
    r"|sulla|nel|nella|del|de|na|на|в|по|from|by|von|für|di|per|para|у|от|для|with|mit|avec|con|с)"
    r"|(の|的|で|に|は|が|を|と|에서|의|은|는|이|가|에|上|中|在))\s*"
    r"(?:the|der|die|das|dem|den|le|la|les|l['’]|el|los|las|il|lo|gli|un|una|one)?"
    r"\s*[\"“„«'‘「『]?$",
    re.IGNORECASE,
)
_LAST = re.compile(r"([^\W\d_]+|[^\w\s])\W?$")
_FIRST = re.compile(r"\s*(?:[%％]|points?|pts|点|分)?\s*([^\W\d_]+|[^\w\s])")
_RUN = re.compile(r"[\u3040-\u9fff]")
_ASIDE = re.compile(r"^\s?[(（][^()（）]{1,40}[)）]")

_LENGTHS = (0, 1, 2, 3, 5, 8, 12, 18, 26, 40, 60, 90, 140)
_WORDS = (0, 1, 2, 3, 4, 6, 9, 14)


def step(value: float, steps: Sequence[float]) -> int:
    """Index of the first step that is not below the value."""
    return bisect_left(steps, value)


def marks(gap: str) -> Iterator[str]:
    """What a gap between a name and a number holds, each as ``what=how many``."""
    opened, closed = len(_OPEN.findall(gap)), len(_CLOSE.findall(gap))
    yield f"length={step(len(gap), _LENGTHS)}"
    yield f"words={step(word_count(gap), _WORDS)}"
    yield f"commas={min(3, commas(gap))}"
    yield f"semicolons={min(2, sum(gap.count(c) for c in ';；'))}"
    yield f"colons={min(2, sum(gap.count(c) for c in ':：'))}"
    yield f"opened={min(2, opened)}"
    yield f"closed={min(2, closed)}"
    yield f"depth={max(-2, min(2, opened - closed))}"
    yield f"line={min(1, gap.count(chr(10)))}"
    yield f"and={min(2, len(_AND.findall(gap)))}"
    yield f"contrast={int(contrasts(gap))}"


def contrasts(gap: str) -> bool:
    """A word sets two things against each other: "while", "gegenüber", "对比"."""
    return _CONTRAST.search(gap) is not None


def word_count(gap: str) -> int:
    """Runs of letters."""
    return len(_WORD.findall(gap))


def commas(gap: str) -> int:
    """Commas that are no decimal marks."""
    return len(_COMMA.findall(gap))


def depth(gap: str) -> int:
    """Brackets opened and not closed, negative for the other way round."""
    return len(_OPEN.findall(gap)) - len(_CLOSE.findall(gap))


def small_word(before: str) -> str:
    """The preposition or particle that a piece of text ends with."""
    found = _SMALL.search(before[-18:])
    return (found[1] or found[2]).lower() if found else ""


def last_token(text: str) -> str:
    """The word or mark that a piece of text ends with."""
    found = _LAST.search(text[-40:])
    return _short(found[1], last=True) if found else ""


def first_token(text: str) -> str:
    """The word or mark that a piece of text begins with, behind a unit."""
    found = _FIRST.match(text)
    return _short(found[1], last=False) if found else ""


def _short(word: str, *, last: bool) -> str:
    """A word; of scripts that set no spaces two characters of a run, of anything at most twelve."""
    if _RUN.search(word):
        return word[-2:] if last else word[:2]
    return word.lower()[:12]


def bracket(text: str, start: int, end: int, at: int) -> tuple[int, int] | None:
    """Where the innermost bracket around a place opens and closes, within ``[start, end)``."""
    open_at, level = None, 0
    for i in range(at - 1, start - 1, -1):
        if text[i] in ")）]":
            level += 1
        elif text[i] in "(（[":
            if level == 0:
                open_at = i
                break
            level -= 1
    if open_at is None:
        return None
    level = 0
    for i in range(open_at + 1, end):
        if text[i] in "(（[":
            level += 1
        elif text[i] in ")）]":
            if level == 0:
                return open_at, i
            level -= 1
    return open_at, end


def rows(text: str, places: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """For each place the places that stand in one row with it: commas and "and" between them."""
    found: list[list[int]] = []
    for i, (start, _) in enumerate(places):
        gap = text[places[i - 1][1] : start] if i else ""
        if found and cues.LIST_GAP.fullmatch(_ASIDE.sub("", gap)):
            found[-1].append(i)
        else:
            found.append([i])
    return [tuple(row) for row in found for _ in row]
