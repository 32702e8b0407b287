"""What went wrong with one request: statuses, error objects and exceptions become a cause.

``errors.FAILURES`` says what each cause means for retries and scores; here is decided which cause
it is, from what servers are known to say. An example::

    fault = status_fault(429, body, headers, now=time.time())
    FAILURES[fault.cause].retry
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from evalkit.endpoint.retry import read_retry_after
from evalkit.errors import Cause, EndpointError

SAID_MAX: Final = 300
PAGE_MAX: Final = 16 << 10  # of a web page, to find its title

# Wordings of OpenAI, vLLM, SGLang, llama.cpp, Moonshot, DeepSeek, Anthropic and Google gateways.
_OVERFLOW: Final = re.compile(
    r"context[_ ]length|context[_ ]size|context window|maximum context|max_model_len"
    r"|model'?s? (?:maximum |max )?(?:context|sequence) (?:length|limit)"
    r"|(?:prompt|input|request)[^.]{0,40} too long|input token count|exceeds? [^.]{0,40}token limit"
    r"|longer than the model's|token length exceeded|exceeded model token limit",
    re.IGNORECASE,
)
_QUOTA_CODES: Final = frozenset(
    {
        "insufficient_quota", "exceeded_current_quota_error", "insufficient_balance",
        "billing_hard_limit_reached", "insufficient_credits", "billing_not_active",
    }
)  # fmt: skip
_QUOTA: Final = re.compile(
    r"insufficient (?:balance|quota|credits?|funds)|billing hard limit|out of credits?"
    r"|account (?:is )?suspended|negative balance",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(
    r"\b(?:account|organi[sz]ation|api key|subscription)\b[^.]{0,40}"
    r"\b(?:flagged|suspended|disabled|deactivated|banned|blocked|restricted|terminated)\b",
    re.IGNORECASE,
)
# In a 403 these words are enough: every further request would be refused like this one.
_REFUSED: Final = re.compile(
    r"\b(?:account|organi[sz]ation|subscription|billing|suspended|disabled|deactivated)\b",
    re.IGNORECASE,
)
_FILTER_CODES: Final = frozenset(
    {"content_filter", "content_policy_violation", "data_inspection_failed", "1301"}
)
# What was filtered must be named: "flagged" alone is also said of accounts, and "content_filter"
# of parameters. A filtered prompt is graded as the model's failure, so a wrong guess costs a score.
_FILTER: Final = re.compile(
    r"\b(?:content|prompt|input|output|response|messages?)\b"
    r"(?:(?!\baccount\b)[^.]){0,60}\b(?:flagged|filtered)\b"
    r"|trigger[^.]{0,60}\bcontent (?:management|filter)"
    r"|violat[^.]{0,60}\b(?:content|usage) polic"
    r"|considered high risk|content exists risk|\bunsafe content\b",
    re.IGNORECASE,
)
_MODEL_CODES: Final = frozenset({"model_not_found", "model_not_exist", "resource_not_found_error"})
_TOKEN_LIMIT: Final = r"\bmax_(?:(?:completion|output|new)_)?tokens\b"
_ASKED: Final = re.compile(
    r"(?:requested|and) (\d+) output tokens|(\d+) in the completion"
    r"|(\d+) tokens for the completion|" + _TOKEN_LIMIT + r"[^.\d]{0,60}too large: (\d+)"
    r"|" + _TOKEN_LIMIT + r"\W{0,3}(?:is|of|value)?\W{0,2}(\d+)",
    re.IGNORECASE,
)
_CONTEXT: Final = re.compile(r"context length (?:is|of) (?:only )?(\d+)", re.IGNORECASE)
_LIMIT_ALONE: Final = re.compile(
    _TOKEN_LIMIT + r"[^.]{0,60}?\b(?:exceeds?|too (?:large|big|high|long)|greater|larger|higher"
    r"|above|more than|less than|at most|must|should|cannot)\b",
    re.IGNORECASE,
)
_TOGETHER: Final = re.compile(
    r"\b(?:input|prompt|messages?)\b[^.]{0,40}(?:\b(?:and|plus|with)\b|\+)\W*(?:the\b)?\W*"
    + f"{_TOKEN_LIMIT}|{_TOKEN_LIMIT}"
    + r"\W*(?:and|plus|\+)[^.]{0,30}\b(?:input|prompt|messages?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One request's failure.

    Attributes:
        cause: The row of ``errors.FAILURES``.
        said: What the server or the network said, shortened; may quote a key until scrubbed.
        status: The HTTP status, where there was one.
        retry_after: Seconds the server asked to wait, where it did.
    """

    cause: Cause
    said: str
    status: int | None = None
    retry_after: float | None = None

    def error(self) -> EndpointError:
        """The fault as an exception, for code that does not know the endpoint."""
        return EndpointError(
            self.said, cause=self.cause, status=self.status, retry_after=self.retry_after
        )


