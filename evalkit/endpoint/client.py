"""The client of one endpoint: a body goes in, one canonical reply comes out, or one clear error.

Around every try stands a total deadline of our own, since no timeout of a transport stops a server
that trickles. Failures are retried by cause, within ``retries`` and ``retry_window_s``. Redirects
are not followed: a key goes only to the host it was given for. An example::

    client = Client(endpoint)
    reply = await client.send(build_body(endpoint, messages, params={}))
    await client.aclose()
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx
import orjson

from evalkit.blots import BLOT, findable
from evalkit.endpoint.explain import explain, scrubbed
from evalkit.endpoint.fault import Fault, exception_fault, page_fault, status_fault
from evalkit.endpoint.halt import Halt
from evalkit.endpoint.limits import Limiter
from evalkit.endpoint.parse import check_reply, dumped, read_reply, read_usage
from evalkit.endpoint.request import CHAT_PATH
from evalkit.endpoint.retry import wait_s
from evalkit.endpoint.stream import StreamedReply
from evalkit.endpoint.transport import WholeBody, make_transport
from evalkit.errors import FAILURES, Cause, EndpointError, SettingsError
from evalkit.settings import EndpointSettings

REPLY_MAX: Final = 64 << 20  # bytes of a reply, decompressed
STREAM_MAX: Final = 256 << 20  # a streamed token takes some 300 bytes
ERROR_MAX: Final = 64 << 10  # of an error's body; the rest is not read
MODELS_S: Final = 30.0  # asking for the list of models is not worth waiting longer for
GRACE_S: Final = 0.1
NO_LIST: Final = (404, 405, 501)
HOPELESS: Final = (Cause.AUTH, Cause.UNREACHABLE, Cause.NOT_FOUND)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        raw: The non-streamed reply as JSON, also where it was streamed.
        latency_s: Seconds from sending to the last byte of the try that succeeded.
        tries: Requests that were sent to get it.
        document: ``raw``, decoded and checked.
    """

    raw: bytes
    latency_s: float
    tries: int
    document: Mapping[str, Any] = field(repr=False, compare=False)


