"""Checks of what a person sets, each refusing with what is wrong and where.

The messages never quote what may be a key. An example::

    check_bounds("rpm", -5, "evalkit.toml [endpoints.x]")   # SettingsError: ... above 0, not -5
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from evalkit.errors import SettingsError

# The least that a number may be, and whether it may be just that. None of them may be NaN or inf.
BOUNDS: Final[Mapping[str, tuple[float, bool]]] = {
    "concurrency": (1, True), "timeout_s": (0, False), "retries": (0, True),
    "retry_window_s": (0, True), "rpm": (0, False), "tpm": (0, False), "budget_usd": (0, False),
    "budget_tokens": (0, False), "input": (0, True), "output": (0, True), "cached_input": (0, True),
}  # fmt: skip


# Request parameters that are numbers wherever they are known (the chat completions interface, and
# what vLLM, SGLang and llama.cpp add); those of WHOLE have no fraction. Their bounds differ from
# endpoint to endpoint (-1 means "no limit" to some) and are the endpoint's to hold.
WHOLE: Final = frozenset(
    {"max_tokens", "max_completion_tokens", "min_tokens", "n", "seed", "top_k", "top_logprobs"}
)
NUMBERS: Final = WHOLE | {
    "temperature", "top_p", "min_p", "top_a", "typical_p", "presence_penalty",
    "frequency_penalty", "repetition_penalty", "repeat_penalty", "length_penalty",
}  # fmt: skip

_CREDENTIALS: Final = ("authorization", "proxy-authorization", "api-key", "x-api-key", "cookie")


def refuse_unknown(table: Any, known: Any, where: str) -> None:
    """Refuse a key that is not known, naming the nearest one that is."""
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where} must be a table.")
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
            raise SettingsError(f"{where}: unknown key {key!r}.{hint}")


def check_types(entry: Mapping[str, Any], kinds: Mapping[str, Any], where: str) -> None:
    """Refuse a value of another type than its key has; a boolean is no number."""
    for key, value in entry.items():
        if not isinstance(value, kinds[key]) or (
            isinstance(value, bool) and kinds[key] is not bool
        ):
            raise SettingsError(f"{where}: {key} has the wrong type ({value!r}).")


def check_bounds(key: str, value: Any, where: str) -> None:
    """Refuse a number that is none, or less than it may be; what has no bounds passes."""
    if key not in BOUNDS or value is None:
        return
    low, closed = BOUNDS[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and (value > low or (closed and value == low)) and value != math.inf:
        return  # NaN is above nothing
    bound = f"{low:g} or more" if closed else f"above {low:g}"
    raise SettingsError(f"{where}: {key} must be a number {bound}, not {value!r}.")


def check_params(params: Mapping[str, Any], where: str) -> None:
    """Refuse a request parameter that is no number where every endpoint takes a number.

    ``"hot"`` would be refused by the endpoint at best, after a run was begun; what is not known to
    be a number passes, and so does None, which leaves a parameter out.

    Raises:
        SettingsError: as said.
    """
    for key, value in params.items():
        if key not in NUMBERS or value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (key in WHOLE and not float(value).is_integer()):
            kind = "a whole number" if key in WHOLE else "a number"
            raise SettingsError(f"{where}: {key} must be {kind}, not {value!r}.")


def finite(value: Any) -> bool:
    """Whether no number anywhere in ``value`` is NaN or infinite: JSON has no such numbers."""
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def check_header(header: str, text: Any, where: str) -> None:
    """Refuse a header that is a credential, or that cannot be sent."""
    if header.lower() in _CREDENTIALS:
        raise SettingsError(
            f"{where}: the header {header} is a credential. Put the key into an environment "
            "variable and name it with api_key_env."
        )
    # RFC 9110, sections 5.1 and 5.5: a token, and visible characters.
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", header):
        raise SettingsError(f"{where}: {header!r} is no name of a header.")
    if not (isinstance(text, str) and text.isascii() and text.isprintable()):
        raise SettingsError(f"{where}: the header {header} must be a line of plain (ASCII) text.")


def check_url(text: str, where: str) -> str:
    """A base URL without a slash or ``/chat/completions`` at its end.

    Raises:
        SettingsError: it is no http(s) address, or holds what may be a key; that is not quoted.
    """
    hidden = ""
    try:
        parts = urlsplit(text)
        hidden = f" ({parts.scheme}://{parts.hostname})" if parts.hostname else ""
        fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is none
        fit = False
    else:
        if parts.username is not None or parts.password is not None:
            raise SettingsError(
                f"{where} holds a user name or password{hidden}; put a key in the environment "
                "instead (api_key_env names the variable)."
            )
        if parts.query or parts.fragment:
            raise SettingsError(
                f"{where} holds a query or fragment (after ? or #){hidden}. A key belongs in the "
                "environment (api_key_env names the variable), other things in headers or "
                "extra_body."
            )
    if not fit or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise SettingsError(
            f"{where} is not an http(s) address{hidden}; it reads like https://api.example.com/v1."
        )
    return text.rstrip("/").removesuffix("/chat/completions").rstrip("/")
