"""Suites as TOML: what is read, what is refused, and which folder a name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.adapters import find_suite, read_suite, suite_folders
from evalkit.adapters.find import shipped_root
from evalkit.errors import SuiteError

MINIMAL = """
name = "{name}"
title = "Sums"
style = "exact-answer"
benchmark = "Sums"
metric = "avg@k"
graders = ["number", "exact"]
[data]
file = "sums.jsonl"
[data.fields]
target = ["answer", "sum"]
[protocols.plain]
summary = "as it is"
prompt = "What is {{question}}?"
"""


def write_suite(root: Path, name: str = "sums", text: str = MINIMAL, extra: str = "") -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.toml").write_text(text.format(name=name) + extra, encoding="utf-8")
    (folder / "sums.jsonl").write_text('{"id": "a", "question": "1+1", "answer": 2}\n')
    return folder


def test_reads_what_toml_says(tmp_path: Path) -> None:
    suite = read_suite(write_suite(tmp_path))
    assert (suite.name, suite.default_protocol, suite.margin) == ("sums", "plain", 3.0)
    assert suite.data.fields == {"target": ("answer", "sum")}
    assert suite.protocols["plain"].prompt is not None
    assert suite.protocols["plain"].prompt.text == "What is {question}?"


def test_points_may_have_a_scale(tmp_path: Path) -> None:
    assert read_suite(write_suite(tmp_path)).best is None
    points = MINIMAL.replace("[data]", 'unit = "points"\nbest = 10\nworst = -2.5\n[data]', 1)
    suite = read_suite(write_suite(tmp_path / "b", text=points))
    assert (suite.best, suite.worst) == (10.0, -2.5)


def test_a_protocol_may_have_rows_of_its_own(tmp_path: Path) -> None:
    extra = """
[protocols.later]
summary = "the corrected release"
[protocols.later.data]
file = "later.jsonl"
"""
    suite = read_suite(write_suite(tmp_path, extra=extra))
    assert suite.data_of(suite.protocols["plain"]) is suite.data
    assert suite.data_of(suite.protocols["later"]).file == "later.jsonl"
    assert [spec.file for spec in suite.all_data()] == ["sums.jsonl", "later.jsonl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("metric =", "metrik ="), "unknown key 'metrik'. Did you mean 'metric'"),
        (("summary =", "sumary ="), "[protocols.plain]: unknown key 'sumary'"),
        (('title = "Sums"', ""), "'title' is missing"),
        (('title = "Sums"', "title = 3"), "title must be str"),
        (('file = "sums.jsonl"', ""), "exactly one of hub, file, package, source and url"),
        (('summary = "as it is"', 'summary = ""\nk = 0'), "k must be at least 1"),
        (('summary = "as it is"', 'summary = ""\ngrader = "judge"'), "grader 'judge'"),
        (("[data]", "default_protocol = 'other'\n[data]"), "default_protocol is 'other'"),
        (("[data]", "[data"), "not valid TOML"),
        (("[data]", "best = 10\n[data]"), 'for unit = "points"'),
        (("[data]", 'unit = "points"\nworst = 1\n[data]'), "worst needs best"),
        (("[data]", 'unit = "points"\nbest = 1\nworst = 1.0\n[data]'), "not 1 to 1"),
        (("[data]", 'unit = "points"\nbest = inf\n[data]'), "not 0 to inf"),
        (("[data]", 'unit = "points"\nbest = "high"\n[data]'), "best must be int or float"),
    ],
)
def test_refuses_and_says_where(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(SuiteError, match=r"suite\.toml") as caught:
        read_suite(write_suite(tmp_path, text=MINIMAL.replace(*change)))
    assert message in str(caught.value)


def test_digest_covers_data_but_not_the_readme(tmp_path: Path) -> None:
    folder = write_suite(tmp_path)
    before = read_suite(folder).digest
    (folder / "README.md").write_text("words")
    assert read_suite(folder).digest == before
    (folder / "sums.jsonl").write_text("{}")
    assert read_suite(folder).digest != before


def test_a_name_found_twice_names_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = write_suite(tmp_path / "suites"), write_suite(tmp_path / "more")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_SUITES", str(tmp_path / "more"))
    assert find_suite("sums").origin == "./suites"  # the same digest is the same suite
    (there / "sums.jsonl").write_text('{"id": "b"}\n')
    with pytest.raises(SuiteError, match="found twice") as caught:
        find_suite("sums")
    assert str(here.relative_to(tmp_path)) in str(caught.value)
    assert str(there) in str(caught.value)
    assert find_suite(str(there)).folder == there  # a path is never ambiguous


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(SuiteError, match="aime-2025"):
        find_suite("aime-2052")


def test_entry_points_bring_suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_suite(tmp_path / "third_party_suites", "theirs")
    (tmp_path / "third_party_suites" / "__init__.py").write_text("raise RuntimeError('imported')")
    info = tmp_path / "third_party-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[evalkit.suites]\ntheirs = third_party_suites\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_suite("theirs").origin == "entry point theirs"


def test_every_shipped_suite_reads_and_is_named_as_its_folder() -> None:
    shipped = [folder for folder, _ in suite_folders() if folder.parent == shipped_root()]
    assert shipped
    for folder in shipped:
        suite = read_suite(folder)
        assert suite.name == folder.name
        assert (folder / "README.md").is_file(), f"{folder} has no README"
