"""The layout of a table: which rows are headers, which columns hold scores, and what labels mean.

The outcome is a :class:`Layout`: for each column and row the labels that apply to its cells. It
knows nothing of claims; ``tables.py`` reads the cells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from evalkit.reported.axes import label_roles, orient
from evalkit.reported.cells import is_date, not_measured, read_score
from evalkit.reported.document import Cell, Table
from evalkit.reported.labels import clean
from evalkit.reported.roles import (
    Role,
    header_role,
    is_change,
    is_metric,
    is_size,
    is_split,
    leaning,
)
from evalkit.reported.vocabulary import Vocabulary

_FIRST_RANK = 4  # three medals may stand above it
_NAMING = (Role.MODEL, Role.BENCHMARK, Role.SETTING, Role.CATEGORY)  # what scores never stand below


@dataclass(frozen=True, slots=True)
class Layout:
    """Where scores and labels are.

    Attributes:
        body: Index of the first row below the header.
        values: Columns that may hold scores.
        heads: For each column its header texts, top to bottom.
        labels: Label columns with their role.
        groups: Group text that applies to each row (None above the first).
        skipped: Rows without scores of their own: groups, sizes.
        columns_are: What the heads of the value columns stand for.
        rows_are: What the row labels stand for.
        known: Benchmarks of the vocabulary among the labels.
    """

    body: int
    values: tuple[int, ...]
    heads: tuple[tuple[str, ...], ...]
    labels: dict[int, Role]
    groups: tuple[str | None, ...]
    skipped: frozenset[int]
    columns_are: Role
    rows_are: Role
    known: int


def read_layout(table: Table, vocabulary: Vocabulary, language: str) -> Layout | None:
    """The layout, or None for a table that holds no scores at all."""
    rows = table.rows
    if len(rows) < 2 or len(rows[0]) < 2:
        return None
    scored = [[_is_scored(cell, language) for cell in row] for row in rows]
    body = _header_rows(rows, scored, vocabulary)
    width = len(rows[0])
    heads = tuple(_head(rows[:body], column) for column in range(width))
    groups, skipped = _groups(rows, scored, body)
    values, label_columns = _columns(rows, scored, body, skipped, heads, vocabulary)
    if not values:
        return None
    skipped |= _size_rows(rows, body, label_columns, vocabulary)
    roles = label_roles(rows, body, skipped, label_columns, heads, vocabulary)
    columns, rows_are, known = orient(rows, body, skipped, values, heads, roles, groups, vocabulary)
    return Layout(body, values, heads, roles, groups, frozenset(skipped), columns, rows_are, known)


def _is_scored(cell: Cell, language: str) -> bool:
    return any(
        score.value >= 0
        for line in cell.text.text.split("\n")[:8]
        for score in read_score(line, language)[:1]
    )


def _distinct(row: tuple[Cell, ...]) -> list[Cell]:
    """The cells of a row that say something, a spanning one once."""
    found: list[Cell] = []
    for cell in row:
        if clean(cell.text.text) and all(cell is not other for other in found):
            found.append(cell)
    return found


def _header_rows(
    rows: tuple[tuple[Cell, ...], ...], scored: list[list[bool]], vocabulary: Vocabulary
) -> int:
    """How many rows at the top are header rows: at least one."""
    count = 0
    for i, row in enumerate(rows[: min(6, len(rows) - 1)]):
        cells = _distinct(row)
        if i and any(
            flag for flag, cell in zip(scored[i], row, strict=True) if not _names(cell, vocabulary)
        ):
            break
        marked = cells and all(cell.header for cell in cells)
        if i and not marked and not _continues(row, cells, rows[:i], vocabulary):
            break
        if i == 0 and any(scored[0][1:]) and not marked and _mostly_scored(scored[0]):
            return 0
        count = i + 1
        if not marked and len(cells) > 1 and not _has_span(row) and i + 1 < len(rows):
            following = _distinct(rows[i + 1])
            if not _all_metrics(rows[i + 1], following, vocabulary):
                break
    return max(1, count)


def _names(cell: Cell, vocabulary: Vocabulary) -> bool:
    """A number that is a name: "360", "o1"."""
    return vocabulary.model(cell.text.text) is not None


def _mostly_scored(flags: list[bool]) -> bool:
    return sum(flags) * 2 > len(flags)


def _has_span(row: tuple[Cell, ...]) -> bool:
    return any(a is b and a.text.text for a, b in pairwise(row))


def _all_metrics(row: tuple[Cell, ...], cells: list[Cell], vocabulary: Vocabulary) -> bool:
    """A row of metrics, editions or names below the first header row."""
    if len(cells) < 2:
        return False
    texts = [clean(cell.text.text) for cell in row[1:] if clean(cell.text.text)]
    if not texts:
        return False
    hits = sum(is_metric(t) or header_role(t) is not None for t in texts)
    return hits * 2 >= len(texts)


def _continues(
    row: tuple[Cell, ...],
    cells: list[Cell],
    above: tuple[tuple[Cell, ...], ...],
    vocabulary: Vocabulary,
) -> bool:
    """A second header row: metrics or names below a spanning first one."""
    if len(cells) < 2:
        return not any(len(_distinct(r)) > 1 for r in above)
    titled = all(len(_distinct(r)) < 2 for r in above)
    if titled and not clean(row[0].text.text):
        return True  # nobody's row: it names the columns below a title
    if _all_metrics(row, cells, vocabulary):
        return True
    votes = [leaning(cell.text.text, vocabulary) for cell in row[1:] if clean(cell.text.text)]
    named = sum(max(v) >= 1 for v in votes)
    return (
        bool(votes)
        and named * 2 > len(votes)
        and (_has_span(above[-1]) or len(_distinct(above[-1])) <= 2)
    )


def _head(rows: tuple[tuple[Cell, ...], ...], column: int) -> tuple[str, ...]:
    texts: list[str] = []
    previous: Cell | None = None
    for row in rows:
        cell = row[column]
        if cell is not previous and clean(cell.text.text):
            texts.append(cell.text.text)
        previous = cell
    return tuple(texts)


def _groups(
    rows: tuple[tuple[Cell, ...], ...], scored: list[list[bool]], body: int
) -> tuple[tuple[str | None, ...], set[int]]:
    """Rows with one text and no score name the group of the rows below them."""
    groups: list[str | None] = [None] * len(rows)
    skipped: set[int] = set(range(body))
    current: str | None = None
    for i in range(body, len(rows)):
        cells = _distinct(rows[i])
        if not cells:
            skipped.add(i)
        elif len(cells) == 1 and not any(scored[i]):
            first = next(c for c in rows[i] if clean(c.text.text))
            rest = [c for c in rows[i] if c is not first and c.text.text.strip()]
            if not rest:
                current = clean(cells[0].text.text)
                skipped.add(i)
        groups[i] = current
    return tuple(groups), skipped


def _columns(
    rows: tuple[tuple[Cell, ...], ...],
    scored: list[list[bool]],
    body: int,
    skipped: set[int],
    heads: tuple[tuple[str, ...], ...],
    vocabulary: Vocabulary,
) -> tuple[tuple[int, ...], list[int]]:
    """Columns that hold scores, and columns that hold labels."""
    values: list[int] = []
    labels: list[int] = []
    titled = (
        len({head[:1] for head in heads}) == 1
    )  # one title over all columns is no column's head
    heads = tuple(head[1:] if titled and len(head) > 1 else head for head in heads)
    for column in range(len(rows[0])):
        hits = words = 0
        for i in range(body, len(rows)):
            if i in skipped:
                continue
            text = rows[i][column].text.text
            if scored[i][column]:
                hits += 1
            elif not not_measured(text):
                words += 1
        head = " ".join(heads[column])
        last = heads[column][-1] if heads[column] else ""
        role = None if is_split(last) else header_role(last)
        sized = is_size(head, vocabulary) or (len(heads[column]) > 1 and is_size(last, vocabulary))
        if hits and _are_dates(rows, body, skipped, column):
            labels.append(column)
            continue
        if hits and not values and _counts_up(rows, body, skipped, column):
            continue
        if hits and hits * 2 >= words and role not in _NAMING:
            if not sized and not is_change(head):
                values.append(column)
            elif sized:
                labels.append(column)
        elif words or (hits and role is Role.SETTING):
            labels.append(column)
    first = values[0] if values else 0
    return tuple(values), [
        c for c in labels if c < first or header_role(" ".join(heads[c]))
    ] or labels


def _are_dates(
    rows: tuple[tuple[Cell, ...], ...], body: int, skipped: set[int], column: int
) -> bool:
    """A column of months: "2024.6", "2024.12"."""
    texts = [rows[i][column].text.text for i in range(body, len(rows)) if i not in skipped]
    return all(is_date(text) for text in texts if not not_measured(text))


def _counts_up(
    rows: tuple[tuple[Cell, ...], ...], body: int, skipped: set[int], column: int
) -> bool:
    """A column of ranks: 1, 2, 3, or medals and then 4, 5."""
    texts = [rows[i][column].text.text for i in range(body, len(rows)) if i not in skipped]
    ranks = [int(t) for text in texts if (t := re.sub(r"\W+", "", text)).isdecimal()]
    steps = [b - a for a, b in pairwise(ranks)]
    return (
        bool(steps) and ranks[0] <= _FIRST_RANK and all(s in (0, 1) for s in steps) and any(steps)
    )


def _size_rows(
    rows: tuple[tuple[Cell, ...], ...], body: int, labels: list[int], vocabulary: Vocabulary
) -> set[int]:
    found: set[int] = set()
    for i in range(body, len(rows)):
        texts = [rows[i][c].text.text for c in labels[:3]]
        named = [t for t in texts if clean(t)]
        sized = named and (is_size(named[-1], vocabulary) or is_change(named[-1]))
        if sized and not any(max(leaning(t, vocabulary)) >= 2 for t in named):
            found.add(i)
    return found
