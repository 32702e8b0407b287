"""Reads everything that can be set: flags, environment, evalkit.toml, in this order.

An example::

    settings = load_settings({"concurrency": 32})
    settings["concurrency"], settings.origin("concurrency")      # 32, "--concurrency"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from evalkit.checks import check_bounds, check_types, refuse_unknown
from evalkit.errors import SettingsError
from evalkit.settings.endpoint import check_endpoint

CONFIG_NAME: Final = "evalkit.toml"
# Who else may be asked in a run: judge2 and on sit beside the judge in a panel.
JUDGES: Final = ("judge", "judge2", "judge3", "judge4", "judge5")
ROLES: Final = (*JUDGES, "user")
ENV_PREFIX: Final = "EVALKIT_"
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
    values = _values(document.get("defaults", {}), environ, flags or {}, f"{path} [defaults]")
    if values["cache"].value not in CACHE_MODES:
        mode = values["cache"]
        raise SettingsError(
            f"cache is {mode.value!r} ({mode.origin}); it must be one of {', '.join(CACHE_MODES)}."
        )
    endpoints, roles = document.get("endpoints", {}), document.get("roles", {})
    refuse_unknown(endpoints, endpoints, f"{path} [endpoints]")
    for name, entry in endpoints.items():
        check_endpoint(entry, f"{path} [endpoints.{name}]")
    refuse_unknown(roles, ROLES, f"{path} [roles]")
    for role, entry in roles.items():
        where = f"{path} [roles.{role}]"
        refuse_unknown(entry, ("endpoint", "model", "base_url"), where)
        check_types(entry, dict.fromkeys(entry, str), where)
    return Settings(values, endpoints, roles, path if path.is_file() else None)


def _values(
    table: Any, environ: Mapping[str, str], flags: Mapping[str, Any], where: str
) -> dict[str, Origin]:
    """The keys of ``DEFAULTS``; what comes later replaces what came before."""
    refuse_unknown(table, DEFAULTS, where)
    values = {key: Origin(default, "default") for key, (default, _) in DEFAULTS.items()}
    for key, value in table.items():
        values[key] = Origin(_typed(key, value, where), CONFIG_NAME)
    for key in DEFAULTS:
        origin = ENV_PREFIX + key.upper()
        text = environ.get(origin)
        if text:
            values[key] = Origin(_typed(key, _from_text(key, text, origin), origin), origin)
    for key, value in flags.items():
        if value is not None:
            origin = "--" + key.replace("_", "-")
            check_bounds(key, value, origin)
            values[key] = Origin(value, origin)
    return values


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
