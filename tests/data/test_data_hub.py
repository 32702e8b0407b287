"""The hub, with its own library, against a small hub on loopback."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")

REVISION = "0123456789abcdef0123456789abcdef01234567"
FILE = b'{"id": "a", "answer": 1}\n{"id": "b", "answer": 2}\n'
ETAG = sha1(FILE).hexdigest()

# One process takes many steps: importing the library costs more than all of them.
CODE = """
import json, os, sys, time
from dataclasses import asdict
from pathlib import Path
from evalkit.data import DataSpec, load_rows, pull
from evalkit.errors import DataError
steps, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
answers = {}
slept = []
time.sleep = slept.append
for name, step in steps.items():
    spec = DataSpec(**step["spec"])
    mirror = folder / "mirror" if step.get("mirror") else None
    try:
        if step.get("pull"):
            answers[name] = {"written": pull([spec], [], folder / "mirror").written}
        else:
            answers[name] = asdict(load_rows(spec, folder=folder, mirror=mirror))
    except DataError as error:
        answers[name] = {"error": str(error)}
print(json.dumps(answers))
print(*slept, file=sys.stderr)
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)  # as the command line ends: threads of the library can abort an interpreter's own end
"""
PINNED = {"hub": "org/set", "revision": REVISION}
ONLINE: dict[str, Any] = {
    "gated": {"spec": {"hub": "org/gated", "revision": REVISION}},
    "shadowed": {"spec": {"hub": "org/shadow", "revision": REVISION}},
    "newest": {"spec": {"hub": "org/set"}},
    "pinned": {"spec": PINNED},
    "pulled": {"spec": PINNED, "pull": True},
    "other": {"spec": {"hub": "org/set", "revision": "f" * 40}},
}
OFFLINE: dict[str, Any] = {
    "cached": {"spec": PINNED},
    "mirrored": {"spec": PINNED, "mirror": True},
    "absent": {"spec": {"hub": "org/absent", "revision": REVISION}, "mirror": True},
}


UNREACHED: dict[str, Any] = {
    "cached without network": {"spec": PINNED},
    "absent without network": {"spec": {"hub": "org/absent", "revision": REVISION}},
    "newest without network": {"spec": {"hub": "org/set"}},
    "file without network": {
        "spec": {"hub": "org/absent", "revision": REVISION, "files": {"a.jsonl": ""}}
    },
}


class Handler(http.server.BaseHTTPRequestHandler):
    """As much of the hub's interface as reading one data set takes."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        headers = {"X-Repo-Commit": REVISION, "Content-Type": "application/json"}
        body = b""
        if path == f"/datasets/org/set/resolve/{REVISION}/test.jsonl":
            body, headers["ETag"] = FILE, f'"{ETAG}"'
        elif path in ("/api/datasets/org/set", f"/api/datasets/org/set/revision/{REVISION}"):
            body = json.dumps({"id": "org/set", "sha": REVISION, "tags": [], "siblings": [
                {"rfilename": "test.jsonl"}]}).encode()  # fmt: skip
        elif path == f"/api/datasets/org/set/tree/{REVISION}":
            entry = {"type": "file", "oid": ETAG, "size": len(FILE), "path": "test.jsonl"}
            body = json.dumps([entry]).encode()
        elif path.startswith(("/datasets/org/set/", "/api/datasets/org/set/")) and REVISION in path:
            headers["X-Error-Code"] = "EntryNotFound"
        elif "/org/gated" in path:
            headers["X-Error-Code"] = "GatedRepo"
        status = 200 if body else 403 if "/org/gated" in path else 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What all steps gave: first with the hub of ours, then without it."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "org" / "shadow").mkdir(parents=True)
    (folder / "org" / "shadow" / "test.jsonl").write_text('{"id": "z"}')
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    try:
        online = run(env, folder, ONLINE)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    # Nobody listens at the address any more, and nobody has told the library.
    online |= run(env, folder, UNREACHED)
    return online | run(env | {"HF_HUB_OFFLINE": "1"}, folder, OFFLINE)


def run(env: dict[str, str], folder: Path, steps: dict[str, Any]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(steps), str(folder)],
        env=env, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    given: dict[str, dict[str, Any]] = json.loads(done.stdout)
    if steps is UNREACHED:
        assert not done.stderr.strip()  # no lines of the library, no wait before another try
    return given


Answers = dict[str, dict[str, Any]]


def test_rows_of_a_pinned_commit_then_the_same_offline(answers: Answers) -> None:
    online = answers["pinned"]
    assert online["rows"] == [{"id": "a", "answer": 1}, {"id": "b", "answer": 2}]
    assert online["origin"] == f"hub:org/set@{REVISION}:test"
    assert online["revision"] == REVISION
    assert answers["cached"] == online


def test_a_commit_the_hub_does_not_have_is_not_replaced_by_a_cached_one(answers: Answers) -> None:
    assert f"at revision {'f' * 40}" in answers["other"]["error"]
    assert f"is revision {REVISION}" in answers["other"]["error"]


def test_without_a_revision_the_newest_is_looked_up_and_told(answers: Answers) -> None:
    assert answers["newest"]["revision"] == REVISION


def test_a_pulled_set_needs_no_hub(answers: Answers) -> None:
    assert answers["pulled"] == {"written": [f"hub:org/set@{REVISION}:test"]}
    for what in ("rows", "fingerprint", "revision"):
        assert answers["mirrored"][what] == answers["pinned"][what]


def test_what_cannot_be_had_names_the_ways_round(answers: Answers) -> None:
    error = answers["absent"]["error"]
    for part in ("EVALKIT_MIRROR", "--data FILE", "has no entry", "hub:org/absent@"):
        assert part in error
    assert "\n" not in error
    assert "HF_TOKEN" in answers["gated"]["error"]


def test_a_folder_of_the_sets_name_is_not_taken_for_it(answers: Answers) -> None:
    assert "in place of" in answers["shadowed"]["error"]


def test_a_hub_that_is_not_there_is_said_at_once_and_its_cache_still_serves(
    answers: Answers,
) -> None:
    assert answers["cached without network"] == answers["pinned"]
    for what in ("absent", "newest", "file"):
        error = answers[f"{what} without network"]["error"]
        for part in ("nobody answers at http://127.0.0.1:", "EVALKIT_MIRROR", "--data",
                     "evalkit data pull"):  # fmt: skip
            assert part in error
        assert "\n" not in error
    # Under the key that a mirror's index would have.
    assert f"hub:org/absent@{REVISION}:a.jsonl could" in answers["file without network"]["error"]
