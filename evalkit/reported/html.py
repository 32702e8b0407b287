"""Reads HTML into parts, with every character's place in the file.

The tokenizer is the standard library's ``html.parser``: unlike the faster tree builders it tells
where each token starts, which a span needs. Comments, scripts and styles are left out, so a number
that was commented out is never a claim. Unclosed cells and rows are closed as browsers do.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from html.parser import HTMLParser
from itertools import accumulate

from evalkit.reported.builder import Builder
from evalkit.reported.document import Kind
from evalkit.reported.shapes import words

_BLOCKS = words(
    "address article aside blockquote center dd details div dl dt fieldset figcaption figure footer"
    " form header hr main nav ol p section summary ul thead tbody tfoot body html"
)
_HIDDEN = words("script style template noscript svg math head title select button textarea")
_HEADING = re.compile(r"h[1-6]$")
_MARKDOWN_STRONG = re.compile(r"\*\*|__|`")


def read_html(source: str, where: str) -> Builder:
    """Read a whole HTML page; the builder holds the parts."""
    builder = Builder(source, where)
    reader = HtmlReader(builder, 0, len(source))
    reader.run()
    return builder


class HtmlReader(HTMLParser):
    """Drives a builder from the tokens of ``source[start:end]``.

    Args:
        builder: Where the parts go.
        start: First character of the region.
        end: End of the region.
        markdown: The region stands in a Markdown file: ``**`` and backquotes are markup.
    """

    def __init__(self, builder: Builder, start: int, end: int, markdown: bool = False) -> None:
        super().__init__(convert_charrefs=False)
        self._builder = builder
        self._start = start
        self._region = builder.source[start:end]
        lengths = (len(line) + 1 for line in self._region.split("\n"))
        self._lines = [0, *accumulate(lengths)]
        self._hidden = 0
        self._code = 0
        self._markdown = markdown

    def run(self) -> None:
        """Read the region."""
        self.feed(self._region)
        self.close()

    def _here(self) -> int:
        line, column = self.getpos()
        return self._start + self._lines[line - 1] + column

    # tags -----------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if tag in _HIDDEN:
            self._hidden += 1
        if self._hidden:
            return
        at, build = self._here(), self._builder
        if tag in ("td", "th"):
            named = dict(attrs)
            rows, columns = _span(named.get("rowspan")), _span(named.get("colspan"))
            build.cell(tag == "th", rows, columns)
        elif tag == "tr":
            build.row()
        elif tag == "table":
            build.table(at)
        elif tag == "caption":
            build.caption(True)
        elif tag == "br":
            build.line_break(at)
        elif tag == "li":
            build.block(Kind.ITEM)
        elif tag == "pre":
            build.block(Kind.CODE)
        elif tag == "sup":
            build.raised = True
        elif tag == "sub" and build.last.isalnum():
            build.literal(" ", at)
        elif tag in ("img", "screenshot"):
            named = dict(attrs)
            build.image(named.get("src") or "", named.get("alt") or "", at)
        elif _HEADING.match(tag):
            build.block(Kind.HEADING, int(tag[1]))
        elif tag in _BLOCKS:
            build.block()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open and close an element; a void one stays open for nobody."""
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
            return
        if self._hidden:
            return
        build = self._builder
        if tag == "table":
            build.end_table()
        elif tag in ("td", "th", "tr"):
            build.end_cell()
        elif tag == "caption":
            build.caption(False)
        elif tag == "sup":
            build.raised = False
        elif tag in _BLOCKS or tag in ("li", "pre") or _HEADING.match(tag):
            build.block()

    # text -----------------------------------------------------------------------------------

    def handle_data(self, data: str) -> None:
        """Text without entities."""
        if self._hidden or not data:
            return
        at = self._here()
        self._builder.lift(data, at)
        if not self._markdown:
            self._builder.verbatim(at, at + len(data))
            return
        done = 0
        for mark in _MARKDOWN_STRONG.finditer(data):
            self._builder.verbatim(at + done, at + mark.start())
            done = mark.end()
        self._builder.verbatim(at + done, at + len(data))

    def handle_entityref(self, name: str) -> None:
        """A named entity."""
        self._entity(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        """A numbered character."""
        self._entity(html.unescape(f"&#{name};"))

    def _entity(self, text: str) -> None:
        if not self._hidden:
            at = self._here()
            self._builder.lift(text, at)
            self._builder.literal(text, at)


def _span(value: str | None) -> int:
    """A rowspan or colspan as browsers read it: at most 1,000 columns, nonsense is 1."""
    digits = (value or "").strip()
    return min(1000, max(1, int(digits))) if digits.isdecimal() and len(digits) < 6 else 1


def line_starts(text: str) -> list[int]:
    """Offsets of the first character of every line, and the end of the text."""
    return [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]


def line_of(starts: list[int], offset: int) -> int:
    """The line (from 0) that holds an offset."""
    return bisect_right(starts, offset) - 1
