"""Headers of tables on a PDF page, told from where the words stand.

Text of a page keeps the order of its lines only; where a table's header has several lines, or
groups above its columns, the words' places say what stands above which column. A page's text
comes out line by line, the header of each table as one line with tabs between its cells::

    Model<TAB>MMLU-Pro Health<TAB>MMLU-Pro Biology<TAB>GPQA

A header that does not come out with a name for every column stays as its lines are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from evalkit.reported.flat_captions import CAPTION, SENTENCE
from evalkit.reported.flat_grid import GROUP
from evalkit.reported.flat_heads import split, without_corner
from evalkit.reported.flat_rows import Row, read_rows

Word = tuple[float, float, float, float, str]
"""Left, right, top, bottom in points, and what is printed."""
Rule = tuple[float, float, float]
"""A line across: left, right, height on the page."""

_SAME_LINE = 3.0  # points between the tops of words of one line
_GAP = 0.45  # of the height of a word: a wider space parts two cells
_NEAR = 2.3  # line heights between lines of one header
_MOST_LINES = 7
_FEWEST_ROWS = 3
_LONG = 9  # words without a wide space between them are prose


@dataclass(frozen=True, slots=True)
class _Line:
    words: tuple[Word, ...]
    text: str
    starts: tuple[int, ...]

    @property
    def top(self) -> float:
        return min(w[2] for w in self.words)

    @property
    def bottom(self) -> float:
        return max(w[3] for w in self.words)


def page_text(words: Sequence[Word], rules: Sequence[Rule]) -> str | None:
    """The page's text with its tables' headers in one line each; None where it has no table."""
    lines = _lines(words)
    rows = [_row(line) for line in lines]
    out = [line.text for line in lines]
    gone: set[int] = set()
    done = 0
    i = 0
    while i < len(lines):
        region = _region(rows, i)
        if region is None:
            i += 1
            continue
        columns = _columns(lines, rows, region)
        header = _header(lines, region[0], done) if columns else []
        heads = _heads(lines, header, columns, rules)
        if heads is not None:
            out[header[0]] = heads
            gone.update(header[1:])
        i = done = region[-1] + 1
    if not gone and out == [line.text for line in lines]:
        return None
    return "\n".join(text for i, text in enumerate(out) if i not in gone)


def words_of(page: Any) -> tuple[list[Word], list[Rule]]:
    """The words and the horizontal lines of a ``pdfplumber`` page."""
    words = [
        (w["x0"], w["x1"], w["top"], w["bottom"], w["text"])
        for w in page.extract_words(x_tolerance=1.5)
    ]
    rules = [
        (r["x0"], r["x1"], r["top"])
        for r in (*page.lines, *page.rects)
        if abs(r["bottom"] - r["top"]) < 2 and r["x1"] - r["x0"] > 5
    ]
    return words, rules


def _lines(words: Sequence[Word]) -> list[_Line]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w[2], w[0])):
        if rows and word[2] - rows[-1][0][2] <= _SAME_LINE:
            rows[-1].append(word)
        else:
            rows.append([word])
    found = []
    for row in rows:
        row.sort()
        starts, at = [], 0
        for word in row:
            starts.append(at)
            at += len(word[4]) + 1
        found.append(_Line(tuple(row), " ".join(w[4] for w in row), tuple(starts)))
    return found


def _row(line: _Line) -> Row | None:
    rows = read_rows(line.text, 0, len(line.text), "en")
    return rows[0] if len(rows) == 1 and len(rows[0].cells) >= 2 and rows[0].label else None


def _region(rows: list[Row | None], start: int) -> list[int] | None:
    """Lines of rows from ``start`` on, at most two others between them."""
    if rows[start] is None:
        return None
    found, i = [start], start + 1
    while i < len(rows) and i - found[-1] <= _FEWEST_ROWS:
        if rows[i] is not None:
            found.append(i)
        i += 1
    return found if len(found) >= _FEWEST_ROWS else None


def _columns(
    lines: list[_Line], rows: list[Row | None], region: list[int]
) -> list[tuple[float, float]]:
    """Left and right of each column of figures; empty where they overlap."""
    kept = [(lines[i], row) for i in region if (row := rows[i]) is not None]
    width, _ = Counter(len(row.cells) for _, row in kept).most_common(1)[0]
    placed = [_cells(line, row) for line, row in kept if len(row.cells) == width]
    if len(placed) < _FEWEST_ROWS:
        return []
    columns = [
        (min(row[k][0] for row in placed), max(row[k][1] for row in placed)) for k in range(width)
    ]
    apart = all(a[1] < b[0] for a, b in pairwise(columns))
    return columns if apart else []


def _cells(line: _Line, row: Row) -> list[tuple[float, float]]:
    """Left and right of the cells of a row."""
    found = []
    for start, end in row.cells:
        inside = [w for w, at in zip(line.words, line.starts, strict=True) if start <= at < end]
        found.append((inside[0][0], inside[-1][1]))
    return found


def _header(lines: list[_Line], first: int, floor: int) -> list[int]:
    """The lines above a table's rows that may be its header."""
    found: list[int] = []
    below = lines[first]
    for i in range(first - 1, max(floor, first - 1 - _MOST_LINES) - 1, -1):
        line = lines[i]
        height = line.words[0][3] - line.words[0][2]
        if below.top - line.top > _NEAR * height or CAPTION.match(line.text):
            break
        pieces = _chunks(line)
        if max(map(len, pieces)) > _LONG or (len(pieces) == 1 and SENTENCE.search(line.text)):
            break
        found.append(i)
        below = line
    # One piece right above the rows names their group, unless it is the corner's.
    while found and len(_chunks(lines[found[0]])) == 1 and not _is_corner(lines[found[0]]):
        found.pop(0)
    return found[::-1]


