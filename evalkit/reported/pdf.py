"""The text of a PDF, page by page, by ``pdfplumber`` (``pip install 'evalkit[documents]'``).

A span then counts characters of this text, not of the file: pages in order, each followed by a form
feed. The file is read in a process of its own with limits on memory and time, so that a
decompression bomb or a loop in a broken file costs a bounded amount and ends in an error::

    text = pdf_text(Path("report.pdf").read_bytes(), "report.pdf")
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zlib
from importlib.util import find_spec
from typing import Final

from evalkit.errors import DataError

MAX_PAGES: Final = 400
MAX_STREAM: Final = 48 * 1024**2
"""Unpacked bytes of one stream."""
MAX_MEMORY: Final = 2 * 1024**3
"""Bytes of address space of the reading process."""
MAX_SECONDS: Final = 120
"""Of processor time and, twice that, of waiting."""


def pdf_text(data: bytes, document: str) -> str:
    """All pages' text.

    Raises:
        DataError: ``pdfplumber`` is missing, or the file is broken, encrypted, too long or a bomb.
    """
    if find_spec("pdfplumber") is None:
        raise DataError(
            f"{document}: reading PDF needs pdfplumber; install it with: "
            "pip install 'evalkit[documents]'"
        )
    _refuse_bombs(data, document)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evalkit.reported.pdf"],
            input=data,
            capture_output=True,
            timeout=2 * MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DataError(_gave_up(document)) from None
    if done.returncode < 0:
        raise DataError(_gave_up(document))
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(f"{document}: {said[-1] if said else 'not a readable PDF'}.")
    text = done.stdout.decode("utf-8", "replace")
    if not text.strip():
        raise DataError(f"{document}: no text in it, its pages are pictures; make it text first.")
    return text


def _gave_up(document: str) -> str:
    return (
        f"{document}: reading it takes more than {MAX_SECONDS} s or {MAX_MEMORY // 2**30} GB, "
        "as a decompression bomb does; not read."
    )


def _refuse_bombs(data: bytes, document: str) -> None:
    """Unpack each deflated stream a piece at a time, keeping nothing, up to ``MAX_STREAM``."""
    for mark in re.finditer(rb"stream\r?\n(?=\x78)", data):
        engine, at, size, rest = zlib.decompressobj(), mark.end(), 0, b""
        try:
            while not engine.eof and (rest or at < len(data)):
                if not rest:
                    rest, at = data[at : at + 65536], at + 65536
                size += len(engine.decompress(rest, 1 << 20))
                rest = engine.unconsumed_tail
                if size > MAX_STREAM:
                    raise DataError(
                        f"{document}: a stream unpacks to more than {MAX_STREAM // 2**20} MB; "
                        f"not read."
                    )
        except zlib.error:
            continue  # a broken stream is for the reader to judge


def _limit() -> None:
    """Bound this process; where the system cannot, the parent's timeout remains."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))


def _read(data: bytes) -> str:
    import logging

    import pdfplumber

    from evalkit.reported.pdf_words import page_text, words_of

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    parts = []
    with pdfplumber.open(io.BytesIO(data)) as pdf:
        if len(pdf.pages) > MAX_PAGES:
            raise ValueError(f"{len(pdf.pages)} pages, more than {MAX_PAGES}")
        for page in pdf.pages:
            text = page_text(*words_of(page))
            if text is None:
                text = page.extract_text(x_tolerance=1.5) or ""
            parts.append(text + "\n\f\n")
            page.close()
    return "".join(parts)


def main() -> int:
    """Read a PDF from standard input and write its text; one line of error and 1 on failure."""
    _limit()
    try:
        text = _read(sys.stdin.buffer.read())
    except MemoryError:
        sys.stderr.write(f"unpacks to more than {MAX_MEMORY // 2**30} GB; not read\n")
        return 1
    except Exception as error:  # whatever a parser trips over in a hostile file
        sys.stderr.write(
            f"not a readable PDF: {type(error).__name__}: {error}".split("\n")[0] + "\n"
        )
        return 1
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