class Client:
    """One endpoint.

    Attributes:
        endpoint: Its settings.
        faults: How often each cause was met, retried or not.
    """

    def __init__(
        self,
        endpoint: EndpointSettings,
        *,
        transport: httpx.AsyncBaseTransport | str | None = None,
        limiter: Limiter | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        first: Callable[[Client], Awaitable[object]] | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            endpoint: The endpoint.
            transport: A transport, which the caller closes, or the kind of one (default: auto).
            limiter: Shared between clients of one account; default: one by rpm and tpm.
            environ: Where the key is looked for (default: the process's environment).
            clock: Seconds, monotonic.
            sleep: Waits for seconds.
            rng: The source of jitter.
            first: Awaited once, before the first body is sent (the preflight); what comes from a
                cache alone never reaches the endpoint. Its error is everybody's where it says that
                nothing can work (``HOPELESS``), and of no account otherwise.

        Raises:
            SettingsError: the key cannot be sent as a header, or the transport is not there.
        """
        self.endpoint = endpoint
        self.faults: Counter[Cause] = Counter()
        base = httpx.URL(endpoint.base_url)
        path = base.path.rstrip("/")
        self._chat_url = base.copy_with(path=path + CHAT_PATH)
        self._models_url = base.copy_with(path=path + "/models")
        self._owned = not isinstance(transport, httpx.AsyncBaseTransport)
        self._transport = (
            transport
            if isinstance(transport, httpx.AsyncBaseTransport)
            else make_transport(transport or "auto", url=endpoint.base_url)
        )
        self._limiter = limiter or Limiter.of(endpoint, clock=clock, sleep=sleep)
        self._clock, self._halt = clock, Halt(sleep)
        self._rng = rng or random.Random()
        self._reached = False  # some answer came from there, an error included
        self._answered = False  # a good answer came from there
        self._speaks = False  # JSON came from there: the address is that of an interface
        self._first, self._first_lock = first, asyncio.Lock()
        self._refused: EndpointError | None = None  # what came first said that nothing will work
        environ = os.environ if environ is None else environ
        self._key = endpoint.api_key(environ)
        self._key_from = next((v for v in endpoint.key_variables() if environ.get(v)), None)
        self._blot = self._key.encode() if findable(self._key) else None
        self._headers = self._make_headers(base)
        # Later than our own deadline, so that it is ours that speaks.
        self._extensions: dict[str, Any] = {
            "deadline_s": endpoint.timeout_s + GRACE_S,
            "header_pairs": self._headers.multi_items(),
        }

    def __repr__(self) -> str:
        return f"Client({self.endpoint.name or self.endpoint.base_url}, {self.endpoint.model})"

    def _make_headers(self, url: httpx.URL) -> httpx.Headers:
        if self._key is not None and not (self._key.isascii() and self._key.isprintable()):
            raise SettingsError(
                f"The key in {self._key_from} holds characters that no key has (a line break, a "
                "quotation mark of a word processor?). Set it again."
            )
        headers = httpx.Headers(
            {
                "host": url.netloc.decode("ascii"),
                "content-type": "application/json",
                "accept": "application/json, text/event-stream",
                "accept-encoding": "identity",  # answers are small; what comes anyway is decoded
                "user-agent": "evalkit",
            }
        )
        headers.update(self.endpoint.headers)
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key}"
        return headers

    async def send(self, body: bytes) -> Reply:
        """Ask for one completion.

        Args:
            body: From :func:`evalkit.endpoint.request.build_body`.

        Raises:
            EndpointError: with the cause of the last try; of the preflight, where that showed that
                no request can work; or CANCELLED once stopped.
        """
        await self.look()

        async def post() -> tuple[bytes, dict[str, Any]]:
            return await self._post(body)

        settings = self.endpoint
        (raw, document), latency_s, tries, booked = await self._persist(
            post,
            self._chat_url,
            size=len(body),
            deadline_s=settings.timeout_s,
            window_s=settings.retry_window_s,
        )
        self._answered = True
        if self._limiter is not None:
            self._limiter.settle(booked, read_usage(document))
        return Reply(raw, latency_s, tries, document)

    async def look(self) -> None:
        """Let what comes before the first body come now, if it has not come yet.

        Raises:
            EndpointError: it showed that no request can work.
        """
        if self._first is not None:
            await self._go_first()

    async def _go_first(self) -> None:
        """Let what comes first come once; what it found out holds for everybody."""
        async with self._first_lock:
            if self._first is not None and self._refused is None:
                try:
                    await self._first(self)
                except EndpointError as error:
                    # Anything else (a list of models that fails or hangs) says nothing of chats.
                    if error.cause in HOPELESS:
                        self._refused = error
                if self._refused is None:
                    self._first = None
        if self._refused is not None:
            said = self._refused
            raise EndpointError(str(said), cause=said.cause, status=said.status)

    def stop(self) -> None:
        """Begin no further request: whoever waits or comes gets EndpointError (CANCELLED).

        Requests in flight are finished; one that fails is not tried again.
        """
        self._halt.stop()

    async def models(self) -> list[str] | None:
        """Names of the models that the endpoint lists, or None where it has no list.

        Raises:
            EndpointError: it cannot be reached, or refuses the key.
        """
        limit = min(MODELS_S, self.endpoint.timeout_s)
        names, _, _, _ = await self._persist(
            self._get_models, self._models_url, size=0, deadline_s=limit, window_s=limit
        )
        return names

    async def aclose(self) -> None:
        """Close the transport, unless it was given."""
        if self._owned:
            await self._transport.aclose()

    async def _persist(
        self,
        exchange: Callable[[], Awaitable[T]],
        url: httpx.URL,
        *,
        size: int,
        deadline_s: float,
        window_s: float,
    ) -> tuple[T, float, int, float]:
        """Try until it works or makes no sense: (result, seconds, tries, booked tokens)."""
        clock, limiter, halt = self._clock, self._limiter, self._halt
        first, tries, booked = clock(), 0, 0.0
        while True:
            halt.check()
            tries += 1
            if limiter is not None:
                booked = await limiter.acquire(size, sleep=halt.sleep)
            began = clock()
            try:
                async with asyncio.timeout(deadline_s):
                    result = await exchange()
                return result, clock() - began, tries, booked
            except (EndpointError, httpx.RequestError, TimeoutError) as error:
                fault = exception_fault(error, answered=self._reached)
            self.faults[fault.cause] += 1
            wait = wait_s(tries, fault.retry_after, self._rng)
            if (
                not FAILURES[fault.cause].retry
                or tries > self.endpoint.retries
                or clock() + wait - first > window_s
            ):
                raise self._final(fault, url, tries)
            if limiter is not None and fault.cause is Cause.RATE_LIMITED:
                limiter.pause(wait)
            else:
                await halt.sleep(wait)

    def _final(self, fault: Fault, url: httpx.URL, tries: int) -> EndpointError:
        text = explain(fault, self.endpoint, url=str(url), tries=tries, key_from=self._key_from)
        return EndpointError(
            scrubbed(text, self._key),
            cause=fault.cause,
            status=fault.status,
            retry_after=fault.retry_after,
        )

    async def _post(self, body: bytes) -> tuple[bytes, dict[str, Any]]:
        """One try: the reply, canonical and checked."""
        request = httpx.Request(
            "POST",
            self._chat_url,
            headers=self._headers,
            stream=WholeBody(body),
            extensions=self._extensions,
        )
        request.headers["content-length"] = str(len(body))
        response = await self._transport.handle_async_request(request)
        self._reached = True
        if not 200 <= response.status_code < 300:
            raise await self._rejected(response)
        headers, stream = response.headers, response.stream
        if headers.get("content-type", "").startswith("text/event-stream"):
            document = await _read_stream(response)
            raw = dumped(document)
        else:
            if type(stream) is WholeBody and "content-encoding" not in headers:
                raw = stream.data
            else:
                raw = await _read(response, REPLY_MAX)
            page = None if self._speaks else page_fault(raw)
            if page is not None:
                raise page.error()
            document = read_reply(raw)
        self._speaks = True
        if self._blot is not None and self._blot in raw:
            # A gateway that repeats its request: the reply is stored, the key must not be.
            raw = raw.replace(self._blot, BLOT.encode())
            document = read_reply(raw)
        return raw, document

    async def _get_models(self) -> list[str] | None:
        """One try at the list of models."""
        request = httpx.Request(
            "GET", self._models_url, headers=self._headers, extensions=self._extensions
        )
        response = await self._transport.handle_async_request(request)
        self._reached = True
        if response.status_code in NO_LIST:
            await response.aclose()
            return None
        if not 200 <= response.status_code < 300:
            raise await self._rejected(response)
        try:
            listing = orjson.loads(await _read(response, REPLY_MAX))
        except orjson.JSONDecodeError:
            return None
        entries = listing.get("data") if isinstance(listing, dict) else listing
        if not isinstance(entries, list):
            return None
        self._speaks = True
        return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]

    async def _rejected(self, response: httpx.Response) -> EndpointError:
        """The error of a response that is not 2xx."""
        body = await _read(response, ERROR_MAX, cut=True)
        return status_fault(
            response.status_code,
            body,
            response.headers,
            now=time.time(),
            answered=self._answered,
        ).error()


async def _read(response: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
    """The decompressed body, which must not exceed ``limit`` bytes (with ``cut``: up to there)."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                if cut:
                    break
                raise Fault(Cause.MALFORMED_REPLY, f"the reply exceeds {limit >> 20} MiB").error()
    except httpx.RequestError:
        if not cut:
            raise
    finally:
        await response.aclose()
    return b"".join(chunks)[: limit if cut else None]


async def _read_stream(response: httpx.Response) -> dict[str, Any]:
    """The reply that a stream of events amounts to."""
    streamed = StreamedReply()
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > STREAM_MAX:
                limit = f"the stream exceeds {STREAM_MAX >> 20} MiB"
                raise Fault(Cause.MALFORMED_REPLY, limit).error()
            if streamed.feed(chunk):
                break
    finally:
        await response.aclose()
    reply = streamed.reply()
    check_reply(reply)
    return reply