def _is_corner(line: _Line) -> bool:
    return bool(without_corner(split(line.text))[0])


def _chunks(line: _Line) -> list[list[Word]]:
    """Words with no wide space between them."""
    found: list[list[Word]] = []
    for word in line.words:
        if found and word[0] - found[-1][-1][1] < _GAP * (word[3] - word[2]):
            found[-1].append(word)
        else:
            found.append([word])
    return found


def _heads(
    lines: list[_Line],
    header: list[int],
    columns: list[tuple[float, float]],
    rules: Sequence[Rule],
) -> str | None:
    """The header in one line; None where a column stays without a name."""
    if not header or not columns:
        return None
    left = columns[0][0] - (columns[1][0] - columns[0][1]) / 2
    heads: list[list[str]] = [[] for _ in columns]
    corner: list[str] = []
    for i in header:
        for chunk in _chunks(lines[i]):
            if chunk[-1][1] < left:
                corner.append(" ".join(w[4] for w in chunk))
                continue
            for words, span in _spans(chunk, columns, rules):
                for k in span:
                    heads[k].append(" ".join(w[4] for w in words))
    said = " ".join(corner)
    # Words on the left that are no corner's are a group of rows, or labels of another table.
    if not all(heads) or (said and not without_corner(split(said))[0]):
        return None
    return "\t".join((said or "Model", *(" ".join(_without_field(head)) for head in heads)))


def _without_field(head: list[str]) -> list[str]:
    """A head without the field of benchmarks that stands above it: "Coding | MBPP"."""
    field = not head[0].isupper() and all(GROUP.fullmatch(word) for word in head[0].split())
    return head[1:] if field and len(head) > 1 else head


def _spans(
    chunk: list[Word], columns: list[tuple[float, float]], rules: Sequence[Rule]
) -> list[tuple[list[Word], list[int]]]:
    """Which columns the words of a piece of the header stand above."""
    x0, x1, bottom = chunk[0][0], chunk[-1][1], chunk[-1][3]
    middles = [(a + b) / 2 for a, b in columns]
    whole = columns[-1][1] - columns[0][0]
    for a, b, y in rules:
        below = -1 <= y - bottom <= 0.9 * (bottom - chunk[0][2])
        if below and a - 2 <= (x0 + x1) / 2 <= b + 2 and b - a < 0.9 * whole:
            under = [k for k, m in enumerate(middles) if a - 1 <= m <= b + 1]
            if len(under) > 1:
                return [(chunk, under)]
    covered = [k for k, m in enumerate(middles) if x0 - 1 <= m <= x1 + 1]
    if len(covered) > 1:
        single = [[k for k, m in enumerate(middles) if w[0] - 1 <= m <= w[1] + 1] for w in chunk]
        if len(chunk) >= len(covered) and all(len(s) <= 1 for s in single):
            return [([w], [_nearest((w[0] + w[1]) / 2, middles)]) for w in chunk]
        return [(chunk, covered)]
    return [(chunk, covered or [_nearest((x0 + x1) / 2, middles)])]


def _nearest(x: float, middles: list[float]) -> int:
    return min(range(len(middles)), key=lambda k: abs(middles[k] - x))
