"""Builds the grid of a table in flat text from its dealt header and its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.reported.document import Cell, Table
from evalkit.reported.flat_heads import Deal, Head
from evalkit.reported.flat_names import follows
from evalkit.reported.flat_rows import CellKind, Row, cell_text, split_shots
from evalkit.reported.labels import read_benchmark
from evalkit.reported.mapped import NOTHING, Mapped, Writer
from evalkit.reported.roles import Role
from evalkit.reported.vocabulary import Vocabulary

_TOTAL = re.compile(
    r"(?:#\s*)?(?:of )?(?:total )?(?:model )?(?:params?|parameters?|size)(?:\s*\(.*\))?",
    re.IGNORECASE,
)
_SIZED = re.compile(r"\d+(?:\.\d+)?x?\d*[BMT]\b", re.IGNORECASE)
# Words that sort benchmarks and are no part of their names.
GROUP = re.compile(
    r"english|chinese|korean|japanese|general|math(?:ematics)?|cod(?:e|ing)|reasoning|knowledge|&|and"
    r"|multilingual|alignment|agent(?:ic|s)?|stem|tasks?|language|understanding|safety|long|context"
    r"|ins(?:truction)?[- ]?following|multi-?turn|instruction|following|science|tool|use|vision"
    r"|world|common(?:sense)?|qa",
    re.IGNORECASE,
)
_LEVEL = 10  # whole numbers up to this beside decimals are levels or ranks, no scores
_TRAILING_SIZE = re.compile(r"(?:\s+(?:\d+(?:\.\d+)?[BMT]|[-–—]))+$")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A row that says something of the models in the heads: their sizes."""

    label: str
    cells: tuple[str, ...]


def build(
    source: str,
    heads: Deal,
    rows: list[Row],
    width: int,
    groups: dict[int, tuple[int, int]],
    caption: str,
    place: int,
    vocabulary: Vocabulary,
) -> Table:
    """The table as a grid: a column of labels, one of shots, and the columns of scores."""
    names = [_flat(head, vocabulary) for head in heads.heads]
    keep = [c for c in range(width) if _is_scores(source, rows, c)]
    grid: list[tuple[Cell, ...]] = []
    several = heads.role is Role.BENCHMARK and len(heads.corner.split()) > 1
    for level in range(max(len(name) for name in names)):
        shown = [_said(name[level] if level < len(name) else "", place) for name in names]
        for c in range(1, width):  # one cell above the columns of a group
            grouped = level == 0 and len(names[c]) > 1 and names[c - 1][:-1] == names[c][:-1]
            if grouped:
                shown[c] = shown[c - 1]
        corner = _said("", place)
        grid.append((corner, _said("# Shots", place), *(shown[c] for c in keep)))
    entries: list[tuple[int, tuple[Cell, ...]]] = [
        (line, (Cell(_mapped(source, span)), *_empty(len(keep) + 1)))
        for line, span in groups.items()
    ]
    built = [(row, _row(source, row, keep, several, vocabulary)) for row in rows]
    entries += [(row.line, cells) for row, cells in built]
    entries.sort(key=lambda entry: entry[0])
    # Rows of the same name are models of several sizes.
    labels = [cells[0].text.text for row, cells in built if row.cells]
    if len(set(labels)) < len(labels):
        sizes = {row.line: row.size for row in rows if row.size}
        entries = [(i, _with_size(source, cells, sizes.get(i))) for i, cells in entries]
        grid = [(cells[0], _said("# Params", place), *cells[1:]) for cells in grid]
    return Table((*grid, *(cells for _, cells in entries)), caption, place)


def _with_size(
    source: str, cells: tuple[Cell, ...], size: tuple[int, int] | None
) -> tuple[Cell, ...]:
    return (cells[0], Cell(_mapped(source, size) if size else NOTHING), *cells[1:])


