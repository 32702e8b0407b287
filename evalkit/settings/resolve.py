"""Which endpoint is meant: a named one of evalkit.toml, or an address; what was said last counts.

An example::

    endpoint = resolve_endpoint(load_settings(), model="kimi-k2-thinking")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from evalkit.checks import check_url
from evalkit.errors import SettingsError
from evalkit.settings.endpoint import EndpointSettings, Price
from evalkit.settings.load import CONFIG_NAME, ENV_PREFIX, Settings


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