def status_fault(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    now: float,
    answered: bool = False,
) -> Fault:
    """Classify a response whose status is not 2xx.

    Args:
        status: The HTTP status.
        body: What could be read of the body.
        headers: For ``Retry-After`` and ``Location``; keys are looked up as httpx does.
        now: Seconds since the epoch, to read a date in ``Retry-After``.
        answered: This endpoint has answered before: then a 403 is about this request (a firewall,
            a moderation rule), not about the key.
    """
    if 300 <= status < 400:
        target = headers.get("location") or "an address it does not name"
        return Fault(Cause.NOT_FOUND, f"it redirects to {target}", status)
    said, code = _read_error(body)
    said = said or f"HTTP status {status} without a message"
    wait = read_retry_after(headers, now=now)
    return Fault(_cause_of(status, said, code, wait, answered), said, status, wait)


def error_fault(error: Any) -> Fault:
    """Classify an ``error`` object that came with status 200, in a reply or in a stream."""
    said, code = _describe(error)
    status = int(code) if code.isdigit() and 400 <= int(code) <= 599 else None
    if status is None:
        cause = Cause.MALFORMED_REPLY
        if code in _QUOTA_CODES:
            cause = Cause.AUTH
        elif code in _FILTER_CODES:
            cause = Cause.CONTENT_FILTER
        return Fault(cause, said or "the reply is an error object without a message")
    return Fault(_cause_of(status, said, code, None, True), said or f"error {status}", status)


def page_fault(body: bytes) -> Fault | None:
    """A web page where an answer was to come, from an endpoint that never answered; else None.

    Every further request would get the same page: that of a web site whose address stands in for
    its interface's, or the login of a proxy.
    """
    head = body[:PAGE_MAX].decode("utf-8-sig", "replace").lstrip()
    if not re.match(r"<(?:!doctype|html|head|body|meta|title|script|!--)", head, re.IGNORECASE):
        return None
    found = re.search(r"<title[^>]*>(.*?)</title", head, re.IGNORECASE | re.DOTALL)
    title = " ".join(found[1].split())[:80] if found else ""
    named = f" with the title {title!r}" if title else ""
    return Fault(
        Cause.NOT_FOUND,
        f"a web page came{named}, no JSON. It is the address of a web site, or a proxy's login "
        "stands before the endpoint",
    )


def exception_fault(error: BaseException, *, answered: bool) -> Fault:
    """Classify what a transport raised.

    Args:
        error: A ``TimeoutError`` (our own deadline), an :class:`httpx.RequestError`, or an
            :class:`EndpointError` that parsing raised.
        answered: This endpoint has answered before; nobody listening is then a passing trouble.
    """
    if isinstance(error, EndpointError):
        return Fault(error.cause, str(error), error.status, error.retry_after)
    said = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return Fault(Cause.TIMEOUT, f"{type(error).__name__}: {said}")
    if isinstance(error, TimeoutError):
        return Fault(Cause.TIMEOUT, "no complete reply within the deadline")
    if isinstance(error, httpx.ConnectError):
        return Fault(Cause.CONNECTION if answered else Cause.UNREACHABLE, said)
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return Fault(Cause.BAD_REQUEST, said)
    if isinstance(error, httpx.DecodingError):
        return Fault(Cause.MALFORMED_REPLY, f"the body cannot be decompressed: {said}")
    return Fault(Cause.CONNECTION, f"{type(error).__name__}: {said}")


