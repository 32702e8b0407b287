"""Names of judges and simulated users as sources print them: one, or those of a panel.

A name without a date stands for any snapshot of that model, and an organisation before it says
nothing::

    >>> one, ours = read_models("GPT-4.1"), read_models("openai/gpt-4.1-2025-04-14")
    >>> same_models(one, ours), same_models(one, read_models("gpt-4.1, o3-mini"))
    (True, False)
"""

from __future__ import annotations

import re
from typing import Any, Final

from evalkit.compare.match import normal

Model = tuple[str, str]
"""Name without case and punctuation, and the snapshot's date ("" where none is named)."""

_BETWEEN: Final = re.compile(r"\s*(?:[,;+&]|\band\b)\s*", re.IGNORECASE)
_DATED: Final = re.compile(r"(.*\S)[-_@ ]+(20\d\d[-_]?\d\d[-_]?\d\d|\d{4})")


def read_models(value: Any) -> frozenset[Model] | None:
    """The models of a text (``"o3-mini and gpt-4o"``) or of a list; None where there is none."""
    names = value if isinstance(value, list | tuple) else _BETWEEN.split(str(value or ""))
    found = frozenset(_model(str(name)) for name in names if normal(str(name)))
    return found or None


def same_models(one: frozenset[Model], other: frozenset[Model]) -> bool:
    """Whether both name the same models, each with a fellow on the other side."""
    return _all_in(one, other) and _all_in(other, one)


def _model(name: str) -> Model:
    dated = _DATED.fullmatch(name.strip())
    return (normal(dated[1]), normal(dated[2])) if dated else (normal(name), "")


def _all_in(some: frozenset[Model], others: frozenset[Model]) -> bool:
    return all(
        any(name == known and (not date or not day or date == day) for known, day in others)
        for name, date in some
    )
