"""Deals the words of a header out to the columns of a table in flat text.

The rows say how many columns there are; the header's words come as one or several lines, where a
line may hold what was two lines on the page. All ways to cut the words into so many names are
weighed by how well the pieces read (``flat_names.py``), one name a column of one, two or three
words-rows; a row of groups may stand above. The best deal counts only where it reads well and no
other reads as well: otherwise nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.reported.flat_names import Names, follows, is_average
from evalkit.reported.labels import METRIC
from evalkit.reported.roles import Role

Head = tuple[str, ...]
"""What stands above a column, top to bottom."""

_GLUED = re.compile(r"(?<=[a-z.])(?=#[A-Za-z])|(?<=\))(?=[A-Z])")
_CORNER = re.compile(
    r"(?:the|llms?|models?|model|benchmarks?|bench|methods?|metrics?|tasks?|data ?sets?|domains?"
    r"|category|categories|capability|evaluations?|evals?|tests?|names?|types?|sizes?|params?"
    r"|parameters?|systems?|settings?|language|lang\.?|n?-?shots?|length|#.*|\(metrics?\)"
    r"|\(shots?\)|strategy|agents?|backbones?|approach(?:es)?|planners?|frameworks?|paradigms?"
    r"|模型|基准|数据集|任务|モデル|ベンチマーク|모델|벤치마크|модель|бенчмарк)",
    re.IGNORECASE,
)
_ARROWS = frozenset("↑↓⬆⬇")
_LONGEST_NAME = 6  # words
_SLACK = 10  # words more than columns
_AGAIN = 2.2  # how sure repeated parts are
_GROUPS_READ = 1.4  # how well the names of groups must read on average
_CUT = 1.8  # how well names must read that come of a line cut in two
_CELL_A_LINE = 3  # words of a line that holds one head
_MOST_SKIPPED = 2  # words of a corner that no list has
_NO_NAME = 1.2  # a word of a corner reads no better
_CLEARLY = 2.0  # how well the names behind two such words must read
_HEADED = 0.4  # the better for a line of a corner and one word a column
_MARGIN = 0.5  # by which the best deal must be better than the next
_ENOUGH = 0.85  # a name must read like this on average
_UNUSED = 0.6  # what a line costs that looks like a part of the header and is left over


@dataclass(frozen=True, slots=True)
class Deal:
    """A header dealt out.

    Attributes:
        heads: What stands above each column.
        first: Index of the first line used.
        last: Index of the last line used.
        corner: The words above the labels.
        rating: How well the names read, on average.
        role: What the heads name: models or benchmarks.
    """

    heads: tuple[Head, ...]
    first: int
    last: int
    corner: str
    rating: float
    role: Role

    def named(self) -> tuple[str, ...]:
        """Each head in one line."""
        return tuple(" ".join(head) for head in self.heads)


def deal(lines: list[str], width: int, names: Names) -> Deal | None:
    """The header's names, one a column; None where no deal is clear."""
    words = [split(line) for line in lines]
    found: list[Deal] = []
    for last in range(len(words)):
        for first in range(max(0, last - 3), last + 1):
            unused = sum(
                _left_over(without_corner(row)[1], width)
                for i, row in enumerate(words)
                if not first <= i <= last
            )
            for rating, heads, corner in _deals(words[first : last + 1], width, names):
                found.append(Deal(heads, first, last, corner, rating / width - unused, names.role))
    found.sort(key=lambda d: (-d.rating, d.last - d.first))
    if not found or found[0].rating < _ENOUGH:
        return None
    best = found[0]
    rivals = [d for d in found if d.named() != best.named()]
    if rivals and (best.rating - rivals[0].rating) * width < _MARGIN:
        return None
    return best


def _left_over(words: list[str], width: int) -> float:
    """What it costs to leave a line of the header out."""
    if len(words) > 1 and all(follows(word) for word in words):
        return 3 * _UNUSED
    return _UNUSED if len(words) >= max(3, width - 1) else 0.0


def split(line: str) -> list[str]:
    """The words of a header; what is in brackets stays with the word before it."""
    if "\t" in line:  # the cells are known
        corner, *cells = line.split("\t")
        return [word for word in corner.split() if _is_corner(word)] + cells
    words: list[str] = []
    for word in _GLUED.sub(" ", line).split():
        opened = bool(words) and words[-1].count("(") > words[-1].count(")")
        aside = bool(words) and re.match(r"\([^)]*\)?$", word) and not _CORNER.fullmatch(word)
        if opened or aside or (words and word in _ARROWS):
            words[-1] += " " + word
        else:
            words.append(word)
    return words


def without_corner(words: list[str]) -> tuple[str, list[str]]:
    """The words above the labels, and those above the columns."""
    i = 0
    while i < len(words) and _is_corner(words[i]):
        i += 2 if words[i] == "#" and i + 1 < len(words) else 1
    return " ".join(words[:i]), words[i:]


def _is_corner(word: str) -> bool:
    bare = re.sub(r"\s*\([^()]*\)$", "", word)
    return word == "#" or _CORNER.fullmatch(word) is not None or _CORNER.fullmatch(bare) is not None


