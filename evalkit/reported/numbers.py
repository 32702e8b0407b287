"""Printed numbers: where they stand and what they are worth.

Decimal commas, thousands marks, full-width digits and thin spaces are read by shape first and by
the document's language where the shape leaves a choice: ``44,9`` is a decimal everywhere, and
``2,029`` is two thousand except where the comma is the decimal mark and the document uses it so::

    >>> [(n.value, n.text) for n in find_numbers("44,9 % und 2.029 Elo", "de")]
    [(44.9, '44,9'), (2029.0, '2.029')]
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

DECIMAL_COMMA = frozenset(["fr", "it", "de", "es", "ru", "pt", "pl", "nl", "tr", "cs"])

_NUMBER = re.compile(
    r"(?<![\w.,])(?P<whole>\d{1,3}(?:[,\u202f\u00a0\u2009]\d{3})+(?:\.\d+)?(?![\d])"
    r"|(?<=: )\d \d{3}(?=\s*(?:$|\n|[;(（]))"  # alone behind a name: "GPT-4.5: 1 398"
    r"|\d{1,3}(?:\.\d{3})+(?:,\d+)?(?![\d])"
    r"|\d+(?:[.,]\d+)?)(?![\d])"
)
# Scripts without spaces set a digit right behind a letter of theirs.
_AFTER_NAME = re.compile(r"(?<=[A-Za-z])\d{1,3}(?:\.\d+)?(?=\s?[%％])")
_AFTER_CJK = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])\d+(?:[.,]\d+)?(?![\d])")


_LONGEST = 24  # digits and marks; more of them are an identifier or an attack, not a figure


@dataclass(frozen=True, slots=True)
class Number:
    """A number at its place.

    Attributes:
        start: First digit in the text.
        end: One behind the last digit.
        value: What it is worth.
        text: As printed.
    """

    start: int
    end: int
    value: float
    text: str

    @property
    def decimals(self) -> int:
        """Printed decimals."""
        tail = re.search(r"[.,](\d+)$", flat(self.text))
        return len(tail[1]) if tail and float(self.value) < 1000 else 0


def flat(text: str) -> str:
    """Full-width digits, signs and stops as ASCII; the length does not change."""
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else char
        for char in text
    )


def worth(printed: str, language: str) -> float:
    """The value of a printed number."""
    text = re.sub(r"[\u202f\u00a0\u2009 ]", "", flat(printed))
    comma = language in DECIMAL_COMMA
    if "," in text and "." in text:
        text = text.replace(",", "") if text.rfind(".") > text.rfind(",") else _swap(text)
    elif "," in text:
        thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+", text) and not (
            comma and text.count(",") == 1 and text.startswith("0")
        )
        text = text.replace(",", "") if thousands else text.replace(",", ".")
    elif (comma and re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", text)) or text.count(".") > 1:
        text = text.replace(".", "")
    return float(text)


def _swap(text: str) -> str:
    return text.replace(".", "").replace(",", ".")


def find_numbers(text: str, language: str) -> list[Number]:
    """All numbers in a text, left to right."""
    plain = flat(text)
    found = {m.start(): m for m in _NUMBER.finditer(plain)}
    for pattern in (_AFTER_CJK, _AFTER_NAME):
        for match in pattern.finditer(plain):
            found.setdefault(match.start(), match)
    numbers = []
    for start in sorted(found):
        match = found[start]
        printed = text[match.start() : match.end()]
        if len(printed) > _LONGEST:
            continue
        numbers.append(Number(match.start(), match.end(), worth(printed, language), printed))
    return numbers
