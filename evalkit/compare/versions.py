"""Versions of a data set as sources print them: a release, a window of months, or both.

The same window is printed in many ways::

    >>> read_version("v6; Aug 24 - May 25")[:2] == read_version("release_v6 2024-08..2025-05")[:2]
    True
"""

from __future__ import annotations

import re
from typing import Any, Final

Window = tuple[tuple[int, int], tuple[int, int]]
"""First and last month, each (year within its century, month)."""

Version = tuple[str | None, Window | None, str]
"""Release, window, and the wording without case and punctuation."""

MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_MONTH: Final = re.compile(
    r"(?<!\d)(?:"
    r"(?P<y1>20\d\d)[-/.](?P<m1>\d\d?)(?:[-/.]\d\d?)?"  # 2024-08, 2024/8/1
    r"|(?P<y2>20\d\d)\s?年\s?(?P<m2>\d\d?)\s?月(?:\s?\d\d?\s?日)?"
    r"|(?P<y3>20\d\d)(?P<m3>0[1-9]|1[0-2])(?:[0-3]\d)?"  # 202408, 20240801
    r"|(?P<m4>\d\d?)[/.](?:\d\d?[/.])?(?P<y4>20\d\d)"  # 08/2024, 8/1/2024
    rf"|(?P<m5>{'|'.join(MONTHS)})[a-z]*\.?,?\s?(?:\d\d?,?\s)?['’]?(?P<y5>20\d\d|\d\d)"
    r"|(?P<y6>\d\d)[/.](?P<m6>\d\d?)"  # 24/8, 24.08
    r"|(?P<y7>\d\d)(?P<m7>\d\d)(?:[0-3]\d)?"  # 2408, 240801
    r")(?!\d)"
)
# What may stand around two months.
_BETWEEN: Final = re.compile(
    r"\b(?:from|between|and|to|until|till|through|thru|up|bis|von)\b|至|到|[\W_]+"
)


def is_version(text: str) -> bool:
    """Whether a part of a variant dates or numbers the data: ``v6``, ``Aug 24 - May 25``."""
    return _release(text) is not None or _window(text) is not None


def read_version(value: Any) -> Version | None:
    """Release, window and plain wording of ``release_v6; Aug 24 - May 25``."""
    text = str(value).strip() if value is not None else ""
    words = re.split(r"[;,\s]+", text)
    release = next(filter(None, map(_release, words)), None)
    rest = " ".join(word for word in words if _release(word) is None)
    return (
        (release, _window(rest), "".join(char for char in text.casefold() if char.isalnum()))
        if text
        else None
    )


def same_version(one: Version, other: Version) -> bool | None:
    """Releases and windows that both name decide; else only equal wording says something."""
    known = [
        same
        for same, named in (
            (one[0] == other[0], one[0] and other[0]),
            (one[1] == other[1], one[1] and other[1]),
        )
        if named
    ]
    if known:
        return all(known)
    return True if one[2] == other[2] else None


def _release(text: str) -> str | None:
    found = re.fullmatch(r"(?:release[ _-]?)?v(?:ersion)?[ _]?(\d+(?:\.\d+)*)", text.strip(), re.I)
    return found[1] if found else None


def _window(text: str) -> Window | None:
    """First and last month: ``Aug 24 - May 25``, ``2024-08..2025-05``, ``2408-2505``.

    Only where nothing else is said than two months and what stands between and around them.
    """
    found = list(_MONTH.finditer(text.casefold()))
    months = [month for month in map(_month, found) if month is not None]
    if len(found) != 2 or len(months) != 2 or _BETWEEN.sub("", _MONTH.sub(" ", text.casefold())):
        return None
    return months[0], months[1]


def _month(found: re.Match[str]) -> tuple[int, int] | None:
    """(year within its century, month) of one end of a window; None where there is no such month.

    Each form of ``_MONTH`` has a year and a month, in an order of its own.
    """
    named = {name: text for name, text in found.groupdict().items() if text is not None}
    year = next(text for name, text in named.items() if name.startswith("y"))
    month = next(text for name, text in named.items() if name.startswith("m"))
    number = int(month) if month.isdigit() else MONTHS.index(month) + 1
    return (int(year) % 100, number) if 1 <= number <= 12 else None
