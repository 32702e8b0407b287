"""The one form that every parser produces: blocks of text, tables as grids, images.

Extraction never sees Markdown, HTML, LaTeX or PDF, only a :class:`Document`. Cells that span rows
or columns appear at every place they cover (the same object), so a reader of the grid needs no
span arithmetic and still counts each cell once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from evalkit.errors import DataError
from evalkit.reported.mapped import NOTHING, Mapped

MAX_CELLS = 50_000
"""Places in one table's grid. The largest table seen in a report has under 3,000."""


class Kind(StrEnum):
    """What a block of text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph or list item."""

    kind: Kind
    text: Mapped
    level: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell, compared by identity: a spanning cell stands at several places.

    Attributes:
        text: Its lines, separated by newlines.
        header: Marked as a header cell by the document.
        columns: How many columns it covers.
    """

    text: Mapped
    header: bool = False
    columns: int = 1


EMPTY_CELL = Cell(NOTHING)


@dataclass(frozen=True, slots=True)
class Table:
    """A rectangular grid of cells, row by row.

    Attributes:
        rows: The grid.
        caption: As printed with it.
        at: Where it starts in the source.
        shifted: Rows that state fewer or more cells than the table has columns: which column a
            cell of theirs belongs to is anybody's guess.
    """

    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    at: int = 0
    shifted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: its address as printed and its alternative text."""

    address: str
    alt: str
    at: int


Part = Block | Table | Image


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed source: parts in reading order."""

    parts: tuple[Part, ...]
    title: str = ""
    notes: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class GridCell:
    """A cell before it is placed: its spans as the document states them."""

    cell: Cell
    rowspan: int = 1
    colspan: int = 1


def grid(rows: list[list[GridCell]], where: str) -> tuple[tuple[Cell, ...], ...]:
    """Place cells with row and column spans on a rectangle.

    Raises:
        DataError: The rectangle would have more than ``MAX_CELLS`` places.
    """
    placed: list[dict[int, Cell]] = [{} for _ in rows]
    width = count = 0
    for i, row in enumerate(rows):
        j = 0
        for item in row:
            while j in placed[i]:
                j += 1
            down = range(i, min(i + item.rowspan, len(rows)))
            count += len(down) * item.colspan
            if count > MAX_CELLS:
                raise DataError(too_large(where))
            for r in down:
                for c in range(j, j + item.colspan):
                    placed[r].setdefault(c, item.cell)
            j += item.colspan
        width = max(width, max(placed[i], default=-1) + 1)
    if width * len(rows) > MAX_CELLS:
        raise DataError(too_large(where))
    return tuple(tuple(row.get(c, EMPTY_CELL) for c in range(width)) for row in placed)


def too_large(where: str) -> str:
    """What is said of a table that is past the limit."""
    return (
        f"{where}: a table has more than {MAX_CELLS:,} cells, which no report prints; "
        "cut the table out of the document, or give the page that holds the scores"
    )
