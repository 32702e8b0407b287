r"""Finishes tables of a LaTeX document: headers, captions, cells that reach upwards.

While the reader walks a document it notes where rules, captions and floats stand; when the parts
are there, the rows above a table's first rule become its header, and the caption of the float
around a table becomes its caption and stands before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from evalkit.reported.document import Block, Cell, Kind, Part, Table

_SENTENCE = re.compile(r"[.:;](?=\s)")
_LONGEST = 380  # characters of a caption that introduces a table
_MOST_HEADER = 5  # rows

Span = tuple[int, int]


@dataclass(slots=True)
class _Seen:
    """What was noted of one table."""

    rows: int = 0
    header: int = 0


@dataclass(slots=True)
class Finish:
    """Notes of a walk, and what they make of the parts."""

    tables: dict[int, _Seen] = field(default_factory=dict)
    captions: list[Span] = field(default_factory=list)
    floats: list[Span] = field(default_factory=list)
    reaching: list[tuple[Span, int]] = field(default_factory=list)
    open: int = -1

    def table(self, at: int) -> None:
        """A table begins."""
        self.open = at
        self.tables[at] = _Seen()

    def row(self) -> None:
        """A row of it begins."""
        if self.open in self.tables:
            self.tables[self.open].rows += 1

    def rule(self) -> None:
        """A rule across the table: the first one behind a row ends the header."""
        seen = self.tables.get(self.open)
        if seen is not None and seen.rows and not seen.header:
            seen.header = seen.rows

    def caption(self, start: int, end: int) -> None:
        """A caption's place."""
        self.captions.append((start, end))

    def float(self, start: int, end: int) -> None:
        """The place of a float around tables and captions."""
        self.floats.append((start, end))

    def upwards(self, start: int, end: int, rows: int) -> None:
        r"""A cell that covers the rows above it: ``\multirow{-3}{*}{...}``."""
        self.reaching.append(((start, end), rows))

    # the parts ------------------------------------------------------------------------------

    def parts(self, parts: list[Part]) -> list[Part]:
        """The parts with finished tables, captions before their tables."""
        captions = {id(p): p for p in parts if isinstance(p, Block) and self._is_caption(p)}
        found: list[Part] = []
        placed: set[int] = set()
        for part in parts:
            if id(part) in captions:
                continue
            if isinstance(part, Table):
                own = self._caption_of(part.at, list(captions.values()))
                if own is not None:
                    found += self._introduced(own, placed)
                found.append(self._finished(part, own))
            else:
                found.append(part)
        return found + [p for i, p in captions.items() if i not in placed]

    def _is_caption(self, block: Block) -> bool:
        place = block.text.at[0] if block.text.at else -1
        return any(start <= place < end for start, end in self.captions)

    def _caption_of(self, at: int, captions: list[Block]) -> Block | None:
        """The caption in the innermost float around a table that has one."""
        around = sorted((e - s, s, e) for s, e in self.floats if s <= at < e)
        for _, start, end in around:
            inside = [c for c in captions if start <= c.text.at[0] < end]
            if inside:
                return min(inside, key=lambda c: abs(c.text.at[0] - at))
        return None

    def _introduced(self, caption: Block, placed: set[int]) -> list[Part]:
        """A caption as the paragraph before its table; a long one leaves its tail behind it."""
        if id(caption) in placed:
            return []
        placed.add(id(caption))
        text = caption.text
        if len(text.text) <= _LONGEST:
            return [replace(caption, kind=Kind.PARAGRAPH)]
        ends = [m.end() for m in _SENTENCE.finditer(text.text) if m.end() <= _LONGEST]
        cut = ends[-1] if ends else 0
        tail = Block(Kind.PARAGRAPH, text.cut(cut, len(text.text)).strip())
        if not cut:
            return [tail]
        return [tail, Block(Kind.PARAGRAPH, text.cut(0, cut).strip())]

    def _finished(self, table: Table, caption: Block | None) -> Table:
        rows = self._reached(table.rows)
        seen = self.tables.get(table.at)
        count = seen.header if seen else 0
        if 0 < count <= _MOST_HEADER and count < len(rows) and not _has_figures(rows[:count]):
            rows = _headed(rows, count)
        said = caption.text.text if caption is not None else table.caption
        return Table(rows, said, table.at)

    def _reached(self, rows: tuple[tuple[Cell, ...], ...]) -> tuple[tuple[Cell, ...], ...]:
        """Cells that cover the rows above them stand there too, where nothing else does."""
        grid = [list(row) for row in rows]
        for (start, end), count in self.reaching:
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    at = cell.text.at
                    if not at or not start <= at[0] < end:
                        continue
                    for above in range(max(0, i - count + 1), i):
                        if not grid[above][j].text.text.strip():
                            grid[above][j] = Cell(cell.text)
        return tuple(tuple(row) for row in grid)


def _has_figures(rows: tuple[tuple[Cell, ...], ...]) -> bool:
    """Rows above a rule that hold scores are no header."""
    texts = [cell.text.text.strip() for row in rows for cell in row]
    figures = sum(re.fullmatch(r"\d+\.\d+\s?%?.{0,12}", text) is not None for text in texts)
    return figures * 4 > sum(bool(text) for text in texts)


def _headed(rows: tuple[tuple[Cell, ...], ...], count: int) -> tuple[tuple[Cell, ...], ...]:
    """The first rows as header cells; a spanning cell stays one cell."""
    made: dict[int, Cell] = {}
    for row in rows[:count]:
        for cell in row:
            made.setdefault(id(cell), replace(cell, header=True))
    top = tuple(tuple(made[id(cell)] for cell in row) for row in rows[:count])
    return (*top, *rows[count:])
