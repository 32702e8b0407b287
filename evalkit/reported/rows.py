"""The rows of a table with their labels, and what their cells say of the table as a whole.

A label may stand in a row above (an empty cell repeats it), in one of two columns, or be told from
its like by a size in another column only.
"""

from __future__ import annotations

import re
from collections import Counter

from evalkit.reported.cells import is_signed, not_measured, read_score
from evalkit.reported.document import Cell, Table
from evalkit.reported.labels import clean
from evalkit.reported.layout import Layout
from evalkit.reported.roles import Role, is_split, leaning
from evalkit.reported.vocabulary import Vocabulary

# The size of a model, not of what it was trained on.
_OF_THE_MODEL = re.compile(
    r"param|\bsizes?\b|^#|^[btp]$|参数|规模|パラメ|サイズ|파라미터|크기|параметр|размер|größe|taille"
    r"|tamaño|paramètre",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,12}", re.ASCII)
_FEW_ITEMS = 50  # of the smallest split that is counted


class Rows:
    """The body of one table.

    Args:
        table: The grid.
        layout: Its layout.
        vocabulary: Names.
        language: ISO 639-1 code, for numbers.

    Attributes:
        cells: The grid, row by row.
    """

    def __init__(self, table: Table, layout: Layout, vocabulary: Vocabulary, language: str) -> None:
        self.cells = table.rows
        self._shifted = table.shifted
        self._layout = layout
        self._vocabulary = vocabulary
        self._language = language

    def body(self) -> list[int]:
        """The rows that may hold scores."""
        return [
            i for i in range(self._layout.body, len(self.cells)) if i not in self._layout.skipped
        ]

    def naming(self, role: Role) -> int | None:
        """The label column that names rows in a role."""
        labels = self._layout.labels
        for column, kind in labels.items():
            if kind is role:
                return column
        if any(k in (Role.MODEL, Role.BENCHMARK) for k in labels.values()) and role is not (
            self._layout.rows_are
        ):
            return None
        others = [c for c, kind in labels.items() if kind is Role.OTHER] or [
            c for c, kind in labels.items() if kind in (Role.MODEL, Role.BENCHMARK)
        ]
        distinct = {c: len({self.cells[i][c].text.text for i in self.body()}) for c in others}
        return max(others, key=lambda c: (distinct[c], c), default=None)

    def text(self, i: int, column: int) -> str:
        """A label, taken from above where the cell is empty."""
        for row in range(i, self._layout.body - 1, -1):
            text = self.cells[row][column].text.text
            if clean(text):
                return text
            if row in self._layout.skipped:
                break
        return ""

    def label(self, i: int) -> tuple[str, Cell | None]:
        """What names a row, and the cell that says so."""
        column = self.naming(self._layout.rows_are)
        if column is None:
            return "", None
        if self._layout.rows_are is Role.MODEL and not clean(self.cells[i][column].text.text):
            for other, kind in self._layout.labels.items():
                text = self.cells[i][other].text.text
                if kind is Role.OTHER and leaning(text, self._vocabulary)[0] > 0:
                    return text, self.cells[i][other]  # two columns name the models in turn
        return self.text(i, column), self.cells[i][column]

    def names(self) -> list[str]:
        """The labels of all rows."""
        return [self.label(i)[0] for i in self.body()]

    def twice(self, row: str) -> bool:
        """Whether several rows have a label."""
        return sum(clean(name) == clean(row) for name in self.names()) > 1

    def repeated(self) -> set[str]:
        """Row labels that occur twice: a size or setting column tells them apart."""
        if self._layout.rows_are is not Role.MODEL:
            return set()
        counts = Counter((clean(self.label(i)[0]), self._layout.groups[i]) for i in self.body())
        return {label for (label, _), n in counts.items() if n > 1}

    def size(self, i: int) -> str | None:
        """The size of the model of a row, where a column states it."""
        for column, role in self._layout.labels.items():
            text = clean(self.cells[i][column].text.text)
            head = clean(" ".join(self._layout.heads[column]))
            if (
                role is Role.SIZE
                and _OF_THE_MODEL.search(head)
                and text[-1:] in "BM"
                and text[:-1].replace(".", "").isdigit()
            ):
                return text
        return None

    def uneven(self) -> frozenset[int]:
        """Rows whose cells may stand below the wrong heads: they are left out, not misread.

        A table whose rows all end early lacks its last columns; that shifts nothing.
        """
        uneven = self._shifted.intersection(self.body())
        return frozenset() if len(uneven) * 2 > len(self.body()) else uneven

    def count_items(self) -> bool:
        """Whole numbers below the names of splits say how large these are."""
        columns = self._layout.values
        heads = [self._layout.heads[c][-1:] for c in columns]
        if not all(head and is_split(head[0]) for head in heads):
            return False
        texts = [self.cells[i][c].text.text for i in self.body() for c in columns]
        whole = [_WHOLE.fullmatch(text) for text in texts if not not_measured(text)]
        return all(match and int(match[0].replace(",", "")) >= _FEW_ITEMS for match in whole)

    def is_change(self, i: int, column: int) -> bool:
        """A number below zero is a change where its row or column has signs of plus.

        Scores below zero (of what a penalty is taken from) stand among scores above.
        """
        down = [self.cells[k][column].text.text for k in self.body()]
        across = [self.cells[i][c].text.text for c in self._layout.values]
        for texts in (down, across):
            if any(is_signed(text) for text in texts):
                return True
            first = [read_score(text, self._language)[:1] for text in texts]
            values = [score.value for scores in first for score in scores]
            if not any(value > 0 for value in values):
                return True
        return False
