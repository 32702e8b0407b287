"""What a person gets wrong: one paragraph with what to do, the right exit code, nothing spent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.calling import Called, call
from tests.model_server import serve_model
from tests.sums import add, write_sums


def assert_one_paragraph(said: Called, code: int, *words: str) -> None:
    assert said.code == code, said
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err  # one paragraph, no traceback
    for word in words:
        assert word in said.err


def test_wrong_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_API_KEY", "sk-wrong-one")
    suite = write_sums(tmp_path)
    with serve_model(add, key="sk-right-one") as server:
        said = call(tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url, "-q")
        assert_one_paragraph(said, 1, "EVALKIT_API_KEY", "401")
        assert "sk-wrong-one" not in said.err
        assert server.asked == []
    assert not list(tmp_path.glob("results/runs/*"))


def test_unknown_model(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    with serve_model(add, models=("tiny", "large")) as server:
        said = call(tmp_path, "run", str(suite), "-m", "tinny", "--base-url", server.url, "-q")
        assert_one_paragraph(said, 1, "'tinny'", "Did you mean 'tiny'?", "-m")
        assert server.asked == []


def test_a_model_that_is_served_but_not_listed(tmp_path: Path) -> None:
    suite = write_sums(tmp_path, 1)
    with serve_model(add, models=("large",)) as server:
        flags = ("run", str(suite), "-m", "tiny", "--base-url", server.url, "-q", "--no-preflight")
        assert call(tmp_path, *flags).code == 0
        listed = ("run", str(suite), "-m", "large:fast", "--base-url", server.url, "-q")
        assert call(tmp_path, *listed).code == 0


def test_no_server(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    said = call(tmp_path, "run", str(suite), "-m", "tiny", "--base-url", url, "-q")
    assert_one_paragraph(said, 1, url)


def test_misspelled_toml_key(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    (tmp_path / "evalkit.toml").write_text("[defaults]\nconcurency = 4\n")
    with serve_model(add) as server:
        said = call(tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url)
        assert_one_paragraph(said, 2, "'concurency'", "Did you mean 'concurrency'?", "evalkit.toml")
        assert server.asked == []


def test_credential_in_toml(tmp_path: Path) -> None:
    (tmp_path / "evalkit.toml").write_text(
        '[endpoints.x]\nbase_url = "http://h/v1"\nheaders = { Authorization = "Bearer sk-1" }\n'
    )
    said = call(tmp_path, "run", str(write_sums(tmp_path)), "-m", "tiny", "--endpoint", "x")
    assert_one_paragraph(said, 2, "api_key_env")
    assert "sk-1" not in said.err


def _missing_column(suite: Path) -> None:
    (suite / "sums.jsonl").write_text('{"id": "a", "question": "1+1", "solution": 2}\n')


def _empty(suite: Path) -> None:
    (suite / "sums.jsonl").write_text("")


def _broken_line(suite: Path) -> None:
    (suite / "sums.jsonl").write_text('{"id": "a", "question": "1+1", "target": 2}\n{"id": \n')


def _twice(suite: Path) -> None:
    line = '{"id": "a", "question": "1+1", "target": 2}\n'
    (suite / "sums.jsonl").write_text(line + line)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_missing_column, ("target", "solution")),
        (_empty, ("empty", "sums.jsonl")),
        (_broken_line, ("line 2", "sums.jsonl")),
        (_twice, ("'a'",)),
        (lambda suite: (suite / "sums.jsonl").unlink(), ("sums.jsonl",)),
    ],
)
def test_bad_data(tmp_path: Path, spoil: Callable[[Path], None], words: tuple[str, ...]) -> None:
    suite = write_sums(tmp_path)
    spoil(suite)
    with serve_model(add) as server:
        said = call(tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url)
        assert_one_paragraph(said, 2, *words)
        assert server.asked == []


def test_a_suite_name_found_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sums(tmp_path / "suites")
    other = write_sums(tmp_path / "other", 3)
    monkeypatch.setenv("EVALKIT_SUITES", str(other.parent))
    said = call(tmp_path, "run", "sums", "-m", "tiny", "--base-url", "http://127.0.0.1:1/v1")
    assert_one_paragraph(said, 2, "found twice", "suites/sums", str(other))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--protocol", "plian"), ("'plian'", "plain")),
        (("--grader", "judge"), ("'judge'", "number")),
        (("--budget-usd", "1"), ("price", "--budget-tokens")),
        (("--endpoint", "nowhere"), ("'nowhere'", "Name one")),
        (("--cache", "sometimes"), ("sometimes",)),
        (("--temperature", "nan"), ("finite",)),
        (("--timeout", "-1"), ("timeout_s", "-1")),
        (("--param", "temperature=hot"), ("--param", "temperature must be a number", "'hot'")),
        (("--param", "seed=1.5"), ("--param", "seed must be a whole number", "1.5")),
        (("--param", "n=true"), ("n must be a whole number", "True")),
        (("--extra-body", '{"top_p": "0.9"}'), ("--extra-body", "top_p", "'0.9'")),
    ],
)
def test_flags(tmp_path: Path, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    suite = write_sums(tmp_path)
    with serve_model(add) as server:
        said = call(
            tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url, "-q", *flags
        )
        assert said.code == 2, said
        for word in words:
            assert word in said.err
        assert server.asked == []


def test_a_protocol_with_a_temperature_in_words(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    toml = suite / "suite.toml"
    toml.write_text(toml.read_text().replace("temperature = 0", 'temperature = "hot"'))
    with serve_model(add) as server:
        said = call(tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url, "-q")
        assert_one_paragraph(said, 2, "temperature must be a number", "'hot'")
        assert server.asked == []


def test_parameters_that_no_list_knows_and_null_pass(tmp_path: Path) -> None:
    suite = write_sums(tmp_path, 1)
    flags = ("--param", "temperature=null", "--param", "mood=hot", "--param", "max_tokens=9e1")
    with serve_model(add) as server:
        said = call(
            tmp_path, "run", str(suite), "-m", "tiny", "--base-url", server.url, "-q", *flags
        )
        assert said.code == 0, said
        assert server.asked[0]["mood"] == "hot"
        assert server.asked[0]["max_tokens"] == 90
        assert "temperature" not in server.asked[0]


def test_no_model_and_no_address(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    assert_one_paragraph(call(tmp_path, "run", str(suite), "-m", "x"), 2, "--base-url", "local/")
    said = call(tmp_path, "run", str(suite), "--base-url", "http://127.0.0.1:1/v1")
    assert_one_paragraph(said, 2, "-m MODEL")


@contextlib.contextmanager
def serve_page(page: bytes) -> Iterator[tuple[str, list[str]]]:
    """A web site that answers everything with one page: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append(self.command)
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_GET

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_the_address_of_a_web_site(tmp_path: Path) -> None:
    suite = write_sums(tmp_path)
    with serve_page(b"<!doctype html><title>Our Lab</title><p>Welcome</p>") as (url, asked):
        flags = ("-m", "tiny", "--base-url", url, "-q", "--concurrency", "1")
        said = call(tmp_path, "run", str(suite), *flags)
    assert said.code == 1
    for word in ("web page", "'Our Lab'", "https://api.moonshot.ai/v1"):
        assert word in said.err
    assert asked == ["GET", "POST"]


def test_a_pull_says_what_it_has_and_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = b'{"problem": "1+1?", "answer": 2}\n'
    (tmp_path / "have").mkdir()
    (tmp_path / "have" / "rows.jsonl").write_bytes(rows)
    entry = {"file": "rows.jsonl", "sha256": sha256(rows).hexdigest()}
    index = {"format": 1, "entries": {"hub:math-ai/aime25:test": entry}}
    (tmp_path / "have" / "index.json").write_text(json.dumps(index))
    for name in ("HTTPS_PROXY", "https_proxy"):  # no network, whatever this machine has
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    said = call(tmp_path, "data", "pull", "aime-2025", "--to", "mirror", "--mirror", "have")
    assert said.code == 2
    assert "fetched  hub:math-ai/aime25:test\n" in said.out
    assert "missing  github:openai/gpt-oss@" in said.out
    assert "What was fetched is kept" in said.err
    kept = json.loads((tmp_path / "mirror" / "index.json").read_text())
    assert list(kept["entries"]) == ["hub:math-ai/aime25:test"]
