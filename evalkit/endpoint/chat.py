"""A role's chat function: cached, budgeted, counted, and with a draw of its own for every call.

The same question must give the same answer when a run is resumed, and another one when it is asked
for another attempt, by another role, or a second time within one attempt: so the draw is part of
the cache key, and calls with the same body are numbered within it. An example::

    chats = ChatFactory(client, cache, params={"temperature": 0.6, "max_tokens": 32768})
    chat = chats.bind(Draw("model", sample.id, attempt=0))
    completion = await chat([Message("user", "2+2?")])
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from evalkit.cache import Entry, ResponseCache, request_key
from evalkit.checks import check_params
from evalkit.endpoint.budget import Budget, cost_of
from evalkit.endpoint.client import Client
from evalkit.endpoint.parse import FILTERED, read_reply, read_usage, to_completion
from evalkit.endpoint.request import CHAT_PATH, build_body, token_limit
from evalkit.endpoint.tally import Tally
from evalkit.errors import CacheError, Cause, EndpointError
from evalkit.settings import EndpointSettings
from evalkit.types import JSON, Completion, Message


@dataclass(frozen=True, slots=True)
class Draw:
    """Which draw of a model is asked for.

    Attributes:
        role: ``model``, ``judge`` or ``user``.
        sample: The sample's id.
        attempt: Index of the attempt.
        repeat: Which of several independent gradings of the same attempt.
    """

    role: str
    sample: str
    attempt: int
    repeat: int = 0


class ChatFactory:
    """Makes the chat functions of one role.

    Attributes:
        client: The endpoint's client.
        tally: What the role used so far.
    """

    def __init__(
        self,
        client: Client,
        cache: ResponseCache,
        *,
        budget: Budget | None = None,
        params: Mapping[str, JSON] | None = None,
        protected: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Bind what all chats of the role share.

        Args:
            client: Asks the endpoint.
            cache: Where answers are looked up and put; its mode decides.
            budget: Shared by all roles of a run.
            params: The protocol's sampling parameters.
            protected: Answers belong to a protected suite and are stored encrypted.
            clock: Seconds since the epoch, for the entries' dates.

        Raises:
            SettingsError: a dollar budget, and no price; or a parameter that must be a number is
                none.
        """
        check_params(params or {}, "The request parameters")
        check_params(client.endpoint.extra_body, "The endpoint's extra_body")
        if budget is not None:
            budget.check_price(client.endpoint)
        self.client, self.cache, self.params = client, cache, dict(params or {})
        self.budget, self.protected, self.clock = budget, protected, clock
        self.tally = Tally()
        self.identity = identity_of(client.endpoint)

    def bind(self, draw: Draw) -> CachedChat:
        """The chat function of one draw; bind anew for every attempt."""
        return CachedChat(self, draw)

    def stop(self) -> None:
        """Begin no further request, of the client and of all who share the budget.

        What is in flight is finished and kept; the cache still answers; everything else raises
        EndpointError with the cause CANCELLED.
        """
        self.client.stop()
        if self.budget is not None:
            self.budget.stop()


class CachedChat:
    """One role's chat function within one draw (see :class:`evalkit.adapters.protocol.Chat`)."""

    __slots__ = ("_factory", "_seen", "draw")

    def __init__(self, factory: ChatFactory, draw: Draw) -> None:
        self._factory = factory
        self.draw = draw
        self._seen: dict[bytes, int] = {}

    async def __call__(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, JSON]] = (),
        **params: JSON,
    ) -> Completion:
        """Ask once.

        Args:
            messages: The conversation.
            tools: Tools in the shape of the chat completions interface.
            params: Override the protocol's; None takes one away.

        Raises:
            EndpointError: the request could not be answered.
            CacheError: the cache may be read only, and does not hold the answer.
            BudgetStop: the budget is used up.
        """
        factory = self._factory
        endpoint = factory.client.endpoint
        merged = {**factory.params, **params} if params else factory.params
        body = build_body(endpoint, messages, tools=tools, params=merged)
        limit = token_limit(endpoint, merged)
        key = self._key(body)
        completion = self._from_cache(key, limit)
        if completion is None:
            completion = await self._ask(key, body, limit)
        factory.tally.add(completion)
        return completion

    def _key(self, body: bytes) -> bytes:
        """The cache key: the same body asked again within this draw is another draw."""
        key = self._key_of(body, 0)
        occurrence = self._seen.get(key, 0)
        self._seen[key] = occurrence + 1
        return self._key_of(body, occurrence) if occurrence else key

    def _key_of(self, body: bytes, occurrence: int) -> bytes:
        draw = self.draw
        parts = (draw.role, draw.sample, draw.attempt, draw.repeat, occurrence)
        return request_key(self._factory.identity, CHAT_PATH, body, parts)

    def _from_cache(self, key: bytes, limit: int | None) -> Completion | None:
        factory = self._factory
        entry = factory.cache.get(key)
        if entry is None:
            if factory.cache.mode == "only":
                draw = self.draw
                raise CacheError(
                    f"The response cache {factory.cache.path} has no answer of the {draw.role} "
                    f"({factory.client.endpoint.model}) to sample {draw.sample!r}, attempt "
                    f"{draw.attempt}, and may not ask for one (cache = only). Run with --cache "
                    "use, or with the settings under which the answers were collected."
                )
            return None
        try:
            reply = read_reply(entry.raw)
        except EndpointError:
            return None  # stored by a release that took less for malformed: ask again
        usage = read_usage(reply)
        return to_completion(
            reply,
            token_limit=limit,
            latency_s=entry.latency_s,
            cached=True,
            cost_usd=cost_of(usage, factory.client.endpoint.price),
            tries=entry.tries,
            usage=usage,
        )

    async def _ask(self, key: bytes, body: bytes, limit: int | None) -> Completion:
        factory = self._factory
        price = factory.client.endpoint.price
        budget, hold = factory.budget, None
        if budget is not None and budget.limited:
            hold = await budget.reserve(len(body), limit, price)
        try:
            reply = await factory.client.send(body)
        except BaseException as error:
            if budget is not None and hold is not None:
                budget.release(hold)
            if isinstance(error, EndpointError) and error.cause is not Cause.CANCELLED:
                factory.tally.failed += 1
            raise
        usage = read_usage(reply.document)
        cost = cost_of(usage, price)
        if budget is not None:
            budget.charge(usage, cost, hold)
        completion = to_completion(
            reply.document,
            token_limit=limit,
            latency_s=reply.latency_s,
            cost_usd=cost,
            tries=reply.tries,
            usage=usage,
        )
        # A filter's verdict may change from one day to the next, so it is not kept.
        if completion.finish_reason not in FILTERED:
            entry = Entry(reply.raw, reply.latency_s, reply.tries, factory.clock())
            factory.cache.put(key, entry, protected=factory.protected)
        return completion


def identity_of(endpoint: EndpointSettings) -> str:
    """What stands for an endpoint in cache keys: never its key, but headers that may route."""
    identity = endpoint.identity or endpoint.base_url
    if not endpoint.headers:
        return identity
    headers: dict[str, Any] = {name.lower(): value for name, value in endpoint.headers.items()}
    digest = sha256(orjson.dumps(headers, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{identity} headers:{digest}"