Dealt = tuple[float, tuple[Head, ...], str]


def _deals(lines: list[list[str]], width: int, names: Names) -> Iterator[Dealt]:
    """All deals of some lines that stand together."""
    corners = [without_corner(line) for line in lines]
    corner = " ".join(c for c, _ in corners if c)
    rows = [row for _, row in corners if row]
    if not rows or sum(map(len, rows)) > 6 * width + 8:
        return
    plain = [word for row in rows for word in row]
    # A line that begins with a corner's words begins the header: it does not go on another one.
    # Lines of many words are rows of the page below each other, not one row that was broken.
    begun = any(c and row for c, row in corners[1:]) or (
        len(rows) > 1 and max(map(len, rows)) > _CELL_A_LINE
    )
    headed = len(lines) == 1 and bool(corner) and len(plain) == width
    for skip in range(_MOST_SKIPPED + 1) if len(rows) == 1 else (0,):
        named = any(names.rate(word) > _NO_NAME for word in plain[:skip])
        if len(plain) - skip >= width and not begun and not named:
            for rating, heads in _one(plain[skip:], width, names):
                said = " ".join((corner, *plain[:skip])).strip()
                rating += _HEADED * width * headed
                if skip > 1 and rating < _CLEARLY * width:
                    continue
                yield rating - (0.2 if skip and follows(plain[0]) else 0.7) * skip, heads, said
    told = names.with_results(" ".join(plain)) if names.role is Role.MODEL else []
    if len(told) == width:
        yield 3.0 * width, tuple((head,) for head in told), corner
    if len(rows) > 1:
        for rating, heads in _measured(rows[:-1], rows[-1], width, names):
            yield rating, heads, corner
    for parts in _stacks(rows):
        for rating, heads in _stacked(parts, width, names):
            # One line cut in two anywhere: only names that are known tell where.
            if len(rows) > 1 or rating >= _CUT * width or _is_even(parts, width):
                yield rating, heads, corner
        if len(parts) == 2:
            # A line cut in two where nobody knows is completed by words that only follow names.
            named = len(parts[1]) < width and not follows(parts[0][-1])
            short = named and all(follows(word) for word in parts[1])
            if len(rows) > 1 or short:
                for rating, heads in _completed(parts[0], parts[1], width, names):
                    yield rating, heads, corner
            for rating, heads in _grouped(parts[0], parts[1], width, names):
                yield rating, heads, corner


