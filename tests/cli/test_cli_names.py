"""Runs are named alike by every command: a folder, a name under results/runs, its beginning."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.adapters.own_judged import write_and_judge, write_eq
from tests.cli.calling import call
from tests.model_server import serve_model
from tests.sums import add, write_sums


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_pairwise_takes_names_of_runs_and_files_of_outputs(folder: Path) -> None:
    suite, data = write_eq(folder)
    what = ("--suite", str(suite), "--data", str(data))
    with serve_model(write_and_judge) as server:
        judge = ("--judge-model", "tiny", "--judge-base-url", server.url)
        for model in ("one", "two"):
            done = call(
                folder, "run", str(suite), "--data", str(data), "-m", model, "--base-url",
                server.url, "--no-preflight", "-k", "1", "-q", *judge,
            )  # fmt: skip
            assert done.code == 0, done.err
        names = sorted(path.name for path in (folder / "results" / "runs").iterdir())
        prefixes = [name[: name.rindex("--")] for name in names]
        found = call(folder, "judge", "pairwise", *prefixes, *what, *judge, "--json")
        assert found.code == 0, found.err
        report = json.loads(found.out)
        assert (report["first"], report["second"]) == ("one", "two")
        assert report["pairs"] == 2
        (folder / "mine.jsonl").write_text('{"sample_id": "1", "response": "Mine."}\n')
        mixed = call(folder, "judge", "pairwise", names[0], "mine.jsonl", *what, *judge, "--json")
        assert mixed.code == 0, mixed.err
        assert json.loads(mixed.out)["second"] == "mine"
        missing = call(folder, "judge", "pairwise", "three", names[0], *what, *judge)
    assert missing.code == 2
    assert "no run 'three'" in missing.err


def test_predictions_take_the_beginning_of_a_name(folder: Path) -> None:
    suite = write_sums(folder, 1)
    with serve_model(add) as server:
        flags = ("-m", "tiny", "--base-url", server.url, "-q")
        assert call(folder, "run", str(suite), *flags).code == 0
    said = call(folder, "predictions", "sums--tiny")
    assert said.code == 2
    assert "answers are no patches" in said.err
    assert "no run 'other'" in call(folder, "predictions", "other").err


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="the embedded server is an extra")
def test_a_claim_about_an_embedded_model_is_found_before_it_is_started(folder: Path) -> None:
    suite = write_sums(folder)
    name = "Qwen2.5-Coder-0.5B-Instruct"
    line = {
        "id": "abc123",
        "document": "d",
        "model": name,
        "model_raw": name,
        "benchmark": "Sums",
        "benchmark_raw": "Sums",
        "metric": "avg@k",
        "value": 50.0,
        "unit": "percent",
    }
    (folder / "ledger.jsonl").write_text(json.dumps(line) + "\n")
    said = call(
        folder, "run", str(suite), "-m", "local/qwen2.5-coder-0.5b", "--until-verdict",
        "--reported", "ledger.jsonl", "--margin", "20", "--cache", "only", "-q",
    )  # fmt: skip
    assert "no claim" not in said.err
    assert "response cache" in said.err  # it may not ask, and so begins no server
