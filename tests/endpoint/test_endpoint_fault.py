from __future__ import annotations

import itertools
import random
from typing import Any

import httpx
import orjson
import pytest

from evalkit.endpoint.fault import Fault, error_fault, exception_fault, page_fault, status_fault
from evalkit.endpoint.retry import CAP_S, read_retry_after, wait_s
from evalkit.errors import Cause


def classify(status: int, body: Any, headers: dict[str, str] | None = None) -> Fault:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return status_fault(status, data, httpx.Headers(headers or {}), now=0.0)


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


OVERFLOWS = [
    error("This model's maximum context length is 8192 tokens. However, you requested 9999 tokens"),
    error("Your input exceeds the context window of this model.", code="context_length_exceeded"),
    error("the request exceeds the available context size", type="exceed_context_size_error"),
    error("Invalid request: Your request exceeded model token limit: 131072"),
    error("prompt is too long: 210000 tokens > 200000 maximum"),
    error("The input token count (1200000) exceeds the maximum number of tokens allowed"),
    error("The input (40000 tokens) is longer than the model's context length (32768 tokens)."),
    {"object": "error", "message": "You passed 9000 input tokens and requested 10 output tokens. "
     "However, the model's context length is only 8192 tokens", "code": 400},
]  # fmt: skip


@pytest.mark.parametrize("body", OVERFLOWS)
def test_context_overflow_in_many_words(body: Any) -> None:
    assert classify(400, body).cause is Cause.CONTEXT_OVERFLOW


def test_a_token_limit_beyond_the_context_is_a_wrong_setting() -> None:
    said = (
        "You passed 25 input tokens and requested 2000 output tokens. However, the model's context "
        "length is only 1024 tokens"
    )
    assert classify(400, error(said)).cause is Cause.BAD_REQUEST
    said = (
        "This model's maximum context length is 1024 tokens. However, you requested 5025 tokens "
        "(25 in the messages, 5000 in the completion)."
    )
    assert classify(400, error(said)).cause is Cause.BAD_REQUEST


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens 40000 exceeds the model's token limit",
        "max_completion_tokens exceeds the maximum context length",
        "max_tokens=99999 cannot be greater than max_model_len=4096",
        "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context "
        "length is 1024 tokens and your request has 25 input tokens (5000 > 1024 - 25).",
        "Requested token count exceeds the model's maximum context length of 1024 tokens. You "
        "requested a total of 5025 tokens: 25 tokens from the input messages and 5000 tokens for "
        "the completion.",
        "The value of max_output_tokens is above the context window of this model",
        "The model's context length is 4096, but max_tokens is 40000",
        "max_tokens must be at most the maximum context length. Shorten the prompt or lower it.",
    ],
)
def test_a_token_limit_that_is_too_high_by_itself_is_never_graded(said: str) -> None:
    assert classify(400, error(said)).cause is Cause.BAD_REQUEST
    assert classify(422, error(said, code="context_length_exceeded")).cause is Cause.BAD_REQUEST


@pytest.mark.parametrize(
    "said",
    [
        "input length and `max_tokens` exceed context limit: the context window is 200000 tokens",
        "The sum of prompt tokens and max_tokens exceeds the maximum context length",
        "'max_tokens' or 'max_completion_tokens' is too large: 500. This model's maximum context "
        "length is 1024 tokens and your request has 600 input tokens (500 > 1024 - 600).",
        "max_tokens plus the prompt exceeds the maximum context length",
    ],
)
def test_a_conversation_that_leaves_no_room_is_an_overflow(said: str) -> None:
    assert classify(400, error(said)).cause is Cause.CONTEXT_OVERFLOW


FILTERED = [
    (400, error("x", code="content_filter")),
    (400, error("x", type="content_policy_violation")),
    (400, error("The request was rejected because it was considered high risk")),
    (400, error("Content Exists Risk", code="invalid_request_error")),
    (400, error("Invalid prompt: your prompt was flagged as potentially violating our policy")),
    (400, error("The response was filtered due to the prompt triggering a content management "
                "policy.")),
    (403, error("Your input was flagged by moderation")),
    (403, error("Your chosen model requires moderation. Your input was flagged for 'violence'. "
                "Repeated violations may get an account suspended.")),
    (403, {"error": {"message": "Input flagged", "code": 403}}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), FILTERED)
def test_a_filter_says_what_it_filtered(status: int, body: Any) -> None:
    for answered in (False, True):
        found = status_fault(status, orjson.dumps(body), {}, now=0.0, answered=answered)
        assert found.cause is Cause.CONTENT_FILTER


ACCOUNT = [
    (403, "Your account has been flagged for unusual activity"),
    (403, "This organization has been disabled."),
    (403, "Access suspended, contact support"),
    (403, "Your account does not have access to this prompt content"),
    (400, "Your account was suspended after repeated content flagged by moderation"),
    (400, "The API key was deactivated"),
    (429, "Your account is suspended"),
]


@pytest.mark.parametrize(("status", "said"), ACCOUNT)
def test_trouble_with_the_account_stops_the_run(status: int, said: str) -> None:
    for answered in (False, True):
        body = orjson.dumps(error(said))
        assert status_fault(status, body, {}, now=0.0, answered=answered).cause is Cause.AUTH


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"loc": ["body", "content_filter_mode"], "msg": "Input should be 'a' or 'b'"}]},
        error("Input should be a valid string: content_filter_mode"),
        error("unknown parameter moderation"),
        error("flagged_only is not a field"),
        error("content_policy: extra inputs are not permitted"),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_setting_named_like_a_filter_is_none(status: int, body: Any) -> None:
    found = status_fault(status, orjson.dumps(body), {}, now=0.0, answered=True)
    assert found.cause is Cause.BAD_REQUEST


