"""Reads and checks ``suite.toml``; every key it does not know is refused.

Example::

    suite = read_suite(Path("suites/aime-2025"))
    suite.protocols[suite.default_protocol].k
"""

from __future__ import annotations

import difflib
import hashlib
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.adapters.suite import Suite, SuiteProtocol
from evalkit.data.spec import DataSpec, TextSource
from evalkit.errors import SuiteError

SUITE_FILE: Final = "suite.toml"
NOT_DIGESTED: Final = frozenset({"README.md", "__init__.py", "fixtures.jsonl"})

_TOP: Final[Mapping[str, type | tuple[type, ...]]] = {
    "name": str, "version": str, "title": str, "summary": str, "style": str, "benchmark": str,
    "metric": str, "unit": str, "best": (int, float), "worst": (int, float), "items": int,
    "margin": (int, float), "protected": bool,
    "default_protocol": str, "graders": list, "options": dict, "data": dict, "protocols": dict,
}  # fmt: skip
_REQUIRED: Final = ("name", "title", "style", "benchmark", "metric", "data", "protocols")
_DATA: Final[Mapping[str, type | tuple[type, ...]]] = {
    "hub": str, "config": str, "split": str, "revision": str, "file": str, "package": str,
    "package_sha256": str, "member": str, "sha256": str, "fields": dict, "source": str,
    "files": dict, "url": str, "known": dict, "optional": list,
}  # fmt: skip
_PROTOCOL: Final[Mapping[str, type | tuple[type, ...]]] = {
    "summary": str, "prompt": (str, dict), "system": (str, dict), "k": int, "params": dict,
    "grader": str, "variant": str, "settings": dict, "options": dict, "texts": dict,
    "data": dict,
}  # fmt: skip
_TEXT: Final[Mapping[str, type | tuple[type, ...]]] = {
    "text": str, "file": str, "source": str, "sha256": str, "constant": str,
}  # fmt: skip


