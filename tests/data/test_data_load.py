from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import DataSpec, load_rows, pull
from evalkit.data.rows import fingerprint
from evalkit.errors import DataError

REVISION = "0123456789abcdef0123456789abcdef01234567"
SPEC = DataSpec(hub="org/set", revision=REVISION, fields={"target": ("answer", "expected")})
ROWS = [{"id": "a", "q": "1+1?", "answer": 2}, {"id": "b", "q": "1+2?", "answer": 3}]

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def to(rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return path

    return to


def make_mirror(folder: Path, entries: dict[str, Path], **facts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    index = {
        key: {"file": str(path), "sha256": sha256(path.read_bytes()).hexdigest(), **facts}
        for key, path in entries.items()
    }
    (folder / "index.json").write_text(json.dumps({"format": 1, "entries": index}))
    return folder


def test_a_file_of_the_suite(write: Writer, tmp_path: Path) -> None:
    path = write(ROWS, "suite/rows.jsonl")
    digest = sha256(path.read_bytes()).hexdigest()
    spec = DataSpec(file="rows.jsonl", sha256=digest, fields={"target": ("answer",)})
    rows = load_rows(spec, folder=tmp_path / "suite")
    assert rows.rows == (
        {"id": "a", "q": "1+1?", "target": 2},
        {"id": "b", "q": "1+2?", "target": 3},
    )
    assert (rows.count, rows.origin, rows.revision, rows.sha256) == (
        2,
        "file rows.jsonl",
        None,
        digest,
    )


def test_another_digest_is_refused(write: Writer, tmp_path: Path) -> None:
    write(ROWS)
    with pytest.raises(DataError, match=r"rows\.jsonl.*another version"):
        load_rows(DataSpec(file="rows.jsonl", sha256="0" * 64), folder=tmp_path)


def test_the_persons_own_file_goes_before_everything(write: Writer, tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {f"hub:org/set@{REVISION}:test": write(ROWS)})
    own = write([{"id": "z", "expected": 9}], "own.jsonl")
    rows = load_rows(SPEC, folder=tmp_path, override=own, mirror=mirror)
    assert rows.rows == ({"id": "z", "target": 9},)
    assert rows.origin == "file own.jsonl (--data)"
    assert rows.revision is None
    assert rows.sha256 == sha256(own.read_bytes()).hexdigest()


def test_a_mirror_by_revision_and_without(write: Writer, tmp_path: Path) -> None:
    path = write(ROWS)
    less = write(ROWS[:1], "less.jsonl")
    keys = {f"hub:org/set@{REVISION}:test": path, "hub:org/set:test": less}
    exact = make_mirror(tmp_path / "m", keys)
    rows = load_rows(SPEC, folder=tmp_path, mirror=exact)
    assert (rows.count, rows.revision) == (2, REVISION)
    assert rows.origin == f"hub:org/set@{REVISION}:test (mirror)"
    loose = make_mirror(tmp_path / "n", {"hub:org/set:test": path})
    rows = load_rows(SPEC, folder=tmp_path, mirror=loose)
    assert (rows.count, rows.revision) == (2, None)  # nobody vouches for the revision


def test_a_copy_of_a_mirror_vouches_for_no_more_than_the_mirror(
    write: Writer, tmp_path: Path
) -> None:
    own = make_mirror(tmp_path / "own", {"hub:org/set:test": write(ROWS)})
    report = pull([SPEC], [], tmp_path / "copy", mirror=own)
    assert report.written == ("hub:org/set:test",)
    rows = load_rows(SPEC, folder=tmp_path, mirror=tmp_path / "copy")
    assert (rows.count, rows.revision) == (2, None)


def test_a_mirror_of_another_revision_is_refused(write: Writer, tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {"hub:org/set:test": write(ROWS)}, revision="f" * 40)
    with pytest.raises(DataError, match=r"at revision f+, but"):
        load_rows(SPEC, folder=tmp_path, mirror=mirror)


def test_a_configuration_is_part_of_the_key(write: Writer, tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {f"hub:org/set/small@{REVISION}:train": write(ROWS)})
    spec = DataSpec(hub="org/set", config="small", split="train", revision=REVISION)
    assert load_rows(spec, folder=tmp_path, mirror=mirror).count == 2


def test_a_changed_file_in_a_mirror_is_refused(write: Writer, tmp_path: Path) -> None:
    path = write(ROWS)
    mirror = make_mirror(tmp_path / "m", {"hub:org/set:test": path})
    path.write_text('{"id": "a", "q": "1+1?", "answer": 3}')
    with pytest.raises(DataError, match=r"rows\.jsonl has the sha256.*index says"):
        load_rows(SPEC, folder=tmp_path, mirror=mirror)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (None, "no index that can be read.*evalkit data pull"),
        ("{", "line 1: not valid JSON"),
        ("[]", "format None"),
        ('{"format": 9, "entries": {}}', "format 9; this evalkit reads format 1"),
        ('{"format": 1}', "no object `entries`"),
        ('{"format": 1, "entries": {"k": 3}}', "entry 'k' must be an object"),
        ('{"format": 1, "entries": {"k": {"file": "x"}}}', "entry 'k': sha256 must be a text"),
        ('{"format": 1, "entries": {"k": {"file": "x", "sha256": "", "format": "zip"}}}', "'zip'"),
        ('{"format": 1, "entries": {"hub:org/set:test": {"file": "no.jsonl", "sha256": ""}}}',
         r"lists 'hub:org/set:test', but its file .*no\.jsonl"),
    ],
)  # fmt: skip
def test_a_broken_mirror_is_told(tmp_path: Path, index: str | None, message: str) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)
    with pytest.raises(DataError, match=message):
        load_rows(SPEC, folder=tmp_path, mirror=tmp_path)


