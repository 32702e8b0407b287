"""Rows of tables in flat text: a label and the cells behind it, "MMLU (EM) 5-shot 88.5 87.8 -".

The text of a page keeps neither columns nor rules, only words in order. What a word is worth in a
table is told by its shape (a score, a size, a signed difference, a bar for "not measured"); a line
that ends in two or more such words is a row. Example::

    row, = read_rows("GSM8K 8-shot 92.3 92.1", 0, 22, "en")
    row.kinds == (CellKind.SCORE, CellKind.SCORE)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from evalkit.reported.cells import not_measured, read_score
from evalkit.reported.mapped import Mapped, Writer

Span = tuple[int, int]

_TOKEN = re.compile(r"\S+")
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_SIZE = re.compile(
    rf"[~≈<>]?{_NUMBER}(?:[BMKTG]|[x×])(?:[-/]?A{_NUMBER}B)?|A?{_NUMBER}B(?:-A{_NUMBER}B)?"
)
_SIGNED = re.compile(rf"\(?[+\-−–±↑↓▲▼]\s?{_NUMBER}%?\)?|\(?{_NUMBER}%?[↑↓▲▼]\)?")
# Bold print that was made by printing three times: "67.567.567.5".
_TRIPLED = re.compile(rf"({_NUMBER}%?)\1\1")
_OPEN = re.compile(rf"{_NUMBER}\+")  # "50+": read as nothing
_SPREAD = re.compile(rf"(?:±|\+/-){_NUMBER}%?")
_FOLLOWS = re.compile(rf"\((?:[+\-−–↑↓±]?\s?{_NUMBER}\s?%?\s?[↑↓]?|[A-Za-z][\w./ -]{{0,14}}|-)\)")
_SHOTS = re.compile(
    r"(?:\d{1,3}|zero|few|one|five)[- ]?shots?(?:\s?\(?\w*cot\)?)?,?", re.IGNORECASE
)
# Marks of a footnote that fonts for mathematics print.
_LIKE = {"∗": "*", "⋆": "★", "−": "-"}
_LONGEST_LABEL = 90
_MOST_WORDS = 14


class CellKind(StrEnum):
    """What a word in a row is."""

    SCORE = "score"
    SIZE = "size"
    SIGNED = "signed"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Row:
    """A label and the cells behind it.

    Attributes:
        label: Where the label stands in the source: one span, or several of a wrapped label.
        cells: Where each cell stands.
        kinds: What each cell is.
        line: Index of its line.
        size: Where the size of its model stands, in a column before the scores.
    """

    label: tuple[Span, ...]
    cells: tuple[Span, ...]
    kinds: tuple[CellKind, ...]
    line: int = 0
    size: Span | None = None


def read_rows(source: str, start: int, end: int, language: str) -> list[Row]:
    """The rows that a line holds: none, one, or several that lost their line break."""
    words = _joined(source, [m.span() for m in _TOKEN.finditer(source, start, end)], language)
    kinds = [kind_of(source[s:e], language) for s, e in words]
    runs: list[tuple[int, int]] = []
    i = 0
    while i < len(words):
        j = i
        while j < len(words) and kinds[j] is not None:
            j += 1
        if j > i and any(k is not CellKind.BLANK for k in kinds[i:j]):
            runs.append((i, j))
        i = max(j, i + 1)
    if not runs or runs[-1][1] != len(words):
        return []
    last = runs[-1][1] - runs[-1][0]
    inner = [run for run in runs[:-1] if run[1] - run[0] == last and last >= 2 and run[0] > 0]
    rows, at = [], 0
    for first, stop in (*inner, runs[-1]):
        label = ((words[at][0], words[first - 1][1]),) if first > at else ()
        if label and not _is_label(source[label[0][0] : label[0][1]]):
            return []
        shown = tuple(k for k in kinds[first:stop] if k is not None)
        rows.append(Row(label, tuple(words[first:stop]), shown))
        at = stop
    return rows


def _is_label(text: str) -> bool:
    """Short, and no sentence."""
    if len(text) > _LONGEST_LABEL or len(text.split()) > _MOST_WORDS:
        return False
    return not re.search(r"[.!?;:,。]$|[a-z]{3,}[.!?;] [A-Z]", text)


def kind_of(text: str, language: str) -> CellKind | None:
    """What a word is in a row of figures; None for a word of a label."""
    plain = "".join(_LIKE.get(c, c) for c in text)
    if text.startswith("["):
        return None  # a reference to the literature
    if (not_measured(plain) and plain.strip()) or _OPEN.fullmatch(plain):
        return CellKind.BLANK
    if _SIGNED.fullmatch(text) or _SIGNED.fullmatch(plain):
        return CellKind.SIGNED
    if _SIZE.fullmatch(plain):
        return CellKind.SIZE
    if _TRIPLED.fullmatch(plain) or read_score(plain, language):
        return CellKind.SCORE
    return None


def _joined(source: str, words: list[Span], language: str) -> list[Span]:
    """Words that are one cell: "63.3 ± 5.2", "93.9 (RL)", "89.1 (+2.0)"."""
    found: list[Span] = []
    i = 0
    while i < len(words):
        start, end = words[i]
        text = source[start:end]
        before = source[slice(*found[-1])] if found else ""
        if before and kind_of(before, language) is CellKind.SCORE:
            if text == "±" and i + 1 < len(words):
                found[-1] = (found[-1][0], words[i + 1][1])
                i += 2
                continue
            close = _closing(source, words, i) if text.startswith("(") else i
            whole = source[start : words[close][1]]
            if _SPREAD.fullmatch(text) or (_FOLLOWS.fullmatch(whole) and _fits(before, whole)):
                found[-1] = (found[-1][0], words[close][1])
                i = close + 1
                continue
        found.append((start, end))
        i += 1
    return found


def _fits(before: str, bracket: str) -> bool:
    """A bracket behind a score belongs to it unless it reads as a column of its own."""
    return "." in before or "%" in before or not bracket[1:-1].replace(".", "").isdigit()


def _closing(source: str, words: list[Span], i: int) -> int:
    """The word that closes a bracket, at most three words on."""
    for j in range(i, min(i + 4, len(words))):
        if source[words[j][1] - 1] == ")":
            return j
    return i


def cell_text(source: str, span: Span) -> Mapped:
    """A cell's text; a figure that was printed three times for bold counts once."""
    start, end = span
    tripled = _TRIPLED.fullmatch(source[start:end])
    if tripled:
        end = start + len(tripled[1])
    writer = Writer(source)
    for i in range(start, end):
        if source[i] in _LIKE:
            writer.literal(_LIKE[source[i]], i)
        else:
            writer.verbatim(i, i + 1)
    return writer.done()


def split_shots(source: str, span: Span) -> tuple[Span, Span | None]:
    """A label and the number of shots behind it: "BBH (EM) | 3-shot"."""
    words = [m.span() for m in _TOKEN.finditer(source, *span)]
    for i in range(len(words) - 1, max(0, len(words) - 4), -1):
        if _SHOTS.fullmatch(source[words[i][0] : span[1]].split(",")[0].strip()):
            return (span[0], words[i - 1][1]), (words[i][0], span[1])
    return span, None


def take_off(row: Row, count: int) -> Row:
    """The row without its first cells; a size among them is kept apart."""
    dropped = zip(row.cells[:count], row.kinds[:count], strict=True)
    size = next((cell for cell, kind in dropped if kind is CellKind.SIZE), row.size)
    return replace(row, cells=row.cells[count:], kinds=row.kinds[count:], size=size)
