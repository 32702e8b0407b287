"""Settings: flags, environment and evalkit.toml become values that know where they came from.

The order is flag, environment (``EVALKIT_*``), evalkit.toml, default. Misspelled keys are refused
with the nearest right one. An example of ``evalkit.toml``, with every table there is::

    [defaults]
    endpoint = "moonshot"
    concurrency = 16

    [endpoints.moonshot]
    base_url = "https://api.moonshot.ai/v1"
    api_key_env = "MOONSHOT_API_KEY"
    model = "kimi-k2-thinking"
    rpm = 500
    price = { input = 0.6, cached_input = 0.15, output = 2.5 }

    [roles.judge]
    endpoint = "openai"
    model = "gpt-4.1-2025-04-14"

    [roles.judge2]                       # a panel; up to judge5
    endpoint = "moonshot"

    [roles.user]
    endpoint = "openai"
    model = "gpt-4.1-2025-04-14"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
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

CONFIG_NAME: Final = "evalkit.toml"
# Who else may be asked in a run: judge2 and on sit beside the judge in a panel.
JUDGES: Final = ("judge", "judge2", "judge3", "judge4", "judge5")
ROLES: Final = (*JUDGES, "user")
ENV_PREFIX: Final = "EVALKIT_"

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


@dataclass(frozen=True, slots=True)
class Origin:
    """A value and where it came from (``--concurrency``, ``EVALKIT_MIRROR``, ``evalkit.toml``)."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What evalkit.toml, the environment and flags say together.

    Attributes:
        values: The keys of ``DEFAULTS`` with their origins.
        endpoints: ``[endpoints.NAME]`` tables, checked.
        roles: ``[roles.judge]``, ``[roles.judge2]`` and on (a panel), and ``[roles.user]``:
            endpoint name and model.
        source: The file that was read, if any.
    """

    values: Mapping[str, Origin]
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: Path | None = None

    def __getitem__(self, key: str) -> Any:
        return self.values[key].value

    def origin(self, key: str) -> str:
        """Where the value of ``key`` came from."""
        return self.values[key].origin


def cache_home() -> Path:
    """The user's cache folder for evalkit (``$XDG_CACHE_HOME/evalkit``)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "evalkit"