def _cause_of(
    status: int, said: str, code: str, retry_after: float | None, answered: bool
) -> Cause:
    if status in (400, 413, 422, 500) and _OVERFLOW.search(f"{code} {said}"):
        return Cause.BAD_REQUEST if _asks_too_much(said) else Cause.CONTEXT_OVERFLOW
    if status == 501 and not answered:  # a file server knows no POST, now or later
        return Cause.NOT_FOUND
    if status >= 500:
        return Cause.SERVER_ERROR
    if status == 402 or code in _QUOTA_CODES:
        return Cause.AUTH
    if status == 429:
        out_of_money = retry_after is None and _QUOTA.search(said)
        return Cause.AUTH if out_of_money else Cause.RATE_LIMITED
    if status == 408:
        return Cause.TIMEOUT
    if status in (409, 425):
        return Cause.SERVER_ERROR
    if status in (400, 403, 422):
        refused = _filter_or_account(status, said, code)
        if refused is not None:
            return refused
    if status == 401 or (status == 403 and not answered):
        return Cause.AUTH
    if status in (404, 405, 410) or code in _MODEL_CODES:
        return Cause.NOT_FOUND
    return Cause.BAD_REQUEST


def _filter_or_account(status: int, said: str, code: str) -> Cause | None:
    """Whether the content was filtered, or the account is in trouble; what is said first counts."""
    if code in _FILTER_CODES:
        return Cause.CONTENT_FILTER
    content, account = _FILTER.search(said), _ACCOUNT.search(said)
    if content and not (account and account.start() < content.start()):
        return Cause.CONTENT_FILTER
    if account or (status == 403 and _REFUSED.search(said)):
        return Cause.AUTH
    return None


def _asks_too_much(said: str) -> bool:
    """The token limit alone is more than there may be: a wrong setting, not a long prompt.

    Graded as the model's failure, every sample of such a run would score zero.
    """
    asked, context = _ASKED.search(said), _CONTEXT.search(said)
    if asked and context:
        number = next(group for group in asked.groups() if group)
        return int(number) >= int(context.group(1))
    return bool(_LIMIT_ALONE.search(said)) and not _TOGETHER.search(said)


def _read_error(body: bytes) -> tuple[str, str]:
    """(message, code) of an error body: JSON in one of its shapes, or text."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = re.sub(r"<[^>]*>|\s+", " ", body[:4096].decode("utf-8", "replace"))
        return " ".join(text.split())[:SAID_MAX], ""
    if isinstance(document, list) and document:
        document = document[0]  # Google's compatible gateway wraps errors in a list
    if isinstance(document, dict):
        return _describe(document.get("error") or document)
    return str(document)[:SAID_MAX], ""


def _describe(error: Any) -> tuple[str, str]:
    """(message, code) of an error object; the code is the type where there is no code."""
    if not isinstance(error, dict):
        return str(error)[:SAID_MAX], ""
    said = error.get("message") or error.get("detail") or error.get("msg") or error.get("error")
    if said and not isinstance(said, str):
        said = orjson.dumps(said, default=str).decode()
    kinds = [str(error[key]) for key in ("code", "type") if error.get(key)]
    named = [kind for kind in kinds if kind in _QUOTA_CODES | _FILTER_CODES | _MODEL_CODES]
    if not said:
        said = orjson.dumps(error, default=str).decode() if error else ""
    return said[:SAID_MAX], (named or kinds or [""])[0]
