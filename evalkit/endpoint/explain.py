"""What a person reads when an endpoint cannot answer: what happened, where, and what to do next.

An example::

    text = explain(fault, endpoint, url=url, tries=9, key_from=None)
    raise EndpointError(text, cause=fault.cause)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from evalkit.blots import findable
from evalkit.endpoint.fault import Fault
from evalkit.errors import Cause
from evalkit.settings import EndpointSettings

_WHAT: Final[Mapping[Cause, str]] = {
    Cause.RATE_LIMITED: "refuses further requests for now",
    Cause.SERVER_ERROR: "failed at its own work",
    Cause.TIMEOUT: "gave no complete reply in time",
    Cause.CONNECTION: "broke the connection",
    Cause.MALFORMED_REPLY: "sent a reply that cannot be used",
    Cause.AUTH: "refused the key or the account",
    Cause.NOT_FOUND: "does not have what was asked for",
    Cause.UNREACHABLE: "cannot be reached",
    Cause.BAD_REQUEST: "refused the request",
    Cause.CONTEXT_OVERFLOW: "says that the conversation does not fit the model's context",
    Cause.CONTENT_FILTER: "filtered the content",
}
BASE_URL: Final = (
    "it mostly ends in /v1, like https://api.moonshot.ai/v1 or http://127.0.0.1:8000/v1"
)
ADVICE: Final[Mapping[Cause, str]] = {
    Cause.RATE_LIMITED: "Lower --concurrency or set rpm/tpm for the endpoint, then run again: "
    "answers that were had are kept.",
    Cause.SERVER_ERROR: "Run again later: answers that were had are kept.",
    Cause.TIMEOUT: "Raise the endpoint's timeout_s ({timeout:g} s), lower the concurrency, or set "
    "stream = true if something in between cuts long requests.",
    Cause.CONNECTION: "Run again: answers that were had are kept. If it happens often, lower the "
    "concurrency or look at the server's log.",
    Cause.MALFORMED_REPLY: "Check that the base URL is that of an OpenAI-compatible interface "
    f"({BASE_URL}).",
    Cause.NOT_FOUND: f"Check the base URL ({BASE_URL}) and the model name {{model!r}}.",
    Cause.UNREACHABLE: "Check the base URL, that the server runs, and any proxy settings.",
    Cause.BAD_REQUEST: "A parameter that this endpoint does not take can be changed in the "
    "protocol, with token_param, or with extra_body of the endpoint.",
}


def explain(
    fault: Fault, endpoint: EndpointSettings, *, url: str, tries: int, key_from: str | None
) -> str:
    """One paragraph about a fault. It may still quote a key that the server quoted; scrub it.

    Args:
        fault: What happened.
        endpoint: Whom it happened with.
        url: The address that was asked.
        tries: How often was asked.
        key_from: The environment variable whose key was sent, or None.
    """
    status = f" (HTTP {fault.status})" if fault.status else ""
    often = f" after {tries} tries" if tries > 1 else ""
    said = fault.said.strip().rstrip(".")
    if fault.cause is Cause.AUTH:
        advice = _about_key(fault, endpoint, key_from)
    else:
        advice = ADVICE.get(fault.cause, "")
        advice = advice.format(timeout=endpoint.timeout_s, model=endpoint.model)
    what = _WHAT.get(fault.cause, "failed")
    return f"{bare(url)} {what}{status}{often}: {said}. {advice}".rstrip()


def bare(url: str) -> str:
    """An address without query and user, where keys are sometimes put."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))


def scrubbed(text: str, key: str | None) -> str:
    """``text`` without the key, should a server have quoted it."""
    return text.replace(key, "[key]") if findable(key) else text


def _about_key(fault: Fault, endpoint: EndpointSettings, key_from: str | None) -> str:
    asked = " and ".join(endpoint.key_variables())
    if fault.status in (402, 429):
        return f"The account behind the key of {key_from or asked} has no credit left: top it up."
    if key_from is None:
        return f"No key was sent: the environment has none in {asked}. Set it there."
    return (
        f"The key came from the environment variable {key_from} (looked at: {asked}). Check that "
        "it belongs to this endpoint and may use this model."
    )
