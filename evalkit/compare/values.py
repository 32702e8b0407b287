"""Whether two stated values of a setting are the same, by kind of setting.

Sources write "8k", "with tools", "fp16" and "greedy"; runs record 8192, True, None and 0::

    >>> same_value("tokens", "8k", 8192), same_value("precision", "bf16", "Q4_K_M")
    (True, False)

None means that it cannot be told: such a pair is shown, and never counts as a difference.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from evalkit.compare.model_names import read_models, same_models
from evalkit.compare.versions import read_version, same_version

FULL: Final = frozenset(
    {"bf16", "bfloat16", "fp16", "float16", "f16", "fp32", "f32", "float32", "none", "full",
     "fullprecision", "unquantised", "unquantized"}
)  # fmt: skip
NO: Final = frozenset({"no", "none", "false", "off", "0", "without", "withouttools", "notools"})
YES: Final = frozenset({"yes", "true", "on", "1", "with", "withtools"})

ON: Final = frozenset({"on", "true", "yes", "1", "enabled", "thinking", "withthinking"})
OFF: Final = frozenset(
    {"off", "false", "no", "none", "0", "disabled", "nothinking", "nonthinking", "withoutthinking"}
)


def same_value(kind: str, claimed: Any, ours: Any) -> bool | None:
    """Compare a claim's value with a run's; None when one of them cannot be read.

    Args:
        kind: ``number``, ``tokens``, ``flag``, ``text``, ``precision``, ``switch``, ``version``,
            ``models`` or ``free``.
        claimed: As the claim has it.
        ours: As the run has it.
    """
    read = _READERS[kind]
    one, other = read(claimed), read(ours)
    if one is None or other is None:
        return None
    if kind == "tokens":
        # "8k" is 8,000 to some and 8,192 to others.
        return math.isclose(one, other, rel_tol=0.05)
    if kind == "free":
        # Two wordings may describe one thing: only equality says something.
        return True if one == other else None
    if kind == "switch" and "on" in (one, other) and "off" not in (one, other):
        # "On" and a named effort agree as far as they go.
        return True if one == other else None
    if kind == "version":
        return same_version(one, other)
    if kind == "models":
        return same_models(one, other)
    return bool(one == other)


def number(value: Any) -> float | None:
    """A number, also where it is text with thousands commas; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    found = re.fullmatch(r"\s*(-?\d[\d,]*(?:\.\d+)?)(?:\s*-?\s*shots?)?\s*", str(value))
    return float(found[1].replace(",", "")) if found else None


def tokens(value: Any) -> float | None:
    """A number of tokens: ``8192``, ``"32,768"``, ``"8k"``."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kK])(?:\s*tokens)?\s*", str(value))
    return float(found[1]) * 1024 if found else number(value)


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple | dict):
        return bool(value)
    word = _plain(value)
    return False if word in NO else True if word in YES else (None if not word else True)


def _plain(value: Any) -> str:
    return "".join(char for char in str(value).casefold() if char.isalnum())


def _text(value: Any) -> str | None:
    return None if value is None else _plain(value) or None


def _precision(value: Any) -> str | None:
    if value is None:
        return None
    word = _plain(value)
    return "full" if word in FULL else word or None


def _switch(value: Any) -> str | None:
    """``on``, ``off`` or the name of an effort."""
    if isinstance(value, Mapping):
        value = value.get("type", value.get("enabled"))
    word = _plain(value) if value is not None else ""
    if word in OFF:
        return "off"
    return "on" if word in ON else word or None


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": number,
    "tokens": tokens,
    "flag": _flag,
    "text": _text,
    "precision": _precision,
    "switch": _switch,
    "version": read_version,
    "models": read_models,
    "free": _text,
}
KINDS: Final = frozenset(_READERS)
