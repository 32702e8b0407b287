from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import DataSpec, TextSource, load_text, pull
from evalkit.data.constants import string_constant
from evalkit.errors import DataError

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
SOURCE = f"github:some-org/some.repo@{COMMIT}:evals/prompts.py"
FILE = b'''
"""Prompts, written for this test."""
raise SystemExit("must never run")
PLAIN = "Answer {question}"
SHAPED = """
    Think about {question}.
""".strip()
'''
DIGEST = sha256(FILE).hexdigest()
PINNED = TextSource(source=SOURCE, sha256=DIGEST, constant="SHAPED")


class Site:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.content = FILE
        self.base = ""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    serving = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serving.asked.append(self.path)
            if self.path != f"/some-org/some.repo/{COMMIT}/evals/prompts.py":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(serving.content)))
            self.end_headers()
            self.wfile.write(serving.content)

        def log_message(self, *args: Any) -> None:
            pass

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    serving.base = f"http://127.0.0.1:{server.server_port}"
    yield serving
    server.shutdown()
    thread.join()
    server.server_close()


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_text_of_the_suite_itself(tmp_path: Path) -> None:
    inline = load_text(TextSource(text="Say {x}."), folder=tmp_path, mirror=None)
    assert (inline.text, inline.sha256) == ("Say {x}.", digest("Say {x}."))
    (tmp_path / "prompt.txt").write_bytes("\ufeffÜber {x}\n".encode())
    local = load_text(TextSource(file="prompt.txt"), folder=tmp_path, mirror=None)
    assert local.text == "Über {x}\n"
    assert local.origin == "file prompt.txt"
    with pytest.raises(DataError, match=r"absent\.txt"):
        load_text(TextSource(file="absent.txt"), folder=tmp_path, mirror=None)
    with pytest.raises(DataError, match="another version"):
        load_text(TextSource(file="prompt.txt", sha256="0" * 64), folder=tmp_path, mirror=None)
    with pytest.raises(DataError, match="exactly one"):
        load_text(TextSource(text="a", file="b"), folder=tmp_path, mirror=None)


def test_an_official_text_is_fetched_once(site: Site, tmp_path: Path) -> None:
    text = load_text(PINNED, folder=tmp_path, mirror=None, base=site.base)
    assert text.text == "Think about {question}."
    assert text.sha256 == digest(text.text)
    assert text.origin == f"{SOURCE}#SHAPED"
    plain = replace(PINNED, constant="PLAIN")
    assert load_text(plain, folder=tmp_path, mirror=None, base=site.base).text == (
        "Answer {question}"
    )
    whole = load_text(replace(PINNED, constant=None), folder=tmp_path, mirror=None, base=site.base)
    assert whole.text == FILE.decode()
    assert len(site.asked) == 1


def test_a_file_with_another_digest_is_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    site.content = FILE + b"# changed\n"
    for _ in range(2):
        with pytest.raises(DataError, match=r"another version of the text"):
            load_text(PINNED, folder=tmp_path, mirror=None, base=site.base)
    assert len(site.asked) == 2


def test_a_source_must_be_pinned(tmp_path: Path) -> None:
    for source in ("github:o/r@main:p.py", "github:o/r:p.py", "https://x/y.py",
                   f"github:o/r@{COMMIT}:a/../../b.py"):  # fmt: skip
        with pytest.raises(DataError, match="commit of 40 hex digits"):
            load_text(TextSource(source=source, sha256=DIGEST), folder=tmp_path, mirror=None)
    with pytest.raises(DataError, match="needs the sha256"):
        load_text(TextSource(source=SOURCE), folder=tmp_path, mirror=None)


def test_no_network_names_the_ways_round(site: Site, tmp_path: Path) -> None:
    absent = TextSource(source=SOURCE.replace("prompts", "absent"), sha256="0" * 64)
    for base in (site.base, "http://127.0.0.1:9"):
        with pytest.raises(DataError) as caught:
            load_text(absent, folder=tmp_path, mirror=None, base=base)
        assert "EVALKIT_MIRROR" in str(caught.value)
        assert "\n" not in str(caught.value)


def mirror_of(folder: Path, name: str, content: bytes, **facts: str) -> Path:
    folder.mkdir()
    (folder / name).write_bytes(content)
    entry = {"file": name, "sha256": sha256(content).hexdigest(), **facts}
    (folder / "index.json").write_text(json.dumps({"format": 1, "entries": {SOURCE: entry}}))
    return folder


def test_a_mirror_of_the_original_file(tmp_path: Path) -> None:
    mirror = mirror_of(tmp_path / "m", "prompts.py", FILE)
    text = load_text(PINNED, folder=tmp_path, mirror=mirror, base="http://127.0.0.1:9")
    assert text.text == "Think about {question}."
    with pytest.raises(DataError, match="another version"):
        load_text(replace(PINNED, sha256="0" * 64), folder=tmp_path, mirror=mirror)


def test_a_mirror_of_constants(tmp_path: Path) -> None:
    document = {"file_sha256": DIGEST, "constants": {"SHAPED": "Think about {question}."}}
    mirror = mirror_of(tmp_path / "m", "p.json", json.dumps(document).encode(), format="constants")
    text = load_text(PINNED, folder=tmp_path, mirror=mirror)
    assert text.text == "Think about {question}."
    assert text.origin == f"{SOURCE}#SHAPED (mirror)"
    with pytest.raises(DataError, match=r"lacks 'PLAIN'; it has SHAPED"):
        load_text(replace(PINNED, constant="PLAIN"), folder=tmp_path, mirror=mirror)
    with pytest.raises(DataError, match="lacks the whole file"):
        load_text(replace(PINNED, constant=None), folder=tmp_path, mirror=mirror)
    with pytest.raises(DataError, match="another version"):
        load_text(replace(PINNED, sha256="0" * 64), folder=tmp_path, mirror=mirror)


