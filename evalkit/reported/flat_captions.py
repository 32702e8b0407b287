"""Captions of tables in flat text: "Table 5 | Scores of ..." above the rows or below them.

A page that sets captions below its tables has the caption of one table right above the next one, so
the place is judged for the whole text: where a caption above a table cannot be another's, captions
stand above.
"""

from __future__ import annotations

import re

CAPTION = re.compile(
    r"^\s*(?:table|tab\.|tabelle|tableau|tabla|tabella|таблица|表|표|figure|fig\.|listing)"
    r"\s*[A-Z]?\.?\d+",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"[.!?。]\s*$")
_LONGEST = 7  # lines of a caption

Line = tuple[int, int]


def read_captions(source: str, lines: list[Line], tables: list[tuple[int, int]]) -> list[str]:
    """The caption of each table, by its first and last line; empty where there is none."""
    texts = [source[s:e].strip() for s, e in lines]
    above = [_above(texts, first) for first, _ in tables]
    below = [_below(texts, last) for _, last in tables]
    ends = {last + 1 for _, last in tables}
    on_top = any(a is not None and a[0] not in ends for a in above)
    found = []
    for a, b in zip(above, below, strict=True):
        chosen = (a or b) if on_top else (b or a)
        found.append(chosen[1] if chosen else "")
    return found


def _above(texts: list[str], first: int) -> tuple[int, str] | None:
    said: list[str] = []
    for i in range(first - 1, max(-1, first - 1 - _LONGEST), -1):
        if not texts[i]:
            break
        said.append(texts[i])
        if CAPTION.match(texts[i]):
            return i, " ".join(reversed(said))
    return None


def _below(texts: list[str], last: int) -> tuple[int, str] | None:
    first = last + 1
    if first >= len(texts) or not CAPTION.match(texts[first]):
        return None
    said: list[str] = []
    for text in texts[first : first + _LONGEST]:
        said.append(text)
        if not text or SENTENCE.search(text):
            break
    return first, " ".join(said).strip()
