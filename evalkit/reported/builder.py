"""Assembles a document from the events of a parser: text, breaks, tables, images.

HTML occurs inside Markdown, and LaTeX inside both; all their readers drive one :class:`Builder`,
so that a cell or a paragraph comes out the same wherever its markup came from.
"""

from __future__ import annotations

import re

from evalkit.errors import DataError
from evalkit.reported.document import (
    EMPTY_CELL,
    MAX_CELLS,
    Block,
    Cell,
    GridCell,
    Image,
    Kind,
    Part,
    Table,
    grid,
    too_large,
)
from evalkit.reported.mapped import NOTHING, Mapped, Writer

_RAISED_MARK = re.compile(r"\s*[0-9a-z*†‡§,]{1,3}\s*")


class _OpenTable:
    """A table that is being read: finished rows and the cell under the pen."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.rows: list[list[GridCell]] = []
        self.caption = ""
        self.cell: tuple[bool, int, int] | None = None
        self.cells = 0
        self.uneven: set[int] = set()
        self.in_caption = False


class Builder:
    """Collects parts; readers call its methods in reading order."""

    def __init__(self, source: str, where: str) -> None:
        self.source = source
        self.where = where
        self.parts: list[Part] = []
        self.raised = False  # the next text is set above the line
        self._writer = Writer(source)
        self._kind = Kind.PARAGRAPH
        self._level = 0
        self._tables: list[_OpenTable] = []

    # text -----------------------------------------------------------------------------------

    def verbatim(self, start: int, end: int) -> None:
        """Text as it stands in the source."""
        self._writer.verbatim(start, end)

    def literal(self, text: str, at: int) -> None:
        """Text that stands for an entity or a macro at ``at``."""
        self._writer.literal(text, at)

    def lift(self, text: str, at: int) -> None:
        """Keep raised text apart from what it stands behind: a mark by a sign, words by a space."""
        if not self.raised or not text.strip():
            return
        self.raised = False
        mark = _RAISED_MARK.fullmatch(text) is not None or text[0] in "-−"
        behind = self.last
        if (behind.isalnum() or behind in tuple("%)]")) and (text[0].isalnum() or mark):
            self.literal("^" if mark else " ", at)
        elif behind in (" ", "\u00a0") and text.strip().isdigit() and mark:
            self.literal("^", at)

    @property
    def last(self) -> str:
        """The last character of the open text."""
        return self._writer.last

    def line_break(self, at: int) -> None:
        """A line break inside a block or a cell."""
        self._writer.literal("\n", at)

    def block(self, kind: Kind = Kind.PARAGRAPH, level: int = 0) -> None:
        """End the open block and start another; inside a cell it is a line break."""
        if self._tables and self._tables[-1].cell is not None:
            if self._writer.last not in ("", "\n"):
                self._writer.literal("\n", 0)
            return
        self._flush()
        self._kind, self._level = kind, level

    def _take(self) -> Mapped:
        text, self._writer = self._writer.done(), Writer(self.source)
        return text.strip()

    def _flush(self) -> None:
        text = self._take()
        if text.text and not self._tables:
            self.parts.append(Block(self._kind, text, self._level))
        elif text.text and self._tables[-1].in_caption:
            self._tables[-1].caption += " " + text.text
        self._kind, self._level = Kind.PARAGRAPH, 0

    def image(self, address: str, alt: str, at: int) -> None:
        """A picture. It does not end the open block."""
        if address:
            self.parts.append(Image(address, alt, at))

    # tables ---------------------------------------------------------------------------------

    @property
    def in_table(self) -> bool:
        """A table is open."""
        return bool(self._tables)

    def table(self, at: int) -> None:
        """Start a table (inside a cell of another one: a table of its own)."""
        if self._tables:
            self.end_cell()
        else:
            self._flush()
        self._tables.append(_OpenTable(at))

    def caption(self, opened: bool) -> None:
        """The open table's caption starts or ends."""
        if self._tables:
            self._flush()
            self._tables[-1].in_caption = opened

    def row(self) -> None:
        """Start a row of the open table."""
        if self._tables:
            self.end_cell()
            self._tables[-1].rows.append([])

    def uneven(self) -> None:
        """The open row has fewer or more cells than its table has columns."""
        if self._tables:
            self._tables[-1].uneven.add(len(self._tables[-1].rows) - 1)

    def cell(self, header: bool, rowspan: int = 1, colspan: int = 1) -> None:
        """Start a cell of the open row."""
        if not self._tables:
            return
        self.end_cell()
        self._take()
        table = self._tables[-1]
        if not table.rows:
            table.rows.append([])
        table.cells += 1
        if table.cells > MAX_CELLS:
            raise DataError(too_large(self.where))
        table.cell = (header, max(1, rowspan), max(1, colspan))

    def widen(self, columns: int) -> None:
        """The open cell covers so many columns."""
        if self._tables and self._tables[-1].cell is not None:
            header, rows, _ = self._tables[-1].cell
            self._tables[-1].cell = (header, rows, columns)

    def end_cell(self) -> None:
        """End the open cell, if one is open."""
        if not self._tables or self._tables[-1].cell is None:
            return
        table = self._tables[-1]
        header, rowspan, colspan = table.cell or (False, 1, 1)
        cell = Cell(self._take(), header, colspan)
        table.rows[-1].append(GridCell(cell, rowspan, colspan))
        table.cell = None

    def end_table(self) -> None:
        """End the innermost open table."""
        if not self._tables:
            return
        self.end_cell()
        self._take()
        table = self._tables.pop()
        filled = [i for i, row in enumerate(table.rows) if row]
        if filled:
            placed = grid([table.rows[i] for i in filled], self.where)
            shifted = frozenset(
                place
                for place, i in enumerate(filled)
                if i in table.uneven or any(cell is EMPTY_CELL for cell in placed[place])
            )
            self.parts.append(Table(placed, table.caption.strip(), table.at, shifted))

    def done(self) -> list[Part]:
        """Everything, with what was left open closed."""
        while self._tables:
            self.end_table()
        self._flush()
        return self.parts


def empty_cell() -> GridCell:
    """A cell without text."""
    return GridCell(Cell(NOTHING))
