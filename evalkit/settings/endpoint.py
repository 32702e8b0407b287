"""What an endpoint is: its address, how to treat it, whose key it gets, what it costs.

An example::

    endpoint = EndpointSettings("https://api.moonshot.ai/v1", "kimi-k2-thinking", rpm=500)
    endpoint.api_key()      # of MOONSHOT_API_KEY, else of EVALKIT_API_KEY
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final
from urllib.parse import urlsplit

from evalkit.checks import (
    check_bounds,
    check_header,
    check_params,
    check_types,
    check_url,
    finite,
    refuse_unknown,
)
from evalkit.errors import SettingsError
from evalkit.types import JSON

# Hosts whose customary key variable is known: a key is only ever sent to the host it is meant for.
KEY_VARIABLES: Final[Mapping[str, str]] = {
    "api.openai.com": "OPENAI_API_KEY",
    "api.moonshot.ai": "MOONSHOT_API_KEY",
    "api.moonshot.cn": "MOONSHOT_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
    "api.deepseek.com": "DEEPSEEK_API_KEY",
    "api.together.xyz": "TOGETHER_API_KEY",
    "api.fireworks.ai": "FIREWORKS_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
}
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; a cached input token costs as input where not given.

    Raises:
        SettingsError: a price is below zero or no number.
    """

    input: float
    output: float
    cached_input: float | None = None

    def __post_init__(self) -> None:
        """Hold the prices to their bounds, wherever they come from."""
        for entry in fields(self):
            check_bounds(entry.name, getattr(self, entry.name), "price")


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """An OpenAI-compatible endpoint and how to treat it.

    Attributes:
        base_url: Up to and without ``/chat/completions``.
        model: The model name to ask for.
        name: Its name in evalkit.toml, or the host.
        api_key_env: The environment variable that holds the key; None: by host.
        headers: Further headers to send (no credentials: those belong in the environment).
        concurrency: Requests in flight at most.
        rpm: Requests a minute at most; None = no limit.
        tpm: Tokens a minute at most (prompt and completion); None = no limit.
        timeout_s: Total deadline of one request, from first byte sent to last byte read.
        retries: Further tries after the first, for causes that allow it.
        retry_window_s: No new try begins later than this after the first.
        token_param: The name under which the token limit is sent.
        stream: Ask for server-sent events.
        extra_body: Merged into each request body (``thinking``, ``chat_template_kwargs``, ...).
        price: Price table, where known.
        identity: What stands for the endpoint in cache keys; None: the base URL. A local server
            gives its weights' digest and settings, so that a port never matters.
        settings: Known facts about the served model that a comparison must show
            (``{"quantisation": "Q4_K_M"}``).

    Raises:
        SettingsError: a number is out of its bounds (``BOUNDS``).
    """

    base_url: str
    model: str
    name: str = ""
    api_key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 16
    rpm: float | None = None
    tpm: float | None = None
    timeout_s: float = 600.0
    retries: int = 8
    retry_window_s: float = 900.0
    token_param: str = "max_tokens"
    stream: bool = False
    extra_body: Mapping[str, JSON] = field(default_factory=dict)
    price: Price | None = None
    identity: str | None = None
    settings: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the numbers to their bounds, wherever they come from."""
        for key in ("concurrency", "rpm", "tpm", "timeout_s", "retries", "retry_window_s"):
            check_bounds(key, getattr(self, key), f"The endpoint {self.name}".rstrip())

    def key_variables(self) -> tuple[str, ...]:
        """Names of the environment variables that are asked for the key, in order."""
        if self.api_key_env is not None:
            return (self.api_key_env,)
        host = urlsplit(self.base_url).hostname or ""
        known = KEY_VARIABLES.get(host)
        if known is None and host in LOOPBACK:
            known = "OPENAI_API_KEY"
        return ("EVALKIT_API_KEY",) if known is None else (known, "EVALKIT_API_KEY")

    def api_key(self, environ: Mapping[str, str] | None = None) -> str | None:
        """The key, or None. It is read at the moment of use and kept nowhere."""
        environ = os.environ if environ is None else environ
        for name in self.key_variables():
            if environ.get(name):
                return environ[name].strip()
        return None


_FIELD_TYPES: Final[Mapping[str, Any]] = {
    "base_url": str, "model": str, "api_key_env": str, "headers": Mapping, "concurrency": int,
    "rpm": (int, float), "tpm": (int, float), "timeout_s": (int, float), "retries": int,
    "retry_window_s": (int, float), "token_param": str, "stream": bool, "extra_body": Mapping,
    "price": Mapping, "identity": str, "settings": Mapping,
}  # fmt: skip


def check_endpoint(entry: Any, where: str) -> None:
    """Refuse a table ``[endpoints.NAME]`` that is no such.

    Raises:
        SettingsError: an unknown key, a wrong type, a number out of its bounds, a credential.
    """
    refuse_unknown(entry, _FIELD_TYPES, where)
    check_types(entry, _FIELD_TYPES, where)
    for key, value in entry.items():
        check_bounds(key, value, where)
    for key in ("extra_body", "settings"):
        if not finite(entry.get(key)):
            raise SettingsError(f"{where}: {key} holds a number that is not finite.")
    check_params(entry.get("extra_body", {}), f"{where} extra_body")
    if "base_url" in entry:
        check_url(entry["base_url"], f"{where}: the base URL")
    if entry.get("token_param", "max_tokens") not in ("max_tokens", "max_completion_tokens"):
        raise SettingsError(f"{where}: token_param is max_tokens or max_completion_tokens.")
    for header, text in entry.get("headers", {}).items():
        check_header(header, text, where)
    if "price" in entry:
        refuse_unknown(entry["price"], [f.name for f in fields(Price)], where + " price")
        if not {"input", "output"} <= set(entry["price"]):
            raise SettingsError(f"{where}: price needs input and output (dollars a million).")
        for key, value in entry["price"].items():
            check_bounds(key, value, where + " price")
