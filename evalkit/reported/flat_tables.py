"""Tables that a PDF or a terminal left as lines of text: "MMLU 88.3 87.2 88.5".

Lines that end in as many figures as their neighbours are the rows (``flat_rows.py``); the lines
above them are the header, whose words are dealt out to the columns (``flat_heads.py``). Where that
does not come out clearly, nothing is guessed: the lines are dropped, because read as prose their
figures would go to the wrong model.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from evalkit.reported.document import Table
from evalkit.reported.flat_captions import CAPTION, SENTENCE, read_captions
from evalkit.reported.flat_grid import Attribute, build, sized
from evalkit.reported.flat_heads import Deal, deal, split, without_corner
from evalkit.reported.flat_names import Names, is_average
from evalkit.reported.flat_rows import CellKind, Row, read_rows, take_off
from evalkit.reported.roles import Role, is_size, leaning
from evalkit.reported.vocabulary import Vocabulary, What

Line = tuple[int, int]

# What a caption says the scores were measured on, where the vocabulary does not have it.
_ON_NAME = re.compile(
    r"\b(?:on|of|for|from) (?:the )?(?P<name>[A-Z][\w+-]*[A-Z0-9][\w+-]*(?:[ -][A-Z0-9][\w+-]*)?)"
    r"(?=[.,;:]| benchmark| dataset| test|$)"
)
_BRACKET = re.compile(r"\s*[(\[][^()]{1,40}[)\]]\s*")
_ATTRIBUTE = re.compile(
    r"#|(?:architecture|arch|precision|(?:trained|training) tokens|train(?:ing)? data|type|release"
    r"|base model|backbone|date|params?|parameters?|size|model size|open[- ]?source|weights"
    r"|activated|total|kv cache|context)\b",
    re.IGNORECASE,
)
_MIN_ROWS = 3
_FEW = 8
_SURE = 2.0  # how well the heads of a table of two rows must read
_LONGEST_GROUP = 60
_HEADER_LINES = 12
_MOST_PLAIN = 0.5  # share of the words of a header that are plain words in small letters


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A region of lines and the table read from it (None when its header stays unclear)."""

    first: int
    last: int
    table: Table | None


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines of rows with the short lines between them."""

    first: int
    last: int
    rows: tuple[Row, ...]
    texts: tuple[int, ...]
    wide: int


def find_flat_tables(
    source: str, lines: list[Line], vocabulary: Vocabulary, language: str
) -> list[FlatTable]:
    """All regions of lines that are tables."""
    read = [
        [replace(row, line=i) for row in read_rows(source, s, e, language)] if e - s < 600 else []
        for i, (s, e) in enumerate(lines)
    ]
    regions: list[tuple[_Region, list[int]]] = []
    i = 0
    while i < len(lines):
        region = _region(source, lines, read, i)
        if region is None:
            i += 1
            continue
        floor = regions[-1][0].last if regions else -1
        regions.append((region, _header_lines(source, lines, region.first, floor)))
        i = region.last + 1
    captions = read_captions(source, lines, [(h[0] if h else r.first, r.last) for r, h in regions])
    found: list[FlatTable] = []
    for (region, header), caption in zip(regions, captions, strict=True):
        table = _Reader(source, lines, vocabulary, region, header, caption).table()
        if table is not None or region.wide >= _MIN_ROWS:
            found.append(FlatTable(header[0] if header else region.first, region.last, table))
    return found


def _text(source: str, line: Line) -> str:
    return source[line[0] : line[1]].strip()


def _region(source: str, lines: list[Line], read: list[list[Row]], start: int) -> _Region | None:
    """A run of rows from ``start`` with what stands between them."""
    if not any(len(row.cells) >= 2 for row in read[start]):
        return None
    rows = list(read[start])
    texts: list[int] = []
    pending: list[int] = []
    last = start
    for i in range(start + 1, len(lines)):
        text = _text(source, lines[i])
        if read[i]:
            if last == i - 1 and not read[i][0].label and CellKind.SCORE in read[i][0].kinds:
                break  # figures alone right below a row: the axis of a picture
            if len(read[i][0].cells) >= 2 or pending or len(read[i][0].label) == 0:
                texts += pending
                rows += read[i]
                last, pending = i, []
                continue
            pending.append(i)
        elif _ends(text, len(pending)) or _is_header(text):
            break
        else:
            pending.append(i)
        if len(pending) > 2:
            break
    # A bracket below the last row belongs to its label.
    if pending and pending[0] == last + 1 and _BRACKET.fullmatch(_text(source, lines[last + 1])):
        texts.append(last + 1)
        last += 1
    wide = [row for row in rows if len(row.cells) >= 2]
    if len(wide) < 2:
        return None
    return _Region(start, last, tuple(rows), tuple(texts), len(wide))


def _ends(text: str, pending: int) -> bool:
    """A line that no table goes on behind."""
    return (
        not text
        or len(text) > _LONGEST_GROUP
        or CAPTION.match(text) is not None
        or (SENTENCE.search(text) is not None and len(text.split()) > 4)
    )


def _is_header(text: str) -> bool:
    """The head of another table: "Benchmark A B C"."""
    corner, rest = without_corner(split(text))
    return bool(corner) and len(rest) >= 2


def _header_lines(source: str, lines: list[Line], first: int, floor: int) -> list[int]:
    found: list[int] = []
    for i in range(first - 1, max(floor, first - _HEADER_LINES), -1):
        text = _text(source, lines[i])
        if not text or CAPTION.match(text) or _is_prose(text):
            break
        found.append(i)
    return found[::-1]


def _is_prose(text: str) -> bool:
    words = text.split()
    if SENTENCE.search(text) and len(words) > 2 and not re.search(r"\b[A-Z]\w*\.$", text):
        return True
    plain = sum(re.fullmatch(r"[a-z]{2,}[,;:.]?", word) is not None for word in words)
    return len(text) > 260 or (len(words) > 5 and plain > _MOST_PLAIN * len(words))


class _Reader:
    """Finds the columns and their heads, and builds the table."""

    def __init__(
        self,
        source: str,
        lines: list[Line],
        vocabulary: Vocabulary,
        region: _Region,
        header: list[int],
        caption: str,
    ) -> None:
        self._source = source
        self._lines = lines
        self._vocabulary = vocabulary
        self._region = region
        self._header = header
        self._caption = caption

    def table(self) -> Table | None:
        """The table; None where its columns or their heads are not clear."""
        rows = self._labelled()
        if rows is None:
            return None
        attributes, rows = self._attributes(rows)
        attributes += self._sizes
        if len(rows) < 2:
            return None
        for width in self._widths(rows):
            full = [row for row in rows if len(row.cells) >= width]
            leading = self._leading(full, width)
            trimmed = [self._trim(row, width, leading) for row in rows]
            heads = self._heads(trimmed, width - leading)
            if heads is not None:
                heads = replace(heads, heads=sized(heads.heads, attributes))
            if heads is None or len(set(heads.heads)) < len(heads.heads):
                continue
            if len(full) >= _MIN_ROWS or heads.rating >= _SURE:
                return self._built(heads, trimmed, width - leading)
        return None

    # rows -----------------------------------------------------------------------------------

    def _labelled(self) -> list[Row] | None:
        """The rows with the labels that were wrapped around them; None where labels are missing."""
        rows: list[Row] = []
        texts = dict.fromkeys(self._region.texts)
        for row in self._region.rows:
            above = row.line - 1
            # A size alone is a row of a model that several rows share: whose is not sure.
            sized = row.kinds[0] is CellKind.SIZE
            if not row.label and above in texts and not sized and not self._bracket(above):
                row = replace(row, label=(self._span(above),))
                del texts[above]
            elif row.label and self._text_at(row.label[0]).startswith("(") and above in texts:
                row = replace(row, label=(self._span(above), *row.label))
                del texts[above]
            below = row.line + 1
            if row.label and below in texts and self._bracket(below):
                row = replace(row, label=(*row.label, self._span(below)))
                del texts[below]
            rows.append(row)
        self._groups = list(texts)
        self._sizes = [
            Attribute("Size", tuple(self._text_at(span) for span in row.cells))
            for row in rows
            if not row.label and set(row.kinds) == {CellKind.SIZE}
        ]
        rows = [r for r in rows if r.label or set(r.kinds) != {CellKind.SIZE}]
        signed = [r for r in rows if not r.label and set(r.kinds) == {CellKind.SIGNED}]
        rows = [r for r in rows if r not in signed]
        bare = sum(not row.label for row in rows)
        return None if bare * 5 > len(rows) else [r for r in rows if r.label]

    def _span(self, line: int) -> tuple[int, int]:
        start, end = self._lines[line]
        text = self._source[start:end]
        left = len(text) - len(text.lstrip())
        return start + left, start + len(text.rstrip())

    def _bracket(self, line: int) -> bool:
        return _BRACKET.fullmatch(_text(self._source, self._lines[line])) is not None

    def _text_at(self, span: tuple[int, int]) -> str:
        return self._source[span[0] : span[1]]

    def _label(self, row: Row) -> str:
        return " ".join(self._text_at(span) for span in row.label)

    def _attributes(self, rows: list[Row]) -> tuple[list[Attribute], list[Row]]:
        """Rows of sizes and the like, apart from rows of scores."""
        attributes, kept = [], []
        for row in rows:
            label = self._label(row)
            sized = sum(k is CellKind.SIZE for k in row.kinds) * 2 >= len(row.kinds)
            if sized and CellKind.SCORE not in row.kinds:
                cells = [self._text_at(span) for span in row.cells]
                attributes.append(Attribute(label, tuple(cells)))
            elif not (_ATTRIBUTE.match(label) and is_size(label, self._vocabulary)):
                kept.append(row)
        return attributes, kept

    def _widths(self, rows: list[Row]) -> list[int]:
        """How many columns there may be, likeliest first."""
        counts = Counter(len(row.cells) for row in rows)
        width, often = min(counts.items(), key=lambda c: (-c[1], c[0]))
        fits = sum(n for w, n in counts.items() if w >= width)
        extra = [row.cells[len(row.cells) - width - 1] for row in rows if len(row.cells) > width]
        scores = [re.fullmatch(r"\d{2,}\.\d+.*|.*%", self._text_at(span)) for span in extra]
        if sum(score is not None for score in scores) * _FEW > len(rows):
            return []  # rows of more figures than columns: there is another column
        if fits * 10 < len(rows) * 6 or often < 2:
            return []
        years = [row for row in rows if len(row.cells) == width]
        first = [self._text_at(row.cells[0]) for row in years]
        if width > 2 and all(re.fullmatch(r"\d{1,4}|\d\.\d", text) for text in first):
            return [width, width - 1]
        return [width]

    def _leading(self, rows: list[Row], width: int) -> int:
        """How many columns at the left hold sizes or numbers of shots."""
        count = 0
        while count < width - 1:
            kinds = [row.kinds[len(row.kinds) - width + count] for row in rows]
            texts = [self._text_at(r.cells[len(r.cells) - width + count]) for r in rows]
            sizes = sum(k is CellKind.SIZE for k in kinds)
            filled = sum(k is not CellKind.BLANK for k in kinds)
            small = all(t.isdigit() and int(t) <= 64 for t in texts)
            if not (sizes and sizes * 2 > filled) and not (small and self._counts_shots()):
                break
            count += 1
        return count

    def _counts_shots(self) -> bool:
        return any("shot" in _text(self._source, self._lines[i]).lower() for i in self._header)

    def _trim(self, row: Row, width: int, leading: int) -> Row:
        """The row with its last cells only; numbers before them belong to its label."""
        extra = len(row.cells) - width
        if extra < 0:
            return replace(row, cells=(), kinds=())
        label = row.label
        if extra > 0:
            label = (*label[:-1], (label[-1][0], row.cells[extra - 1][1]))
        return take_off(replace(row, label=label), extra + leading)

    # heads ----------------------------------------------------------------------------------

    def _heads(self, rows: list[Row], width: int) -> Deal | None:
        if width < 2:
            return None
        texts = [_text(self._source, self._lines[i]) for i in self._header]
        texts = ["" if _ATTRIBUTE.match(t) and not _is_header(t) else t for t in texts]
        labels = [self._label(row) for row in rows if row.cells]
        leans = [leaning(label, self._vocabulary) for label in labels]
        model, benchmark = (sum(lean[k] >= 1 for lean in leans) for k in (0, 1))
        sure = max(model, benchmark) * 2 >= len(labels)
        deals: list[Deal] = []
        roles = [Role.MODEL] if benchmark > model else [Role.BENCHMARK]
        for role in roles if sure else (Role.BENCHMARK, Role.MODEL):
            found = deal(texts, width, Names(self._vocabulary, role))
            if found is not None and (sure or found.rating >= 1.5):
                deals.append(found)
        return max(deals, key=lambda d: d.rating, default=None)

    # the table ------------------------------------------------------------------------------

    def _built(self, heads: Deal, rows: list[Row], width: int) -> Table | None:
        caption = self._caption
        of_one = self._of_one(heads, caption)
        if of_one is None:
            return None
        heads = of_one
        groups = [*self._header[heads.last + 1 :], *self._groups]
        texts = {i: _text(self._source, self._lines[i]) for i in groups}
        said = {i: t for i, t in texts.items() if t and not _ATTRIBUTE.match(t)}
        spans = {i: self._span(i) for i in said}
        place = self._lines[self._region.first][0]
        return build(self._source, heads, rows, width, spans, caption, place, self._vocabulary)

    def _of_one(self, heads: Deal, caption: str) -> Deal | None:
        """Heads that only name parts belong to the one benchmark that the caption names.

        Where no benchmark is named anywhere, the table is not one of benchmarks' scores.
        """
        if heads.role is not Role.BENCHMARK:
            return heads
        names = Names(self._vocabulary, Role.BENCHMARK)
        parts = [h for h in heads.heads if not is_average(" ".join(h))]
        known = sum(
            max(map(names.rate, (*h, " ".join(h)))) >= _SURE or self._begins_known(h[0])
            for h in parts
        )
        if known * 3 > len(parts):
            return heads
        whole = self._named_in(caption)
        if whole is None:
            return None
        if any(whole in name for name in heads.named()):
            return heads
        headed = (
            (whole,) if is_average(" ".join(h)) else (f"{whole} ({', '.join(h)})",)
            for h in heads.heads
        )
        return replace(heads, heads=tuple(headed))

    def _begins_known(self, head: str) -> bool:
        """A head begins with a listed benchmark: "MMLU-Pro Health"."""
        found = self._vocabulary.find(head, prose=False)[:1]
        return any(m.start == 0 and m.known and m.what is What.BENCHMARK for m in found)

    def _named_in(self, caption: str) -> str | None:
        """The only benchmark that a caption names, in its first sentence."""
        said = CAPTION.sub("", caption, count=1).lstrip(" .:|")
        caption = re.split(r"(?<=[a-z)\d])[.;] ", said)[0]
        found = self._vocabulary.find(caption, prose=True)
        above = {m.name: m.raw for m in found if m.what is What.BENCHMARK}
        if not above:
            printed = _ON_NAME.search(caption)
            if printed:
                return printed["name"]
            words = {w for w in re.findall(r"[\w+-]+", caption) if self._is_name(w)}
            return words.pop() if len(words) == 1 else None
        return next(iter(above.values())) if len(above) == 1 else None

    def _is_name(self, word: str) -> bool:
        """A word that looks like a benchmark's name: "PX-Math6"."""
        odd = sum(c.isupper() for c in word) > 1 or any(c.isdigit() for c in word)
        return odd and leaning(word, self._vocabulary)[1] >= 1
