"""Reads Markdown into parts, with every character's place in the file.

``markdown-it-py`` parses; its tokens carry lines, not columns, so the text of each inline token is
looked up in order within its lines, which gives every character its place. HTML tables inside
Markdown are read as HTML as a whole (Markdown ends an HTML block at the first blank line, and
cards leave blank lines between rows); LaTeX tables likewise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from evalkit.reported.builder import Builder
from evalkit.reported.cells import not_measured
from evalkit.reported.document import Block, Image, Kind, Part
from evalkit.reported.html import HtmlReader
from evalkit.reported.latex import latex_regions, read_latex_tables
from evalkit.reported.mapped import Writer

if TYPE_CHECKING:
    from markdown_it.token import Token

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
_TABLE_TAG = re.compile(r"<(/?)table\b", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\r?\n(?:---|\.\.\.)\r?(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*[\"']?([^\r\n]*\w)", re.MULTILINE)
_SAID = re.compile(
    r"^(?!title:|url|link|image|date|tags|cover)[\w-]+:[ \t]+[\"']?(?P<text>[^\r\n]{20,}?)"
    r"[\"']?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_BAR = re.compile(r"(?<!\\)\|")
_SHORTCODE = re.compile(r"\{\{[<%].{0,2000}?[>%]\}\}", re.DOTALL)
_SOURCE = re.compile(r"\b(?:src|link)=[\"']?([^\"'\s>]+)")
_NOT_NEWLINE = re.compile(r"[^\r\n]")
_TABLE_LINE = re.compile(r"^[ \t]*\|.*\|[ \t]*$")


def read_markdown(source: str, where: str) -> list[Part]:
    """Read a Markdown file into parts in reading order."""
    from markdown_it import MarkdownIt

    parts: list[Part] = []
    text = source
    front = _FRONT_MATTER.match(source)
    if front:
        text = _blank(text, 0, front.end())
        title = _TITLE.search(front[0])
        if title:
            words = Writer(source).verbatim(title.start(1), title.end(1)).done()
            parts.append(Block(Kind.HEADING, words, 1))
        for said in _SAID.finditer(front[0]):
            words = Writer(source).verbatim(said.start("text"), said.end("text")).done()
            if _is_sentence(words.text):
                parts.append(Block(Kind.PARAGRAPH, words))
    for code in _SHORTCODE.finditer(text):
        source_of = _SOURCE.search(code[0])
        if source_of:
            parts.append(Image(source_of[1], "", code.start()))
        text = _blank(text, code.start(), code.end())
    for start, end in latex_regions(text):
        parts += read_latex_tables(source, start, end, where)
        text = _blank(text, start, end)
    for start, end in _html_tables(text):
        builder = Builder(source, where)
        HtmlReader(builder, start, end, markdown=True).run()
        parts += builder.done()
        text = _blank(text, start, end)
    text = _free_tables(text)
    parser = MarkdownIt("commonmark", {"maxNesting": 40})
    parser.enable(["table", "strikethrough"]).disable("text_join")
    reader = _Reader(source, where)
    reader.read(parser.parse(text))
    parts += reader.builder.done()
    return sorted(parts, key=_place)


def _is_sentence(text: str) -> bool:
    """A line of front matter that tells something, as a description does: no list, no address."""
    if text[0] in "[{" or "://" in text.split(maxsplit=1)[0]:
        return False
    return len(text.split()) >= 6 or re.search(r"[。！？]|[\u3040-\u9fff]{12}", text) is not None


def _place(part: Part) -> int:
    if isinstance(part, Block):
        return part.text.at[0]
    return part.at


def _blank(text: str, start: int, end: int) -> str:
    """The same text with spaces over a region: offsets and lines stay."""
    return text[:start] + _NOT_NEWLINE.sub(" ", text[start:end]) + text[end:]


def _free_tables(text: str) -> str:
    """Let a table that follows an HTML line directly be a table.

    Markdown swallows it into the HTML block; people still mean a table. A last character of the
    HTML line cannot be given up, so the line is blanked where it is only a container tag.
    """
    lines = text.split("\n")
    for before, line in pairwise(range(len(lines))):
        if _TABLE_LINE.match(lines[line]) and re.fullmatch(r"\s*<[^<>]*>\s*", lines[before]):
            lines[before] = " " * len(lines[before])
    return "\n".join(lines)


def _fences(text: str) -> list[tuple[int, int]]:
    """Regions of fenced code."""
    found: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for mark in _FENCE.finditer(text):
        if opened is None:
            opened = (mark.start(), mark[1])
        elif mark[1].startswith(opened[1]):
            found.append((opened[0], mark.end()))
            opened = None
    return found


def _html_tables(text: str) -> list[tuple[int, int]]:
    """Regions from ``<table`` to its ``</table>``, outside of fences and comments."""
    hidden = _fences(text) + [m.span() for m in re.finditer(r"<!--.*?-->", text, re.DOTALL)]
    found: list[tuple[int, int]] = []
    depth = start = 0
    for tag in _TABLE_TAG.finditer(text):
        if depth == 0 and any(s <= tag.start() < e for s, e in hidden):
            continue
        if not tag[1]:
            start = tag.start() if depth == 0 else start
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                close = text.find(">", tag.end())
                found.append((start, close + 1 if close >= 0 else len(text)))
    if depth:
        found.append((start, len(text)))
    return found


class _Reader:
    """Walks the tokens of a file and drives a builder."""

    def __init__(self, source: str, where: str) -> None:
        self.builder = Builder(source, where)
        self._source = source
        self._lines = [0, *accumulate(len(m[0]) for m in _LINE.finditer(source))]
        self._cursor = 0
        self._columns = 0  # of the table that is being read

    def read(self, tokens: Sequence[Token]) -> None:
        """Read all tokens."""
        build = self.builder
        item = False
        for token in tokens:
            if token.map:
                self._cursor = max(self._cursor, self._lines[token.map[0]])
            kind = token.type
            if kind == "heading_open":
                build.block(Kind.HEADING, int(token.tag[1]))
            elif kind == "list_item_open":
                item = True
            elif kind == "paragraph_open" and not build.in_table:
                build.block(Kind.ITEM if item else Kind.PARAGRAPH)
                item = False
            elif kind == "inline":
                self._inline(token)
            elif kind == "html_block":
                self._html(token)
            elif kind in ("fence", "code_block"):
                build.block(Kind.CODE)
            else:
                self._table(token)

    def _table(self, token: Token) -> None:
        build, kind = self.builder, token.type
        if kind == "table_open":
            build.table(self._cursor)
            self._columns = 0
        elif kind == "table_close":
            build.end_table()
        elif kind == "tr_open":
            build.row()
            cells = self._cells_in(token)
            self._columns = self._columns or len(cells)
            if len(cells) < self._columns or not all(
                not_measured(cell) for cell in cells[self._columns :]
            ):
                build.uneven()
        elif kind in ("th_open", "td_open"):
            # A cell's text is looked for after the bar that opens it.
            build.cell(kind == "th_open")

    def _cells_in(self, token: Token) -> list[str]:
        """The cells that the line of a row states; the parser makes all rows equally long."""
        if not token.map:
            return []
        first = token.map[0]
        line = self._source[self._lines[first] : self._lines[first + 1]].strip()
        cells = _BAR.split(line.removeprefix("|"))
        if line.endswith("|") and len(cells) > 1:
            cells.pop()
        return [cell.strip() for cell in cells]

    def _html(self, token: Token) -> None:
        first, last = token.map or (0, 0)
        self.builder.block()
        end = self._lines[min(last, len(self._lines) - 1)]
        HtmlReader(self.builder, self._lines[first], end, markdown=True).run()
        self.builder.block()
        self._cursor = end

    # inline ---------------------------------------------------------------------------------

    def _inline(self, token: Token) -> None:
        for child in token.children or []:
            kind = child.type
            if kind in ("text", "code_inline"):
                self._text(child.content)
            elif kind == "text_special":
                at = self._find(child.markup)
                self.builder.literal(child.content, at)
            elif kind in ("softbreak", "hardbreak"):
                newline = "\n" if kind == "hardbreak" or self.builder.in_table else " "
                self.builder.literal(newline, self._cursor)
            elif kind == "html_inline":
                self._tag(child.content)
            elif kind == "image":
                self._image(child)
            elif kind == "link_close":
                self._leave_link()
            elif child.markup and self._source.startswith(child.markup, self._cursor):
                self._cursor += len(child.markup)

    def _find(self, piece: str) -> int:
        """Where the piece stands next; the cursor moves behind it."""
        at = self._source.find(piece, self._cursor)
        if at < 0:
            return self._cursor
        self._cursor = at + len(piece)
        return at

    def _text(self, content: str) -> None:
        if not content:
            return
        self.builder.lift(content, self._cursor)
        at = self._source.find(content, self._cursor)
        if at >= 0 and content.strip():
            self.builder.verbatim(at, at + len(content))
            self._cursor = at + len(content)
            return
        first = content.partition("|")[0].strip()
        if "|" in content and first:
            self._cursor = max(self._cursor, self._source.find(first, self._cursor))
        for char in content:  # an escaped bar, or white space that Markdown rewrote
            at = self._source.find(char, self._cursor, self._cursor + 8)
            place = at if at >= 0 else min(self._cursor, len(self._source) - 1)
            self._cursor = at + 1 if at >= 0 else self._cursor
            self.builder.literal(char, max(place, 0))

    def _tag(self, tag: str) -> None:
        at = self._find(tag)
        if not tag.startswith("<!--"):
            HtmlReader(self.builder, at, at + len(tag), markdown=True).run()

    def _image(self, token: Token) -> None:
        at = self._cursor
        address = str(token.attrs.get("src", ""))
        self.builder.image(address, token.content, at)
        self._find(token.content)
        self._leave_link()

    def _leave_link(self) -> None:
        """Move behind ``](address)``, so that text is not found inside the address."""
        close = self._source.find("](", self._cursor, self._cursor + 4)
        if close < 0:
            return
        depth, at = 1, close + 2
        stop = min(len(self._source), at + 4000)
        while at < stop and depth:
            depth += {"(": 1, ")": -1}.get(self._source[at], 0)
            at += 1
        self._cursor = at