def _flat(head: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    """A group and its part in one where the vocabulary has neither: "GloBench (Part A)"."""
    if len(head) < 2 or any(vocabulary.benchmark(part) for part in head):
        return head
    if any(vocabulary.model(part) or read_benchmark(part, vocabulary).known for part in head):
        return head
    return (f"{head[0]} ({', '.join(head[1:])})",)


def sized(heads: tuple[Head, ...], attributes: list[Attribute]) -> tuple[Head, ...]:
    """Heads that say a family only, with the size that a row below them says."""
    if len(set(heads)) == len(heads):
        return heads
    for attribute in attributes:
        if _TOTAL.fullmatch(attribute.label) and len(attribute.cells) == len(heads):
            return tuple(
                head if _SIZED.search(head[-1]) else (*head[:-1], f"{head[-1]} {size}")
                for head, size in zip(heads, attribute.cells, strict=True)
            )
    return heads


def _is_scores(source: str, rows: list[Row], column: int) -> bool:
    """A column of scores, not of differences, multiples or levels."""
    kinds = [row.kinds[column] for row in rows if row.cells]
    if CellKind.SIGNED in kinds or CellKind.SCORE not in kinds:
        return False
    texts = [source[slice(*row.cells[column])] for row in rows if row.cells]
    whole = all(t.isdigit() and int(t) <= _LEVEL for t in texts if t[:1].isdigit())
    others = [source[slice(*s)] for row in rows for s in row.cells]
    return not whole or sum("." in t for t in others) * 2 < len(others)


def _said(text: str, at: int) -> Cell:
    return Cell(Writer("").literal(text, at).done() if text else NOTHING, True)


def _empty(count: int) -> tuple[Cell, ...]:
    return tuple(Cell(NOTHING) for _ in range(count))


def _mapped(source: str, span: tuple[int, int]) -> Mapped:
    return Writer(source).verbatim(*span).done().strip()


def _row(
    source: str, row: Row, keep: list[int], several: bool, vocabulary: Vocabulary
) -> tuple[Cell, ...]:
    spans = list(row.label)
    spans[0] = _without_group(source, spans[0], vocabulary)
    name, shots = split_shots(source, spans[-1])
    spans[-1] = name
    writer = Writer(source)
    for i, span in enumerate(spans):
        if i:
            writer.literal(" ", span[0])
        writer.verbatim(*span)
    label = writer.done()
    if several:
        label = _first_column(label, vocabulary)
    size = _TRAILING_SIZE.search(label.text)
    if size and size.start() > 0:
        label = label.cut(0, size.start())
    shown = Cell(_mapped(source, shots) if shots else NOTHING)
    if not row.cells:
        return (Cell(label.strip()), shown, *_empty(len(keep)))
    return (Cell(label.strip()), shown, *(Cell(cell_text(source, row.cells[c])) for c in keep))


def _first_column(label: Mapped, vocabulary: Vocabulary) -> Mapped:
    """A model's name without the words of a second column of labels: "GPT-4o | Browsing"."""
    text = label.text
    words = list(re.finditer(r"\S+", text))
    if vocabulary.model(text) or len(words) < 2 or follows(words[-1][0]):
        return label
    for count in (1, 2):
        head = text[: words[-count].start()].rstrip() if len(words) > count else ""
        if head and vocabulary.model(head):
            return label.cut(0, len(head))
    return label


def _without_group(source: str, span: tuple[int, int], vocabulary: Vocabulary) -> tuple[int, int]:
    """A label without the words of its group before it: "Chinese C-Eval"."""
    text = source[slice(*span)]
    if read_benchmark(text, vocabulary).known:
        return span
    words = list(re.finditer(r"\S+", text))
    for first in range(1, min(4, len(words))):
        if not GROUP.fullmatch(words[first - 1][0]):
            break
        at = words[first].start()
        if read_benchmark(text[at:], vocabulary).known:
            return span[0] + at, span[1]
    return span