def test_a_missing_column_names_file_columns_and_what_was_wanted(
    write: Writer, tmp_path: Path
) -> None:
    own = write([{"id": "a", "solution": 1, "q": ""}], "own.jsonl")
    with pytest.raises(DataError) as caught:
        load_rows(SPEC, folder=tmp_path, override=own)
    for part in ("own.jsonl", "'answer' or 'expected' or 'target'", "'id', 'solution', 'q'"):
        assert part in str(caught.value)


def test_a_column_missing_in_one_row_names_the_row(write: Writer, tmp_path: Path) -> None:
    own = write([{"answer": 1}, {"other": 1}], "own.jsonl")
    with pytest.raises(DataError, match=r"row 2: the column 'answer' \(our 'target'\)"):
        load_rows(SPEC, folder=tmp_path, override=own)


def test_the_first_name_that_is_there_wins_and_ours_is_the_last(
    write: Writer, tmp_path: Path
) -> None:
    both = write([{"expected": 1, "answer": 2, "target": 3}], "both.jsonl")
    row = load_rows(SPEC, folder=tmp_path, override=both).rows[0]
    assert row == {"expected": 1, "target": 2, "id": "0"}
    ours = write([{"target": 3}], "ours.jsonl")
    assert load_rows(SPEC, folder=tmp_path, override=ours).rows[0]["target"] == 3


def test_one_column_may_serve_two_names(write: Writer, tmp_path: Path) -> None:
    spec = DataSpec(file="rows.jsonl", fields={"id": ("q",), "input": ("q",)})
    write([{"q": "x"}])
    assert load_rows(spec, folder=tmp_path).rows == ({"id": "x", "input": "x"},)


def test_rows_without_ids_are_numbered_and_ids_are_texts(write: Writer, tmp_path: Path) -> None:
    spec = DataSpec(file="rows.jsonl")
    write([{"q": "x"}, {"q": "y"}])
    assert [row["id"] for row in load_rows(spec, folder=tmp_path).rows] == ["0", "1"]
    write([{"id": 7}, {"id": "8"}])
    assert [row["id"] for row in load_rows(spec, folder=tmp_path).rows] == ["7", "8"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": 1}, {"id": 2}, {"id": "1"}], r"the id '1' occurs twice \(rows 1 and 3\)"),
        ([{"id": 1}, {"q": 2}], "row 2: the row has no id"),
        ([{"id": 1}, {"id": None}], "row 2: the row has no id"),
        ([{"id": ""}], "row 1: the row has no id"),
    ],
)
def test_ids_must_tell_rows_apart(
    write: Writer, tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    write(rows)
    with pytest.raises(DataError, match=message):
        load_rows(DataSpec(file="rows.jsonl"), folder=tmp_path)


def test_the_fingerprint_is_of_the_content_not_of_its_form(write: Writer, tmp_path: Path) -> None:
    def of(rows: list[dict[str, Any]]) -> str:
        write(rows)
        spec = DataSpec(file="rows.jsonl", fields={"target": ("answer", "expected")})
        return load_rows(spec, folder=tmp_path).fingerprint

    base = of(ROWS)
    assert of([dict(reversed(row.items())) for row in ROWS]) == base
    assert of([{"id": r["id"], "q": r["q"], "expected": r["answer"]} for r in ROWS]) == base
    assert of(ROWS[::-1]) != base
    assert of([ROWS[0], ROWS[1] | {"answer": 4}]) != base


def test_the_fingerprint_takes_what_json_cannot() -> None:
    big = [{"a": 2**70, "b": b"bytes"}]
    assert fingerprint(big) == fingerprint(big)
    assert fingerprint(big) != fingerprint([{"a": 2**70, "b": b"other"}])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (DataSpec(), "exactly one of hub, file, package, source and url"),
        (DataSpec(hub="a/b", file="c"), "exactly one"),
        (DataSpec(hub="a/b", revision="main"), "'main' of a/b is not a commit"),
        (DataSpec(hub="a/b", sha256="0" * 64), "a revision pins it"),
        (DataSpec(package="x==1"), "without the member"),
        (DataSpec(package="x>=1", member="m"), "dist==version"),
        (DataSpec(package="-r==1", member="m"), "dist==version"),
    ],
)
def test_a_source_that_pins_nothing_is_refused(
    tmp_path: Path, spec: DataSpec, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_rows(spec, folder=tmp_path)
