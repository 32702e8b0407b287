from __future__ import annotations

import asyncio
import datetime
import email.utils
import random
import sys
from typing import Any

import httpx
import orjson
import pytest

from evalkit.endpoint.client import Client, Reply
from evalkit.endpoint.limits import Limiter
from evalkit.endpoint.preflight import preflight
from evalkit.endpoint.transport import KINDS, AiohttpTransport, PlainTransport
from evalkit.errors import Cause, EndpointError, SettingsError
from evalkit.settings import EndpointSettings
from tests.endpoint import scripted as s

KEY = "sk-very-secret-0123456789"
BODY = b'{"model":"m"}'
NEST = b"[" * 400 + b"]" * 400
DEEP = b'data: {"choices":[{"delta":{"content":"a","reasoning_details":%b}}]}\n\n' % NEST


class Clock:
    """Waiting is written down, and time passes only by waiting."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def make(
    url: str, kind: str | httpx.AsyncBaseTransport = "pyreqwest", *, key: bool = True, **fields: Any
) -> tuple[Client, Clock]:
    fields.setdefault("timeout_s", 5.0)
    fields.setdefault("retries", 3)
    clock = Clock()
    client = Client(
        EndpointSettings(base_url=url, model="m", **fields),
        transport=kind,
        environ={"OPENAI_API_KEY": KEY} if key else {},
        clock=clock,
        sleep=clock.sleep,
        rng=random.Random(1),
    )
    return client, clock


async def send(kind: str, *steps: s.Step, **fields: Any) -> tuple[Reply, Client, Clock, s.Server]:
    async with s.serve(*steps) as server:
        client, clock = make(server.url, kind, **fields)
        try:
            return await client.send(BODY), client, clock, server
        finally:
            await client.aclose()


async def refusal(kind: str, *steps: s.Step, **fields: Any) -> tuple[EndpointError, s.Server]:
    async with s.serve(*steps) as server:
        client, _ = make(server.url, kind, **fields)
        with pytest.raises(EndpointError) as caught:
            await client.send(BODY)
        await client.aclose()
        shown = f"{caught.value} {caught.value!r} {client!r} {vars(caught.value)}"
        assert KEY not in shown
        assert server.url.split("//")[1].split("/")[0] in str(caught.value)
        return caught.value, server


@pytest.mark.parametrize("kind", KINDS)
class TestEveryTransport:
    async def test_plain_answer(self, kind: str) -> None:
        reply, client, clock, server = await send(kind, s.answer())
        assert orjson.loads(reply.raw) == reply.document == s.completion()
        assert (reply.tries, clock.waits, client.faults.total()) == (1, [], 0)
        seen = server.seen[0]
        assert (seen.method, seen.path, seen.body) == ("POST", "/v1/chat/completions", BODY)
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert seen.headers["content-type"] == "application/json"

    @pytest.mark.parametrize(
        ("step", "cause"),
        [
            (s.error(500, "oops"), Cause.SERVER_ERROR),
            (s.error(503, "busy"), Cause.SERVER_ERROR),
            (s.error(429, "slow down"), Cause.RATE_LIMITED),
            (s.error(408, "late"), Cause.TIMEOUT),
            (s.error(409, "conflict"), Cause.SERVER_ERROR),
            (s.reset(), Cause.CONNECTION),
            (s.hang_up(), Cause.CONNECTION),
            (s.truncated(), Cause.CONNECTION),
            (s.raw(b"garbage\r\n\r\n"), Cause.CONNECTION),
            (s.answer(b"gateway"), Cause.MALFORMED_REPLY),
            (s.answer(s.completion(None, tokens=None)), Cause.MALFORMED_REPLY),
            (s.answer(b"junk", headers={"content-encoding": "gzip"}), Cause.MALFORMED_REPLY),
            (s.chunked([b'data: {"choices":[]}\n\n'], end=False), Cause.CONNECTION),
            (s.chunked([b'data: {"choices":[]}\n\n']), Cause.CONNECTION),
            (s.chunked([DEEP, b"data: [DONE]\n\n"]), Cause.MALFORMED_REPLY),
        ],
    )
    async def test_passing_troubles_are_retried(
        self, kind: str, step: s.Step, cause: Cause
    ) -> None:
        reply, client, clock, server = await send(kind, step, step, s.answer())
        assert (reply.tries, len(clock.waits), len(server.seen)) == (3, 2, 3)
        assert client.faults == {cause: 2}

    @pytest.mark.parametrize("step", [s.hang(), s.trickle()], ids=["hang", "slow-loris"])
    async def test_the_deadline_is_total(self, kind: str, step: s.Step) -> None:
        error, server = await refusal(kind, step, timeout_s=0.3, retries=1)
        assert error.cause is Cause.TIMEOUT
        assert len(server.seen) == 2
        assert "timeout_s" in str(error)

    async def test_a_web_page_at_the_address_is_said_at_once(self, kind: str) -> None:
        page = b"\n<!DOCTYPE html><html><head><title>Sign in\n to Proxy</title></head></html>"
        html = {"content-type": "text/html; charset=utf-8"}
        error, server = await refusal(kind, s.answer(page, headers=html))
        assert error.cause is Cause.NOT_FOUND
        assert len(server.seen) == 1
        for word in ("web page", "'Sign in to Proxy'", "/v1", "https://api.moonshot.ai/v1"):
            assert word in str(error)

    async def test_a_web_page_amid_answers_is_a_passing_trouble(self, kind: str) -> None:
        page = s.answer(b"<html>gateway</html>")
        async with s.serve(s.answer(), page, s.answer()) as server:
            client, _ = make(server.url, kind)
            await client.send(BODY)
            assert (await client.send(BODY)).tries == 2
            await client.aclose()

    async def test_a_list_of_models_that_is_a_web_page_says_nothing(self, kind: str) -> None:
        async with s.serve(s.answer(b"<html>home</html>"), s.answer()) as server:
            client, _ = make(server.url, kind)
            assert await client.models() is None
            assert (await client.send(BODY)).tries == 1
            await client.aclose()

    async def test_gzip_that_nobody_asked_for(self, kind: str) -> None:
        reply, *_ = await send(kind, s.zipped())
        assert reply.document == s.completion()

    async def test_chunked_json(self, kind: str) -> None:
        payload = orjson.dumps(s.completion())
        pieces = [b"\n\n", payload[:7], payload[7:]]
        reply, *_ = await send(kind, s.chunked(pieces, kind="application/json"))
        assert reply.document == s.completion()

    async def test_stream(self, kind: str) -> None:
        events = (
            'data: {"id":"r1","model":"x","choices":[{"delta":{"role":"assistant"}}]}\r\n\r\n'
            ": keep-alive\r\n\r\n"
            'data: {"choices":[{"delta":{"content":"4é"}}]}\r\n\r\n'
            'data: {"choices":[{"delta":{"content":"2"},"finish_reason":"stop"}]}\r\n\r\n'
            'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\r\n\r\n'
            "data: [DONE]\r\n\r\n"
        ).encode()
        pieces = [events[i : i + 7] for i in range(0, len(events), 7)]
        reply, *_ = await send(kind, s.chunked(pieces), stream=True)
        assert reply.document["choices"][0]["message"]["content"] == "4é2"
        assert orjson.loads(reply.raw) == reply.document
        assert reply.document["usage"]["completion_tokens"] == 2

    async def test_stream_is_left_at_done(self, kind: str) -> None:
        async def never_ends(exchange: s.Exchange) -> bool:
            whole = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
            await s.chunked([whole], end=False)(exchange)
            await asyncio.sleep(60)
            return False

        reply, *_ = await send(kind, never_ends)
        assert reply.tries == 1

    async def test_redirects_are_not_followed(self, kind: str) -> None:
        step = s.answer(b"", 307, {"location": "http://elsewhere.example/v1"})
        error, server = await refusal(kind, step)
        assert error.status == 307
        assert "http://elsewhere.example/v1" in str(error)
        assert len(server.seen) == 1

    async def test_nobody_listens(self, kind: str) -> None:
        client, clock = make(f"http://127.0.0.1:{s.closed_port()}/v1", kind)
        with pytest.raises(EndpointError) as caught:
            await client.send(BODY)
        await client.aclose()
        assert caught.value.cause is Cause.UNREACHABLE
        assert clock.waits == []

    async def test_unresolved_host(self, kind: str) -> None:
        client, _ = make("http://nowhere.invalid/v1", kind)
        with pytest.raises(EndpointError, match=r"nowhere\.invalid") as caught:
            await client.send(BODY)
        await client.aclose()
        assert caught.value.cause is Cause.UNREACHABLE

    async def test_a_server_that_goes_away_is_waited_for(self, kind: str) -> None:
        async with s.serve(s.answer()) as server:
            client, clock = make(server.url, kind)
            await client.send(BODY)
        with pytest.raises(EndpointError) as caught:
            await client.send(BODY)
        await client.aclose()
        assert caught.value.cause is Cause.CONNECTION
        assert len(clock.waits) == 3

    async def test_reset_of_a_reused_connection_is_retried(self, kind: str) -> None:
        async with s.serve(s.answer(), s.reset(), s.answer()) as server:
            client, _ = make(server.url, kind)
            assert (await client.send(BODY)).tries == 1
            assert (await client.send(BODY)).tries == 2
            await client.aclose()


async def test_retry_after_in_its_three_forms() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20)
    forms = [
        {"retry-after": "7"},
        {"retry-after": email.utils.format_datetime(soon, usegmt=True)},
        {"retry-after": "9", "retry-after-ms": "250"},
    ]
    steps = [s.answer({"error": {"message": "slow down"}}, 429, form) for form in forms]
    reply, _, clock, _ = await send("pyreqwest", *steps, s.answer())
    assert reply.tries == 4
    seven, date, quarter = clock.waits
    assert 7 <= seven < 8
    assert 15 < date < 23
    assert 0.25 <= quarter < 0.5


async def test_tries_end() -> None:
    error, server = await refusal("pyreqwest", s.error(500, "out of memory"), retries=2)
    assert len(server.seen) == 3
    assert error.cause is Cause.SERVER_ERROR
    assert "3 tries" in str(error)
    assert "out of memory" in str(error)


async def test_a_wait_beyond_the_window_is_not_begun() -> None:
    step = s.answer({"error": {"message": "come back tomorrow"}}, 429, {"retry-after": "3600"})
    error, server = await refusal("pyreqwest", step, retry_window_s=60.0)
    assert len(server.seen) == 1
    assert error.retry_after == 3600


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (s.error(401, f"Incorrect API key provided: {KEY}"), Cause.AUTH),
        (s.error(403, "not allowed"), Cause.AUTH),
        (s.error(402, "Insufficient Balance"), Cause.AUTH),
        (s.error(429, "You exceeded your quota", code="insufficient_quota"), Cause.AUTH),
        (s.error(429, "x", type="exceeded_current_quota_error"), Cause.AUTH),
        (s.error(404, "no such model"), Cause.NOT_FOUND),
        (s.error(405, "no"), Cause.NOT_FOUND),
        (s.error(400, "unknown field top_k"), Cause.BAD_REQUEST),
        (s.error(400, "This model's maximum context length is 100 tokens"), Cause.CONTEXT_OVERFLOW),
        (s.error(400, "x", code="content_filter"), Cause.CONTENT_FILTER),
    ],
)
async def test_lasting_troubles_are_not_retried(step: s.Step, cause: Cause) -> None:
    error, server = await refusal("pyreqwest", step)
    assert error.cause is cause
    assert len(server.seen) == 1


async def test_auth_error_names_the_variables() -> None:
    error, _ = await refusal("pyreqwest", s.error(401, "no"))
    assert "came from the environment variable OPENAI_API_KEY" in str(error)
    assert "EVALKIT_API_KEY" in str(error)
    error, _ = await refusal("pyreqwest", s.error(401, "no"), key=False)
    assert "No key was sent" in str(error)


async def test_a_late_403_concerns_one_request_only() -> None:
    async with s.serve(s.answer(), s.error(403, "blocked by firewall")) as server:
        client, _ = make(server.url)
        await client.send(BODY)
        with pytest.raises(EndpointError) as caught:
            await client.send(BODY)
        await client.aclose()
    assert caught.value.cause is Cause.BAD_REQUEST


async def test_the_key_is_nowhere_to_be_seen() -> None:
    client, _ = make("http://127.0.0.1:1/v1", headers={"x-route": "eu"})
    texts = [repr(client), str(client), repr(client._headers), str(client._headers)]
    assert KEY not in " ".join(texts)
    await client.aclose()
    with pytest.raises(SettingsError) as caught:
        Client(
            EndpointSettings(base_url="http://localhost/v1", model="m"),
            environ={"OPENAI_API_KEY": "sk-“quoted”-key-of-mine"},
        )
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "quoted" not in str(caught.value)


async def test_addresses_keep_their_query_and_errors_drop_it() -> None:
    async with s.serve(s.answer(), s.error(404, "no")) as server:
        client, _ = make(server.url + "?key=hush-hush")
        await client.send(BODY)
        with pytest.raises(EndpointError) as caught:
            await client.send(BODY)
        await client.aclose()
    assert server.seen[0].path == "/v1/chat/completions?key=hush-hush"
    assert "hush" not in str(caught.value)


async def test_oversized_replies_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalkit.endpoint.client.REPLY_MAX", 1 << 20)
    flood = [bytes(1 << 19)] * 4
    error, _ = await refusal("pyreqwest", s.chunked(flood, kind="application/json"), retries=0)
    assert error.cause is Cause.MALFORMED_REPLY
    assert "1 MiB" in str(error)


async def test_large_error_pages_are_not_read_to_the_end() -> None:
    page = b"<html>" + b"teapot " * 100_000
    error, _ = await refusal("pyreqwest", s.answer(page, 418))
    assert "teapot" in str(error)
    assert len(str(error)) < 1000


async def test_cancelling_is_not_a_failure() -> None:
    async with s.serve(s.hang()) as server:
        client, _ = make(server.url)
        task = asyncio.create_task(client.send(BODY))
        while not server.seen:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.faults.total() == 0
        await client.aclose()


async def test_any_httpx_transport_will_do() -> None:
    def app(request: httpx.Request) -> httpx.Response:
        assert request.content == BODY
        return httpx.Response(200, json=s.completion("hi"))

    client, _ = make("http://host.example/v1", httpx.MockTransport(app))
    reply = await client.send(BODY)
    assert reply.document["choices"][0]["message"]["content"] == "hi"


@pytest.mark.parametrize("absent", [["pyreqwest.client"], ["pyreqwest.client", "aiohttp"]])
async def test_another_transport_steps_in(
    absent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    async with s.serve(s.reset(), s.answer()) as server:
        endpoint = EndpointSettings(base_url=server.url, model="m")
        client = Client(endpoint, environ={})
        assert type(client._transport) in (AiohttpTransport, PlainTransport)[len(absent) - 1 :]
        assert (await client.send(BODY)).tries == 2
        await client.aclose()
        with pytest.raises(SettingsError, match="pip install pyreqwest"):
            Client(endpoint, transport="pyreqwest")


async def test_requests_of_an_endpoint_with_limits_are_paced() -> None:
    async with s.serve(s.answer()) as server:
        client, clock = make(server.url, rpm=60.0)
        for _ in range(4):
            await client.send(BODY)
        await client.aclose()
    assert clock.waits == [1.0, 1.0, 1.0]


async def test_what_comes_first_comes_once_and_only_before_a_body() -> None:
    listing = {"data": [{"id": "m"}]}
    async with s.serve(s.answer(listing), s.answer()) as server:
        endpoint = EndpointSettings(base_url=server.url, model="m")
        client = Client(endpoint, environ={}, first=preflight)
        assert server.seen == []
        await asyncio.gather(*(client.send(BODY) for _ in range(3)))
        await client.aclose()
    assert [x.method for x in server.seen] == ["GET", "POST", "POST", "POST"]


async def many(url: str, count: int, **fields: Any) -> tuple[list[Any], Client]:
    """Requests that begin at once, behind a preflight; what became of each."""
    fields = {"timeout_s": 5.0, "retries": 0} | fields
    endpoint = EndpointSettings(base_url=url, model="m", **fields)
    client = Client(endpoint, environ={"OPENAI_API_KEY": KEY}, first=preflight)
    try:
        sent = (client.send(BODY) for _ in range(count))
        return await asyncio.gather(*sent, return_exceptions=True), client
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (s.error(401, "no such key"), Cause.AUTH),
        (s.answer({"data": [{"id": "other"}]}), Cause.NOT_FOUND),
    ],
)
async def test_a_preflight_that_says_no_says_it_once_for_everybody(
    step: s.Step, cause: Cause
) -> None:
    async with s.serve(step) as server:
        outcomes, _ = await many(server.url, 16)
    assert [type(x) for x in outcomes] == [EndpointError] * 16
    assert {(x.cause, str(x)) for x in outcomes} == {(cause, str(outcomes[0]))}
    assert len(server.seen) == 1


async def test_a_preflight_that_reaches_nobody_is_not_repeated() -> None:
    outcomes, client = await many(f"http://127.0.0.1:{s.closed_port()}/v1", 6)
    assert {x.cause for x in outcomes} == {Cause.UNREACHABLE}
    assert client.faults == {Cause.UNREACHABLE: 1}


@pytest.mark.parametrize(
    "step", [s.error(500, "broken"), s.error(400, "what?"), s.error(429, "later"), s.hang()]
)
async def test_a_preflight_that_fails_otherwise_only_means_that_there_is_no_list(
    step: s.Step,
) -> None:
    async def by_method(exchange: s.Exchange) -> bool:
        return await (step if exchange.method == "GET" else s.answer())(exchange)

    async with s.serve(by_method) as server:
        outcomes, _ = await many(server.url, 6, timeout_s=0.5)
    assert [type(x) for x in outcomes] == [Reply] * 6
    assert [x.method for x in server.seen].count("GET") == 1


async def test_a_preflight_that_was_cancelled_is_made_by_the_next() -> None:
    async with s.serve(s.hang(), s.answer({"data": [{"id": "m"}]}), s.answer()) as server:
        client = Client(EndpointSettings(base_url=server.url, model="m"), first=preflight)
        task = asyncio.create_task(client.send(BODY))
        while not server.seen:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.send(BODY)).tries == 1
        await client.aclose()


class TestStop:
    """Real time: whoever waits would wait for minutes."""

    async def stopped(self, task: asyncio.Task[Reply]) -> None:
        async with asyncio.timeout(10):
            with pytest.raises(EndpointError) as caught:
                await task
        assert caught.value.cause is Cause.CANCELLED
        assert str(caught.value) == "The run was stopped before this request was sent."

    async def test_who_waits_for_a_turn_and_who_comes_later_is_sent_away(self) -> None:
        async with s.serve(s.answer()) as server:
            endpoint = EndpointSettings(base_url=server.url, model="m", rpm=0.1)
            client = Client(endpoint, environ={})
            await client.send(BODY)
            waiting = asyncio.create_task(client.send(BODY))
            await asyncio.sleep(0.05)
            client.stop()
            client.stop()
            await self.stopped(waiting)
            await self.stopped(asyncio.create_task(client.send(BODY)))
            await client.aclose()
        assert len(server.seen) == 1
        assert client.faults.total() == 0

    @pytest.mark.parametrize("rpm", [None, 6e9])
    @pytest.mark.parametrize("status", [429, 503])
    async def test_who_waits_to_try_again_is_sent_away(
        self, status: int, rpm: float | None
    ) -> None:
        step = s.answer({"error": {"message": "later"}}, status, {"retry-after": "300"})
        async with s.serve(step) as server:
            client = Client(EndpointSettings(base_url=server.url, model="m", rpm=rpm), environ={})
            waiting = asyncio.create_task(client.send(BODY))
            while not client.faults:
                await asyncio.sleep(0.01)
            client.stop()
            await self.stopped(waiting)
            await client.aclose()
        assert len(server.seen) == 1

    async def test_what_is_in_flight_is_finished_but_not_tried_again(self) -> None:
        go = asyncio.Event()

        async def late(exchange: s.Exchange) -> bool:
            await go.wait()
            good = exchange.body == BODY
            return await (s.answer() if good else s.error(503, "busy"))(exchange)

        async with s.serve(late) as server:
            client = Client(EndpointSettings(base_url=server.url, model="m"), environ={})
            good = asyncio.create_task(client.send(BODY))
            bad = asyncio.create_task(client.send(b"{}"))
            while len(server.seen) < 2:
                await asyncio.sleep(0.01)
            client.stop()
            go.set()
            assert (await good).tries == 1
            await self.stopped(bad)
            await client.aclose()
        assert len(server.seen) == 2

    async def test_a_shared_limiter_lets_the_others_go_on(self) -> None:
        async with s.serve(s.answer()) as server:
            endpoint = EndpointSettings(base_url=server.url, model="m")
            limiter = Limiter(rpm=1200, tpm=None)
            one, two = (Client(endpoint, environ={}, limiter=limiter) for _ in range(2))
            await two.send(BODY)
            waiting = [asyncio.create_task(x.send(BODY)) for x in (one, two)]
            await asyncio.sleep(0)
            one.stop()
            await self.stopped(waiting[0])
            assert (await waiting[1]).tries == 1
            await one.aclose()
            await two.aclose()

    async def test_cancelling_a_wait_is_still_cancelling(self) -> None:
        async with s.serve(s.answer()) as server:
            endpoint = EndpointSettings(base_url=server.url, model="m", rpm=0.1)
            client = Client(endpoint, environ={})
            await client.send(BODY)
            waiting = asyncio.create_task(client.send(BODY))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await client.aclose()


LIST = {"object": "list", "data": [{"id": "other"}, {"id": "m-large"}, {"id": "zzz"}]}


class TestPreflight:
    async def look(self, *steps: s.Step) -> tuple[str, ...] | None:
        async with s.serve(*steps) as server:
            client, _ = make(server.url)
            try:
                return await preflight(client)
            finally:
                await client.aclose()
                assert all(x.path == "/v1/models" and x.method == "GET" for x in server.seen)

    async def test_served(self) -> None:
        listing = {"data": [{"id": "m"}, {"id": "n"}]}
        assert await self.look(s.answer(listing)) == ("m", "n")

    @pytest.mark.parametrize(
        "step",
        [s.error(404, "x"), s.error(405, "x"), s.error(501, "x"), s.answer(b"<html>"),
         s.answer({"data": []}), s.answer({"data": None})],
    )  # fmt: skip
    async def test_no_list(self, step: s.Step) -> None:
        assert await self.look(step) is None

    async def test_model_not_served(self) -> None:
        with pytest.raises(EndpointError, match=r"Did you mean 'm-large'|It serves") as caught:
            await self.look(s.answer(LIST))
        assert caught.value.cause is Cause.NOT_FOUND

    async def test_key_refused(self) -> None:
        with pytest.raises(EndpointError) as caught:
            await self.look(s.error(401, "who are you"))
        assert caught.value.cause is Cause.AUTH

    async def test_passing_trouble(self) -> None:
        listing = {"data": [{"id": "m"}]}
        assert await self.look(s.error(503, "starting"), s.answer(listing)) == ("m",)

    async def test_nobody_there(self) -> None:
        client, _ = make(f"http://127.0.0.1:{s.closed_port()}/v1")
        with pytest.raises(EndpointError) as caught:
            await preflight(client)
        await client.aclose()
        assert caught.value.cause is Cause.UNREACHABLE