def test_an_error_within_a_reply_is_a_filter_only_by_its_code_or_its_words() -> None:
    assert error_fault({"code": "content_filter", "message": "x"}).cause is Cause.CONTENT_FILTER
    flagged = {"code": 403, "message": "Your input was flagged"}
    assert error_fault(flagged).cause is Cause.CONTENT_FILTER
    account = {"code": 403, "message": "Your account was flagged"}
    assert error_fault(account).cause is Cause.AUTH
    assert error_fault({"message": "flagged"}).cause is Cause.MALFORMED_REPLY


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, error("temperature must be at most 1"), Cause.BAD_REQUEST),
        (400, error("rejected because it was considered high risk"), Cause.CONTENT_FILTER),
        (403, error("Your input was flagged by moderation"), Cause.CONTENT_FILTER),
        (400, error("The model `x` does not exist", code="model_not_found"), Cause.NOT_FOUND),
        (429, error("Your account has insufficient balance"), Cause.AUTH),
        (429, error("Concurrency limit reached", type="rate_limit_reached_error"),
         Cause.RATE_LIMITED),
        (422, b"[]", Cause.BAD_REQUEST),
        (500, b"", Cause.SERVER_ERROR),
        (500, error("exceeds the available context size"), Cause.CONTEXT_OVERFLOW),
        (529, error("overloaded"), Cause.SERVER_ERROR),
        (425, b"", Cause.SERVER_ERROR),
        (418, b"", Cause.BAD_REQUEST),
        (304, b"", Cause.NOT_FOUND),
    ],
)  # fmt: skip
def test_statuses(status: int, body: Any, cause: Cause) -> None:
    found = classify(status, body)
    assert (found.cause, found.status) == (cause, status)
    assert found.said


def test_a_429_about_money_that_names_a_time_is_waited_for() -> None:
    body = error("insufficient quota for this minute")
    assert classify(429, body, {"retry-after": "5"}).cause is Cause.RATE_LIMITED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (error("in error"), "in error"),
        ({"message": "at top"}, "at top"),
        ({"detail": "fastapi"}, "fastapi"),
        ({"detail": [{"loc": ["body"], "msg": "missing"}]}, "missing"),
        ({"error": "just text"}, "just text"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        (b"<html><h1>Bad\n gateway</h1></html>", "Bad gateway"),
        ("text", "text"),
        ({"error": {}}, "error"),
    ],
)
def test_messages_are_found(body: Any, said: str) -> None:
    assert said in classify(400, body).said


def test_long_messages_are_cut() -> None:
    assert len(classify(400, b"x" * 10_000).said) <= 300
    assert len(error_fault({"message": "y" * 10_000}).said) <= 300


@pytest.mark.parametrize(
    ("raised", "before", "after"),
    [
        (TimeoutError(), Cause.TIMEOUT, Cause.TIMEOUT),
        (httpx.ConnectTimeout("t"), Cause.TIMEOUT, Cause.TIMEOUT),
        (httpx.ReadTimeout("t"), Cause.TIMEOUT, Cause.TIMEOUT),
        (httpx.ConnectError("refused"), Cause.UNREACHABLE, Cause.CONNECTION),
        (httpx.ReadError(""), Cause.CONNECTION, Cause.CONNECTION),
        (httpx.RemoteProtocolError("cut"), Cause.CONNECTION, Cause.CONNECTION),
        (httpx.LocalProtocolError("bad"), Cause.BAD_REQUEST, Cause.BAD_REQUEST),
        (httpx.DecodingError("gzip"), Cause.MALFORMED_REPLY, Cause.MALFORMED_REPLY),
    ],
)
def test_exceptions(raised: Exception, before: Cause, after: Cause) -> None:
    assert exception_fault(raised, answered=False).cause is before
    assert exception_fault(raised, answered=True).cause is after
    assert exception_fault(raised, answered=True).said


def test_backoff_grows_is_capped_and_jittered() -> None:
    rng = random.Random(0)
    longest = [max(wait_s(tries, None, rng) for _ in range(400)) for tries in range(1, 12)]
    assert all(a < b for a, b in itertools.pairwise(longest[:7]))
    assert max(longest) <= CAP_S
    assert min(wait_s(9, None, rng) for _ in range(400)) < CAP_S / 20
    assert all(7.0 <= wait_s(1, 7.0, rng) <= 8.0 for _ in range(100))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "1", "retry-after-ms": "x"}, 1.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(httpx.Headers(headers), now=10.0) == seconds


def test_a_file_server_that_knows_no_post_is_not_asked_again() -> None:
    said = b"<html><title>Error response</title>Unsupported method ('POST')</html>"
    for answered, cause in ((False, Cause.NOT_FOUND), (True, Cause.SERVER_ERROR)):
        found = status_fault(501, said, {}, now=0.0, answered=answered)
        assert found.cause is cause
        assert "Unsupported method" in found.said


@pytest.mark.parametrize("body", [b"", b"{}", b"<think>4</think>", b"<", b"4 < 5", b"<b>4</b>"])
def test_what_is_no_web_page(body: bytes) -> None:
    assert page_fault(body) is None