@pytest.mark.parametrize("content", [b"[]", b"{}", b"no", b'{"file_sha256": 1, "constants": {}}',
                                     b'{"file_sha256": "x", "constants": {"A": 1}}'])  # fmt: skip
def test_broken_constants_are_told(tmp_path: Path, content: bytes) -> None:
    mirror = mirror_of(tmp_path / "m", "p.json", content, format="constants")
    with pytest.raises(DataError, match="not an object with `file_sha256` and `constants`"):
        load_text(PINNED, folder=tmp_path, mirror=mirror)


def test_what_was_pulled_works_without_network(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [PINNED, replace(PINNED, constant="PLAIN"), TextSource(text="own")]
    to = tmp_path / "mirror"
    report = pull([DataSpec(file="rows.jsonl")], texts, to, base=site.base)
    assert (report.written, report.present) == ((SOURCE,), ())
    assert report.local == ("file:rows.jsonl", "text")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    for source, text in ((texts[0], "Think about {question}."), (texts[1], "Answer {question}")):
        found = load_text(source, folder=tmp_path, mirror=to, base="http://127.0.0.1:9")
        assert found.text == text
    assert pull([], texts, to, base="http://127.0.0.1:9").written == ()
    # A second mirror is made from the first, without network.
    second = pull([], texts, tmp_path / "second", mirror=to, base="http://127.0.0.1:9")
    assert second.written == (SOURCE,)


def test_what_cannot_be_had_does_not_keep_the_rest_back(site: Site, tmp_path: Path) -> None:
    folder = SOURCE.rpartition("/")[0]
    lost = replace(PINNED, source=f"{folder}/lost.py", sha256="2" * 64)
    several = DataSpec(source=folder, files={"a.json": "0" * 64, "b.json": "1" * 64})
    to = tmp_path / "mirror"
    report = pull([several], [lost, PINNED], to, base=site.base)
    assert report.written == (SOURCE,)
    assert list(report.missing) == [folder, lost.source]
    assert "a.json" in next(iter(report.missing.values()))
    assert pull([], [PINNED], to, base="http://127.0.0.1:9").missing == {}


def test_a_damaged_file_is_pulled_again_but_a_damaged_index_is_left(
    site: Site, tmp_path: Path
) -> None:
    to = tmp_path / "mirror"
    pull([], [PINNED], to, base=site.base)
    (file,) = (to / "files").iterdir()
    file.write_bytes(b"damaged")
    assert pull([], [PINNED], to, base=site.base).written == (SOURCE,)
    assert file.read_bytes() == FILE
    (to / "index.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        pull([], [PINNED], to, base=site.base)
    assert (to / "index.json").read_text() == "{"


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("A = 'x'", "A", "x"),
        ("A: str = 'x'", "A", "x"),
        ("A = 'x'\nA = 'y'", "A", "y"),
        ("A = ('x'\n 'y')", "A", "xy"),
        ("A = 'x' + 'y'", "A", "xy"),
        ("A = r'\\boxed{}'", "A", "\\boxed{}"),
        ("A = f'x' 'y{{}}'", "A", "xy{{}}"),
        ("A = ' x '.strip()", "A", "x"),
        ("A = '--x--'.lstrip('-').removesuffix('--')", "A", "x"),
        ("A = '''\n  x\n   y\n'''.rstrip()", "A", "\n  x\n   y"),
        ("import textwrap\nA = textwrap.dedent('  x\\n  y')", "A", "x\ny"),
        ("A = dedent('''\n  x\n  y''').strip()", "A", "x\ny"),
        ("B = 'b'\nA = 'a' + B", "A", "ab"),
        ("class C:\n  A = 'x'", "A", "x"),
        ("class C:\n  A = 'x'\nclass D:\n  A = 'y'", "D.A", "y"),
        ("class C:\n  B = 'b'\n  A = B + 'a'", "C.A", "ba"),
        ("A = 'top'\nclass C:\n  A = 'inner'", "A", "top"),
    ],
)
def test_texts_that_are_written_down(source: str, name: str, text: str) -> None:
    assert string_constant(source, name) == text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("B = 'x'", "no constant 'A'; its texts are B"),
        ("class C:\n  A = 'x'\nclass D:\n  A = 'y'", r"'A' 2 times; its texts are C\.A, D\.A"),
        ("A = 3", "computed"),
        ("A = open('x').read()", "computed"),
        ("A = f'{B}'\nB = 3", "computed"),
        ("A = 'x'.format(1)", "computed"),
        ("A = 'x'.strip(chars='x')", "computed"),
        ("A = A + 'x'", "computed"),
        ("A = 'x'.removeprefix()", "computed"),
        ("def f(): A = 'x'", "no constant 'A'; its texts are none"),
        ("A = (", "not Python"),
        ("A = '\0'", "not Python"),
    ],
)
def test_texts_that_are_not(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        string_constant(source, "A")


def test_a_folder_of_ones_own_serves_the_pinned_file_and_no_other(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout" / "evals"
    checkout.mkdir(parents=True)
    (checkout / "prompts.py").write_bytes(FILE)
    for own in (tmp_path / "checkout", checkout):
        found = load_text(PINNED, folder=tmp_path, mirror=None, own=own)
        assert found.origin.endswith("#SHAPED (--data)")
    (checkout / "prompts.py").write_bytes(FILE + b"\n")
    with pytest.raises(DataError, match="could not be fetched"):
        load_text(PINNED, folder=tmp_path, mirror=None, own=checkout, base="http://127.0.0.1:9")