def _stacks(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    """Rows of words as they stood on the page: as the lines are, or one line cut in two."""
    if len(rows) in (2, 3):
        yield rows
    if len(rows) == 1:
        for at in range(1, len(rows[0])):
            below = without_corner(rows[0][at:])[1]
            if below:
                yield [rows[0][:at], below]


def _one(words: list[str], width: int, names: Names) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """One row of names: the two best cuts, and the even one."""
    if not width <= len(words) <= width + _SLACK:
        return
    yield from _best([words], width, names)
    if len(words) == width:
        yield from _even([words], width, names)


def _stacked(
    parts: list[list[str]], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """Rows of words below each other, all cut into as many pieces."""
    if any(not width <= len(part) <= width + _SLACK for part in parts):
        return
    if len(parts) == 2 or all(len(part) <= width + 2 for part in parts):
        yield from _best(parts, width, names)
    yield from _even(parts, width, names)


def _is_even(parts: list[list[str]], width: int) -> bool:
    return all(len(part) % width == 0 for part in parts) and len({len(p) for p in parts}) == 1


def _even(
    parts: list[list[str]], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """Every row has the same number of words in each column, one of them always the same."""
    pieces: list[list[str]] = []
    for part in parts:
        length, rest = divmod(len(part), width)
        if rest:
            return
        cut = [part[i : i + length] for i in range(0, len(part), length)]
        if length > 1 and not any(len({c[i] for c in cut}) == 1 for i in range(length)):
            return
        pieces.append([" ".join(c) for c in cut])
    heads = [join(list(column)) for column in zip(*pieces, strict=True)]
    if len(set(heads)) < len(heads):
        return
    rates = [max(1.0, names.rate(head)) if names.rate(head) > -2 else -3.0 for head in heads]
    yield sum(rates), tuple((head,) for head in heads)


def join(words: list[str]) -> str:
    """Pieces of one name; a piece that was broken off at a hyphen or a stop comes back to it."""
    text = ""
    for word in words:
        glue = not text or text.endswith(("-", "/")) or word.startswith((".", "-"))
        text += word if glue else f" {word}"
    return text


def _best(
    parts: list[list[str]], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """The two best ways to cut rows of words into ``width`` names, by dynamic programming."""
    start = tuple(0 for _ in parts)
    ways: dict[tuple[int, ...], list[tuple[float, tuple[str, ...]]]] = {start: [(0.0, ())]}
    for column in range(width):
        left = width - column - 1
        following: dict[tuple[int, ...], list[tuple[float, tuple[str, ...]]]] = {}
        for at, best in ways.items():
            for to in _steps(at, parts, left):
                pieces = [p[a:b] for p, a, b in zip(parts, at, to, strict=True)]
                head = join([word for piece in pieces for word in piece])
                rating = names.rate(head)
                if rating >= names.least:
                    more = [(r + rating, (*h, head)) for r, h in best]
                    following.setdefault(to, []).extend(more)
        ways = {at: sorted(w, key=lambda x: -x[0])[:2] for at, w in following.items()}
    end = tuple(len(p) for p in parts)
    for rating, heads in ways.get(end, []):
        yield rating, tuple((head,) for head in heads)


def _steps(at: tuple[int, ...], parts: list[list[str]], left: int) -> Iterator[tuple[int, ...]]:
    """How far the next name may reach in each row, leaving a word for each column to come."""
    steps: list[tuple[int, ...]] = [()]
    for a, part in zip(at, parts, strict=True):
        furthest = min(a + _LONGEST_NAME, len(part) - left)
        reach = [len(part)] if left == 0 else range(a + 1, furthest + 1)
        steps = [(*s, b) for s in steps for b in reach if b > a and b - a <= _LONGEST_NAME]
    yield from steps


def _completed(
    top: list[str], below: list[str], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """A row of names, and below some of them the words that complete them, in order."""
    if len(below) >= (width if names.role is Role.MODEL else 2 * width):
        return
    for _, heads in list(_one(top, width, names))[:1]:
        broken = any(head.endswith("-") for (head,) in heads)
        ways: dict[int, list[tuple[float, tuple[str, ...]]]] = {0: [(0.0, ())]}
        for (head,) in heads:
            following: dict[int, list[tuple[float, tuple[str, ...]]]] = {}
            for at, best in ways.items():
                for to in range(at, min(at + 3, len(below)) + 1):
                    whole = join([head, *below[at:to]])
                    rating = names.rate(whole)
                    if rating < names.least:
                        continue
                    rating -= 1.0 if broken and head.endswith("-") != (to > at) else 0.0
                    more = [(r + rating, (*h, whole)) for r, h in best]
                    following.setdefault(to, []).extend(more)
            ways = {at: sorted(w, key=lambda x: -x[0])[:2] for at, w in following.items()}
        # Where each column could have its word, a column without one is the worse reading.
        cost = 0.6 if len(below) >= width else 0.0
        for rating, completed in ways.get(len(below), []):
            yield rating - cost, tuple((name,) for name in completed)


def _grouped(
    top: list[str], below: list[str], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """A row of names above a row of parts: as many parts below each, none below an average."""
    for count in range(2, min(width, len(top)) + 1):
        # The same parts again and again: that says by itself how many columns a group has.
        again = len(below) == width and below == below[: width // count] * count
        again = again and width // count > 1
        for rating, heads in _tops(top, count, names):
            if again and len(top) == count:
                parts = list(
                    zip([h for h in heads for _ in range(width // count)], below, strict=True)
                )
                yield max(rating / count, _AGAIN) * width, tuple(parts)
                continue
            if rating < _GROUPS_READ * count or min(map(names.rate, heads)) < 0:
                continue
            means = [is_average(head) for head in heads]
            for single in (means, [False] * count) if any(means) else (means,):
                dealt = _below(heads, single, below, width)
                if dealt and all(len(h) == 1 or names.part_of(h[1], h[0]) for h in dealt):
                    yield (rating / count + 0.2) * width, dealt


def _below(
    tops: tuple[str, ...], single: list[bool], below: list[str], width: int
) -> tuple[Head, ...] | None:
    """The parts below each group: equally many, none where a head stands alone."""
    many, rest = divmod(len(below), max(1, len(tops) - sum(single)))
    if rest or many < 1 or many * (len(tops) - sum(single)) + sum(single) != width:
        return None
    if many == 1 and not any(single):
        return None
    parts = iter(below)
    dealt: list[Head] = []
    for head, alone in zip(tops, single, strict=True):
        dealt += [(head,)] if alone else [(head, next(parts)) for _ in range(many)]
    return tuple(dealt) if len(set(dealt)) == len(dealt) else None


def _measured(
    above: list[list[str]], metrics: list[str], width: int, names: Names
) -> Iterator[tuple[float, tuple[Head, ...]]]:
    """A last row of one metric a column; a name above may cover several of them.

    A metric that comes again starts the next name; what is left over is split from the right.
    """
    if len(metrics) != width or not all(METRIC.fullmatch(m) for m in metrics):
        return
    heads = names.listed(" ".join(word for row in above for word in row))
    groups: list[list[str]] = []
    for metric in metrics:
        if not groups or metric in groups[-1]:
            groups.append([])
        groups[-1].append(metric)
    for i in range(len(groups) - 1, -1, -1):
        while len(groups) < len(heads) and len(groups[i]) > 1:
            groups.insert(i + 1, [groups[i].pop()])
    if len(groups) == len(heads):
        dealt = [(head, m) for head, group in zip(heads, groups, strict=True) for m in group]
        yield 3.0 * width, tuple(dealt)


def _tops(words: list[str], count: int, names: Names) -> Iterator[tuple[float, tuple[str, ...]]]:
    for rating, heads in _one(words, count, names):
        yield rating, tuple(head for (head,) in heads)
