"""Cuts a grid that holds several tables: under one another, or side by side.

A row that names columns anew ends the table above it. It says no score, most of its cells stand
where scores stand below, and its first cell is empty or repeats the first header, all of it is
marked as a header, or it names benchmarks or models.
A row of one text right above it is the title of what follows. Tables side by side have the same
heads again behind another column of names.
"""

from __future__ import annotations

from dataclasses import replace

from evalkit.reported.cells import not_measured, read_score
from evalkit.reported.document import Cell, Table
from evalkit.reported.labels import clean
from evalkit.reported.roles import header_role, leaning
from evalkit.reported.vocabulary import Vocabulary

_FEWEST = 2  # cells that name columns


def sections(table: Table, vocabulary: Vocabulary, language: str) -> list[Table]:
    """The tables that one grid holds, each with its own header rows."""
    rows = table.rows
    scored = [any(read_score(c.text.text, language) for c in row[1:]) for row in rows]
    starts = [0]
    for i in range(2, len(rows) - 1):
        if scored[i] or not scored[i + 1] or not any(scored[starts[-1] : i]):
            continue
        if _names_columns(rows, i, language, vocabulary):
            starts.append(i - 1 if _is_title(rows[i - 1]) and not scored[i - 1] else i)
    ends = [*starts[1:], len(rows)]
    found = [
        replace(
            table,
            rows=rows[start:end],
            shifted=frozenset(i - start for i in table.shifted if start <= i < end),
        )
        for start, end in zip(starts, ends, strict=True)
    ]
    return [half for part in found for half in _halves(part, language)]


def _halves(table: Table, language: str) -> list[Table]:
    """Tables side by side: "Model | Dev | Test | Model | Dev | Test"."""
    head = [clean(cell.text.text) for cell in table.rows[0]]
    numbers = [_counts(table, c, language) for c in range(len(head))]
    cuts = [0]
    for c in range(2, len(head) - 1):
        before, behind = head[cuts[-1] + 1 : c], head[c + 1 :]
        named = head[c] == head[0] or header_role(head[c].split()[-1] if head[c] else "")
        again = before and behind[: len(before)] == before
        if named and again and not numbers[c] and all(numbers[cuts[-1] + 1 : c]):
            cuts.append(c)
    if len(cuts) == 1 or head[0] == "" or numbers[0]:
        return [table]
    ends = [*cuts[1:], len(head)]
    return [
        replace(table, rows=tuple(row[start:end] for row in table.rows))
        for start, end in zip(cuts, ends, strict=True)
    ]


def _counts(table: Table, column: int, language: str) -> bool:
    """A column of figures."""
    texts = [row[column].text.text for row in table.rows[1:]]
    hits = sum(bool(read_score(text, language)) for text in texts)
    return hits > 0 and hits * 2 >= sum(not not_measured(text) for text in texts)


def _names_columns(
    rows: tuple[tuple[Cell, ...], ...], i: int, language: str, vocabulary: Vocabulary
) -> bool:
    row, below = rows[i], rows[i + 1]
    places = [c for c in range(1, len(row)) if read_score(below[c].text.text, language)]
    named = {id(row[c]) for c in places if not not_measured(row[c].text.text)}
    if len(named) < _FEWEST or len(named) * 2 < len(places):
        return False
    first, top = clean(row[0].text.text), clean(rows[0][0].text.text)
    marked = all(cell.header for cell in row if cell.text.text.strip())
    if not first or first == top or header_role(first) is not None or marked:
        return True
    names = {row[c].text.text for c in places}
    return sum(max(leaning(name, vocabulary)) >= 2 for name in names) * 2 > len(names)


def _is_title(row: tuple[Cell, ...]) -> bool:
    return len({id(c) for c in row if c.text.text.strip()}) == 1