def read_suite(folder: Path, *, origin: str = "path") -> Suite:
    """Read the suite in a folder.

    Args:
        folder: The folder that holds ``suite.toml`` (or the path of that file).
        origin: How the folder was found, for messages and the run's record.

    Raises:
        SuiteError: the file is missing, is not TOML, or a key is unknown, missing or mistyped.
    """
    if folder.name == SUITE_FILE:
        folder = folder.parent
    path = folder / SUITE_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteError(f"{folder} holds no {SUITE_FILE}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SuiteError(f"{path} cannot be read: {error.strerror}.") from None
    _check(document, _TOP, f"{path}", _REQUIRED)
    name = document["name"]
    if not name or name != name.lower() or any(c.isspace() or c in "/\\" for c in name):
        raise SuiteError(f"{path}: name {name!r} must be lower case without spaces or slashes.")
    if document.get("unit", "percent") not in ("percent", "points"):
        raise SuiteError(f"{path}: unit is percent or points, not {document['unit']!r}.")
    best, worst = _bounds(document, path)
    protocols = {
        key: _protocol(key, value, f"{path} [protocols.{key}]")
        for key, value in document["protocols"].items()
    }
    if not protocols:
        raise SuiteError(f"{path}: [protocols] is empty; add at least one [protocols.NAME].")
    default = document.get("default_protocol", next(iter(protocols)))
    if default not in protocols:
        raise SuiteError(
            f"{path}: default_protocol is {default!r}, which is not among the protocols "
            f"({', '.join(protocols)})."
        )
    graders = tuple(document.get("graders", ()))
    for protocol in protocols.values():
        if protocol.grader is not None and graders and protocol.grader not in graders:
            raise SuiteError(
                f"{path} [protocols.{protocol.name}]: grader {protocol.grader!r} is not among "
                f"the suite's graders ({', '.join(graders)})."
            )
    return Suite(
        name=name,
        version=document.get("version", "1"),
        title=document["title"],
        summary=document.get("summary", ""),
        style=document["style"],
        benchmark=document["benchmark"],
        metric=document["metric"],
        data=_data(document["data"], f"{path} [data]"),
        protocols=protocols,
        default_protocol=default,
        folder=folder,
        digest=folder_digest(folder),
        origin=origin,
        unit=document.get("unit", "percent"),
        best=best,
        worst=worst,
        items=document.get("items"),
        margin=float(document.get("margin", 3.0)),
        protected=document.get("protected", False),
        graders=graders,
        options=document.get("options", {}),
    )


def _bounds(document: Mapping[str, Any], path: Path) -> tuple[float | None, float]:
    """Greatest and least value of an attempt."""
    best, worst = document.get("best"), float(document.get("worst", 0.0))
    if best is None and "worst" in document:
        raise SuiteError(f"{path}: worst needs best: both ends of a scale, or neither.")
    if best is None:
        return None, worst
    if document.get("unit", "percent") != "points":
        raise SuiteError(f'{path}: best and worst are for unit = "points"; percent is 0 to 100.')
    if not (worst < best and math.isfinite(best - worst)):
        raise SuiteError(f"{path}: best must be greater than worst, not {worst:g} to {best:g}.")
    return float(best), worst


def folder_digest(folder: Path) -> str:
    """sha256 over names and bytes of the files that decide what is run (not README, fixtures)."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if relative.name in NOT_DIGESTED or "__pycache__" in relative.parts:
            continue
        content = path.read_bytes()
        name = relative.as_posix().encode()
        digest.update(b"%d:%b%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def _protocol(name: str, table: Any, where: str) -> SuiteProtocol:
    _check(table, _PROTOCOL, where, ("summary",))
    k = table.get("k", 1)
    if k < 1:
        raise SuiteError(f"{where}: k must be at least 1, not {k}.")
    return SuiteProtocol(
        name=name,
        summary=table["summary"],
        prompt=_text(table.get("prompt"), f"{where} prompt"),
        system=_text(table.get("system"), f"{where} system"),
        k=k,
        params=table.get("params", {}),
        grader=table.get("grader"),
        variant=table.get("variant"),
        settings=table.get("settings", {}),
        options=table.get("options", {}),
        texts=_texts(table.get("texts", {}), where),
        data=_data(table["data"], f"{where} data") if "data" in table else None,
    )


def _texts(table: Mapping[str, Any], where: str) -> dict[str, TextSource]:
    texts = {name: _text(value, f"{where} texts.{name}") for name, value in table.items()}
    for name in ("prompt", "system"):
        if name in texts:
            raise SuiteError(f"{where} texts: {name} is a key of the protocol itself.")
    return {name: text for name, text in texts.items() if text is not None}


def _text(value: Any, where: str) -> TextSource | None:
    if value is None:
        return None
    if isinstance(value, str):
        return TextSource(text=value)
    _check(value, _TEXT, where, ())
    if sum(key in value for key in ("text", "file", "source")) != 1:
        raise SuiteError(f"{where}: give exactly one of text, file and source.")
    if "source" in value and "sha256" not in value:
        raise SuiteError(f"{where}: a source needs the sha256 of the file it names.")
    return TextSource(**value)


def _data(table: Mapping[str, Any], where: str) -> DataSpec:
    _check(table, _DATA, where, ())
    kinds = [key for key in ("hub", "file", "package", "source", "url") if key in table]
    if len(kinds) != 1:
        raise SuiteError(f"{where}: give exactly one of hub, file, package, source and url.")
    if "url" in table and "sha256" not in table:
        raise SuiteError(f"{where}: a url needs the sha256 of its file.")
    _check(table.get("known", {}), dict.fromkeys(table.get("known", {}), str), f"{where} known", ())
    files = table.get("files", {})
    _check(files, dict.fromkeys(files, str), f"{where} files", ())
    if files and "file" in table:
        raise SuiteError(f"{where}: files lie below a source, a package or a set of the hub.")
    if "source" in table and not files:
        raise SuiteError(f"{where}: a source needs [data.files], each path with its sha256.")
    if "package" in table and not files and not {"member", "sha256"} <= set(table):
        raise SuiteError(f"{where}: a package needs member and sha256, or [data.files].")
    unpinned = sorted(path for path, digest in files.items() if not digest)
    if unpinned and not table.get("revision"):
        raise SuiteError(f"{where} files: {unpinned[0]} needs its sha256.")
    columns: dict[str, tuple[str, ...]] = {}
    for ours, theirs in table.get("fields", {}).items():
        names = (theirs,) if isinstance(theirs, str) else theirs
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise SuiteError(f"{where} fields: {ours} must be a column name or a list of them.")
        columns[ours] = tuple(names)
    optional = tuple(table.get("optional", ()))
    if stray := [path for path in optional if path not in files]:
        raise SuiteError(f"{where}: optional names {stray[0]!r}, which is not in [data.files].")
    return DataSpec(**{**table, "fields": columns, "optional": optional})


def _check(
    table: Any,
    known: Mapping[str, type | tuple[type, ...]],
    where: str,
    required: Iterable[str],
) -> None:
    if not isinstance(table, Mapping):
        raise SuiteError(f"{where} must be a table.")
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
            raise SuiteError(f"{where}: unknown key {key!r}.{hint}")
        kind = known[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(k.__name__ for k in kinds)
            raise SuiteError(f"{where}: {key} must be {wanted}, not {value!r}.")
    for key in required:
        if key not in table:
            raise SuiteError(f"{where}: the key {key!r} is missing.")