# Each default with the type that a value must have; None stands for "not set".
DEFAULTS: Final[Mapping[str, tuple[Any, type | tuple[type, ...]]]] = {
    "endpoint": (None, str),
    "model": (None, str),
    "base_url": (None, str),
    "concurrency": (None, int),
    "cache": ("use", str),
    "cache_dir": (None, str),
    "mirror": (None, str),
    "out": ("results/runs", str),
    "budget_usd": (None, (int, float)),
    "budget_tokens": (None, int),
    "sandbox": ("bwrap", str),
    "transport": ("auto", str),
    "reported": ("results/reported", str),
}
CACHE_MODES: Final = ("use", "refresh", "off", "only")


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read everything that can be set.

    Args:
        flags: Values given on the command line; None values do not count.
        folder: Where evalkit.toml is looked for (default: the working folder).
        environ: The environment (default: the process's own).

    Raises:
        SettingsError: the file cannot be parsed, a key is unknown, or a value has a wrong type or
            is out of bounds.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(ENV_PREFIX + "CONFIG")
    path = Path(named) if named else (folder or Path.cwd()) / CONFIG_NAME
    if named and not path.is_file():
        raise SettingsError(f"EVALKIT_CONFIG names {path}, which is not a file.")
    document = _read_toml(path) if path.is_file() else {}
    refuse_unknown(document, ("defaults", "endpoints", "roles"), f"{path}")
    table = document.get("defaults", {})
    refuse_unknown(table, DEFAULTS, f"{path} [defaults]")
    values = {key: Origin(default, "default") for key, (default, _) in DEFAULTS.items()}
    for key, value in table.items():
        values[key] = Origin(_typed(key, value, f"{path} [defaults]"), CONFIG_NAME)
    for key in DEFAULTS:
        text = environ.get(ENV_PREFIX + key.upper())
        if text:
            origin = ENV_PREFIX + key.upper()
            values[key] = Origin(_typed(key, _from_text(key, text, origin), origin), origin)
    for key, value in (flags or {}).items():
        if value is not None:
            origin = "--" + key.replace("_", "-")
            check_bounds(key, value, origin)
            values[key] = Origin(value, origin)
    if values["cache"].value not in CACHE_MODES:
        mode = values["cache"]
        raise SettingsError(
            f"cache is {mode.value!r} ({mode.origin}); it must be one of {', '.join(CACHE_MODES)}."
        )
    endpoints = document.get("endpoints", {})
    refuse_unknown(endpoints, endpoints, f"{path} [endpoints]")
    for name, entry in endpoints.items():
        _check_endpoint(name, entry, f"{path} [endpoints.{name}]")
    roles = document.get("roles", {})
    refuse_unknown(roles, ROLES, f"{path} [roles]")
    for role, entry in roles.items():
        where = f"{path} [roles.{role}]"
        refuse_unknown(entry, ("endpoint", "model", "base_url"), where)
        check_types(entry, dict.fromkeys(entry, str), where)
    return Settings(values, endpoints, roles, path if path.is_file() else None)


def resolve_endpoint(
    settings: Settings,
    *,
    name: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
    role: str | None = None,
) -> EndpointSettings:
    """Build the endpoint that a run asks: a named one of evalkit.toml, or an address.

    What was said later counts: a flag before the environment, that before the endpoint's own
    table, that before ``[defaults]``. A key belongs to the endpoint it was set for, so an address
    never replaces that of a named endpoint.

    Args:
        settings: From :func:`load_settings`.
        name: An endpoint's name.
        model: The model.
        base_url: An address.
        role: One of ``ROLES``: then nothing that was set for the model under test counts.

    Raises:
        SettingsError: no address, no model, an unknown endpoint name, or a name and an address.
    """
    if name is None and base_url is None and role is None:
        name, base_url = _default_endpoint(settings)
    if name is not None and base_url is not None:
        raise SettingsError(
            f"Both the endpoint {name!r} and an address (base_url) are given. Name one: a key is "
            "only sent to the address it was set for."
        )
    entry: dict[str, Any] = {}
    if name is not None:
        if name not in settings.endpoints:
            known = ", ".join(sorted(settings.endpoints)) or "none"
            raise SettingsError(
                f"There is no endpoint named {name!r} in {settings.source or CONFIG_NAME} "
                f"(known: {known}). Add a table [endpoints.{name}] with its base_url, or give "
                "--base-url."
            )
        entry = dict(settings.endpoints[name])
    if base_url:
        entry["base_url"] = base_url
    if role is None:
        entry["model"] = model or _later(settings, "model", entry.get("model"))
        entry["concurrency"] = _later(settings, "concurrency", entry.get("concurrency"))
        if entry["concurrency"] is None:
            del entry["concurrency"]
    model = model or entry.get("model")
    if not entry.get("base_url"):
        raise SettingsError(
            "No endpoint is named. Give --base-url URL (for example https://api.moonshot.ai/v1), "
            f"or name one in {CONFIG_NAME}, or use the embedded model with -m local/NAME."
        )
    if not model:
        raise SettingsError("No model is named. Give it with -m MODEL.")
    url = check_url(str(entry["base_url"]), "The base URL")
    if "price" in entry and isinstance(entry["price"], Mapping):
        entry["price"] = Price(**entry["price"])
    entry |= {"base_url": url, "model": model, "name": name or urlsplit(url).hostname}
    return replace(EndpointSettings(base_url=url, model=model), **entry)


def _rank(origin: str) -> int:
    """How late something was said: default, evalkit.toml, environment, flag."""
    if origin.startswith("--"):
        return 3
    if origin.startswith(ENV_PREFIX):
        return 2
    return 1 if origin == CONFIG_NAME else 0


def _default_endpoint(settings: Settings) -> tuple[str | None, str | None]:
    """The endpoint's name or the address that was said last, where none is asked for here."""
    name, address = settings.values["endpoint"], settings.values["base_url"]
    if name.value is None or address.value is None:
        return name.value, address.value
    if _rank(name.origin) == _rank(address.origin):
        raise SettingsError(
            f"endpoint ({name.origin}) and base_url ({address.origin}) are both set. Keep one: "
            "a key is only sent to the address it was set for."
        )
    later = _rank(name.origin) > _rank(address.origin)
    return (name.value, None) if later else (None, address.value)


def _later(settings: Settings, key: str, own: Any) -> Any:
    """A flag or the environment, else the endpoint's own value, else ``[defaults]``."""
    said = settings.values[key]
    return said.value if own is None or _rank(said.origin) >= 2 else own


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None


def _typed(key: str, value: Any, where: str) -> Any:
    kind = DEFAULTS[key][1]
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(k.__name__ for k in kinds)
        raise SettingsError(f"{where}: {key} must be {names}, not {value!r}.")
    check_bounds(key, value, where)
    return value


def _from_text(key: str, text: str, origin: str) -> Any:
    kind = DEFAULTS[key][1]
    if kind is str:
        return text
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise SettingsError(f"{origin} must be a number, not {text!r}.") from None


_FIELD_TYPES: Final[Mapping[str, Any]] = {
    "base_url": str, "model": str, "api_key_env": str, "headers": Mapping, "concurrency": int,
    "rpm": (int, float), "tpm": (int, float), "timeout_s": (int, float), "retries": int,
    "retry_window_s": (int, float), "token_param": str, "stream": bool, "extra_body": Mapping,
    "price": Mapping, "identity": str, "settings": Mapping,
}  # fmt: skip


def _check_endpoint(name: str, entry: Any, where: str) -> None:
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
