r"""Reads LaTeX tables and prose with ``pylatexenc``, keeping every character's place.

Only what tables of scores need is understood: ``tabular`` and its kin, ``\multicolumn``,
``\multirow``, font and colour macros, comments (left out), math (read as text), macros that the
document defines (``latex_macros.py``). The rows above the first rule are a table's header. An
uncertainty or a change in small print stays apart from the score before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from evalkit.reported.builder import Builder
from evalkit.reported.document import Kind, Part
from evalkit.reported.latex_macros import (
    FALLS,
    FLOATS,
    HIDDEN,
    HIDDEN_ENVIRONMENTS,
    INLINE,
    KEEPS_LAST,
    OURS,
    RISES,
    SMALL,
    SYMBOLS,
    TABULAR,
    Defined,
    definitions,
    parse,
    printed,
)
from evalkit.reported.latex_tables import Finish

_BEGIN = re.compile(r"\\begin\{(%s)\}" % TABULAR)  # noqa: UP031 - braces everywhere
_IN_TABLE = re.compile(r"\\begin\{(table\*?|wraptable|sidewaystable\*?|threeparttable)\}")
_RULES = frozenset(("midrule", "hline", "Xhline", "hhline", "specialrule", "hdashline"))
_DEEPEST = 5  # macros that stand for macros


def latex_regions(text: str) -> list[tuple[int, int]]:
    """Regions of tables: the floating environment around a tabular, or the tabular itself."""
    found: list[tuple[int, int]] = []
    floats = [(m.start(), m[1]) for m in _IN_TABLE.finditer(text)]
    for begin in _BEGIN.finditer(text):
        if found and begin.start() < found[-1][1]:
            continue
        start, name = begin.start(), begin[1]
        for at, outer in floats:
            close = text.find(f"\\end{{{outer}}}", at)
            if at < start and close > start:
                start, name = at, outer
                break
        close = text.find(f"\\end{{{name}}}", begin.end())
        if close >= 0:
            found.append((start, close + len(name) + 6))
    return found


def read_latex(source: str, where: str) -> list[Part]:
    """Read a whole LaTeX file: tables, captions, sections, paragraphs."""
    return _read(source, source, 0, where)


def read_latex_tables(source: str, start: int, end: int, where: str) -> list[Part]:
    """The tables of one region, with their captions."""
    return _read(source, source[start:end], start, where)


def _read(source: str, text: str, start: int, where: str) -> list[Part]:
    defined = definitions(source)
    builder = Builder(source, where)
    reader = _Reader(builder, start, defined)
    reader.read(parse(text, where, defined))
    return reader.finish.parts(builder.done())


class _Reader:
    """Walks nodes and drives a builder; ``base`` is where the parsed text starts in the source."""

    def __init__(self, builder: Builder, base: int, defined: dict[str, Defined]) -> None:
        self.finish = Finish()
        self._builder = builder
        self._base = base
        self._defined = defined
        self._tables = 0
        self._fresh_row = False
        self._inline = 0  # inside a cell's own lines
        self._math = 0
        self._depth = 0
        self._edge = False  # a group has just begun or ended: what follows is set apart

    def read(self, nodes: Iterable[Any] | None) -> None:
        """Read a list of nodes."""
        row = [node for node in nodes or () if node is not None]
        for i, node in enumerate(row):
            following = row[i + 1] if i + 1 < len(row) else None
            self._node(node, following)

    def _node(self, node: Any, following: Any) -> None:
        kind = type(node).__name__
        at = self._base + node.pos
        if kind == "LatexCharsNode":
            self._chars(node.chars, at)
        elif kind == "LatexGroupNode":
            self._apart(node.nodelist)
        elif kind == "LatexMathNode":
            self._math += 1
            self._apart(node.nodelist)
            self._math -= 1
        elif kind == "LatexSpecialsNode":
            self._special(node.specials_chars, at)
        elif kind == "LatexMacroNode":
            self._macro(node, at, following)
        elif kind == "LatexEnvironmentNode":
            self._environment(node, at)

    def _apart(self, nodes: Iterable[Any] | None) -> None:
        self._edge = True
        self.read(nodes)
        self._edge = True

    # text -----------------------------------------------------------------------------------

    def _open_cell(self, columns: int = 1, rows: int = 1) -> None:
        if self._fresh_row:
            self._builder.row()
            self.finish.row()
            self._fresh_row = False
        self._builder.cell(False, rows, columns)

    def _chars(self, chars: str, at: int) -> None:
        if self._tables and self._fresh_row and chars.strip():
            self._open_cell()
        if self._tables and self._fresh_row:
            return
        if self._tables and self._edge and chars[:1].isdigit() and self._builder.last.isdigit():
            self._builder.literal(" ±", at)  # small print behind a score
        self._edge = False
        parts = re.split(r"(\n[ \t]*\n\s*)", chars) if not self._tables else [chars]
        for i, part in enumerate(parts):
            if i % 2:
                self._builder.block()
            else:
                self._pieces(part, at)
            at += len(part)

    def _pieces(self, part: str, at: int) -> None:
        script = r"[\^_{}]+" if self._math else r"[\^{}]+"
        for piece in re.finditer(rf"\s+|{script}|-{{2,3}}|(?:(?!{script}|--)\S)+", part):
            text, here = piece[0], at + piece.start()
            if text.isspace() or (text[0] in "_^" and self._builder.last.isdigit()):
                self._builder.literal(" ", here)
            elif text.startswith("--"):
                self._builder.literal("–", here)
            elif text[0] not in "^_{}" or not re.fullmatch(script, text):
                self._builder.verbatim(here, here + len(text))

    def _special(self, chars: str, at: int) -> None:
        if chars == "&" and self._tables and not self._inline:
            if self._fresh_row:
                self._open_cell()
            self._open_cell()
        elif chars in ("~", "&"):
            self._builder.literal(" ", at)
        elif chars in ("--", "---"):
            self._symbol("–", at)
        elif chars.strip():
            self._open_if_fresh()
            self._builder.verbatim(at, at + len(chars))
        elif not self._tables:
            self._builder.block()

    def _open_if_fresh(self) -> None:
        if self._tables and self._fresh_row:
            self._open_cell()

    def _symbol(self, text: str, at: int) -> None:
        self._open_if_fresh()
        self._builder.literal(text, at)

    # environments ---------------------------------------------------------------------------

    def _environment(self, node: Any, at: int) -> None:
        name = node.environmentname
        if re.fullmatch(TABULAR, name) and not (name == "array" and not self._tables):
            if self._tables:
                self._open_if_fresh()
                self._lines(node.nodelist)
                return
            self._builder.table(at)
            self.finish.table(at)
            self._tables += 1
            self._fresh_row = True
            self.read(node.nodelist)
            self._builder.end_table()
            self._tables -= 1
            self._fresh_row = False
        elif name in HIDDEN_ENVIRONMENTS:
            return
        elif self._tables:
            self.read(node.nodelist)
        else:
            self._builder.block()
            if name in FLOATS:
                self.finish.float(at, self._base + node.pos + node.len)
            self.read(node.nodelist)
            self._builder.block()

    def _lines(self, nodes: Iterable[Any] | None) -> None:
        """Lines of one cell: a table in a cell, or stacked words."""
        self._inline += 1
        self.read(nodes)
        self._inline -= 1

    # macros ---------------------------------------------------------------------------------

    def _arguments(self, node: Any) -> list[Any]:
        given = node.nodeargd.argnlist if node.nodeargd and node.nodeargd.argnlist else []
        return [a for a in given if a is not None]

    def _macro(self, node: Any, at: int, following: Any) -> None:
        name, arguments = node.macroname, self._arguments(node)
        if name in ("\\", "tabularnewline", "newline"):
            self._line_end(name, at)
        elif name in ("multicolumn", "multirow") and len(arguments) >= 3:
            self._spanning(name, arguments, at)
        elif name in self._defined and name not in KEEPS_LAST and self._depth < _DEEPEST:
            self._own(self._defined[name], arguments, at)
            if "xspace" in self._defined[name].body and node.macro_post_space:
                self._builder.literal(" ", at + node.len)
        elif name in ("section", "subsection", "subsubsection", "paragraph", "title", "chapter"):
            self._builder.block(Kind.HEADING, 2)
            self.read(arguments[-1:])
            self._builder.block()
        elif name in ("caption", "captionof", "subcaption"):
            self._builder.block()
            self.finish.caption(at, self._base + node.pos + node.len)
            self.read(arguments[-1:])
            self._builder.block()
        elif name == "item":
            self._builder.block(Kind.ITEM)
        elif name in _RULES:
            self.finish.rule()
        elif name in INLINE:
            self._lines(arguments[-1:])
        elif name in KEEPS_LAST:
            self.read(arguments[-1:])
        elif name in SMALL and self._tables:
            self._edge = True
        elif name not in HIDDEN or name in SYMBOLS:
            self._printing(name, arguments, at, following)

    def _printing(self, name: str, arguments: list[Any], at: int, following: Any) -> None:
        if SYMBOLS.get(name):
            self._symbol(SYMBOLS[name], at)
        elif arguments:
            self._apart(arguments)
        elif self._tables and name.isalpha():
            self._unknown(name, at, following)

    def _unknown(self, name: str, at: int, following: Any) -> None:
        r"""A macro that nothing tells of: ``\best{88.1}`` formats, ``\up{1.2}`` sets apart.

        One without an argument stands for a name.
        """
        if type(following).__name__ == "LatexGroupNode" and following.latex_verbatim() != "{}":
            text = following.latex_verbatim().strip("{} ")
            if self._builder.last.isdigit() and text[:1].isdigit():
                sign = " +" if RISES.match(name) else " -" if FALLS.match(name) else " ±"
                self._builder.literal(sign, at)
                self._edge = False
        elif OURS.match(name) or name[:1].isupper() or len(name) > 4:
            self._open_if_fresh()
            if self._builder.last in ("", " "):
                self._builder.literal("Ours" if OURS.match(name) else name, at)

    def _line_end(self, name: str, at: int) -> None:
        if self._tables and not self._inline and name != "newline":
            self._builder.end_cell()
            self._fresh_row = True
        else:
            self._builder.line_break(at)

    def _own(self, defined: Defined, arguments: list[Any], at: int) -> None:
        """A macro of the document: its body, with the arguments where it puts them."""
        self._depth += 1
        for piece in re.split(r"(#\d)", defined.body):
            if re.fullmatch(r"#\d", piece):
                which = int(piece[1]) - 1
                self._apart(arguments[which : which + 1])
                continue
            text = printed(piece)
            if text.strip():
                if self._builder.last.isdigit() and text[:1].isdigit():
                    text = " ±" + text
                self._symbol(text, at)
        self._depth -= 1

    def _spanning(self, name: str, arguments: list[Any], at: int) -> None:
        digits = re.search(r"-?\d+", arguments[0].latex_verbatim())
        count = int(digits[0]) if digits else 1
        if name == "multicolumn":
            # The cell that "&" or the row has opened is this one: open it anew with its width.
            if self._fresh_row:
                self._open_cell(min(abs(count), 200))
            else:
                self._builder.widen(min(abs(count), 200))
        else:
            # Below a multirow LaTeX has empty cells of its own: it covers no rows here.
            self._open_if_fresh()
            if count < 0:
                self.finish.upwards(at, self._base + arguments[-1].pos + arguments[-1].len, -count)
        self._lines(arguments[-1:])
