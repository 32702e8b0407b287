"""``evalkit reported`` as a person calls it: the ledger's commands, the model that reads along."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalkit.reported.ledger import load_claims
from tests.cli.calling import Called, call
from tests.model_server import serve_model

REPORT = """# Results

| Benchmark | GPT-4.1 | Qwen3-32B |
|---|---|---|
| MMLU | 90.2 | 81.4 |
| GPQA Diamond | 66.2 | 54.7 |
"""
LEDGER = "results/reported"


def folder_with(tmp_path: Path, text: str = REPORT, name: str = "report.md") -> Path:
    """A folder with a document."""
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path


def reported(folder: Path, *arguments: str) -> Called:
    """Call ``evalkit reported ARGUMENTS``."""
    return call(folder, "reported", *arguments)


def lines_of(folder: Path) -> dict[str, str]:
    """All files of the ledger."""
    root = folder / LEDGER
    return {str(p.relative_to(root)): p.read_text("utf-8") for p in sorted(root.rglob("*.jsonl"))}


def ids(folder: Path, *filters: str) -> list[str]:
    """Ids of the claims that hold."""
    out = reported(folder, "list", "--json", *filters).out
    return [json.loads(line)["id"] for line in out.splitlines()]


# adding ------------------------------------------------------------------------------------------


def test_adding_a_document_files_by_maker_and_model(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    added = reported(folder, "add", "--yes", "report.md", "--document", "https://x.example/r")
    assert added.code == 0
    assert added.err == "4 added, 0 already there, 0 refused.\n"
    assert len(added.out.splitlines()) == 4
    files = lines_of(folder)
    assert sorted(files) == ["alibaba/qwen3-32b.jsonl", "openai/gpt-4.1.jsonl"]
    claims = load_claims([folder / LEDGER])
    assert {claim.document for claim in claims} == {"https://x.example/r"}
    assert all(str(tmp_path) not in text and "report.md" not in text for text in files.values())
    assert all(REPORT[slice(*(claim.span or (0, 0)))] == f"{claim.value}" for claim in claims)


def test_adding_again_changes_nothing(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    reported(folder, "add", "--yes", "report.md")
    before = lines_of(folder)
    again = reported(folder, "add", "--yes", "report.md")
    assert again.err == "0 added, 4 already there, 0 refused.\n"
    assert lines_of(folder) == before
    assert str(tmp_path) not in "".join(before.values())


def test_adding_what_extract_wrote_gives_the_same_ledger(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    found = reported(folder, "extract", "report.md", "--format", "jsonl")
    (folder / "found.jsonl").write_text(found.out, encoding="utf-8")
    assert reported(folder, "add", "--yes", "found.jsonl").code == 0
    from_lines = lines_of(folder)
    (folder / "other").mkdir()
    other = folder_with(folder / "other")
    reported(other, "add", "--yes", "report.md")
    assert lines_of(other) == from_lines


def test_one_address_is_not_given_to_several_documents(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    folder_with(tmp_path, REPORT.replace("90.2", "87.5"), "other.md")
    found = reported(folder, "extract", "report.md", "other.md", "--format", "jsonl")
    (folder / "found.jsonl").write_text(found.out, encoding="utf-8")
    refused = reported(folder, "add", "--yes", "found.jsonl", "--document", "https://x.example")
    assert refused.code == 1
    assert "several documents" in refused.err
    assert not (folder / "results").exists()
    assert (
        reported(folder, "add", "--yes", "found.jsonl").err.splitlines()[-1].startswith("8 added")
    )


def test_only_a_part_is_added(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    only = ("--only", "model=qwen3", "--only", "benchmark=GPQA Diamond")
    assert reported(folder, "add", "--yes", "report.md", *only).err.startswith("1 added")
    assert [claim.value for claim in load_claims([folder / LEDGER])] == [54.7]
    wrong = reported(folder, "add", "--yes", "report.md", "--only", "modle=x")
    assert wrong.code == 2
    assert "Did you mean 'model'" in wrong.err


def test_nothing_is_added_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # something, but no terminal
    refused = reported(folder, "add", "report.md")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert not (folder / "results").exists()


def test_a_person_is_asked_claim_by_claim(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    master, slave = pty.openpty()
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "reported", "add", "report.md"],
        cwd=folder, stdin=slave, stdout=subprocess.PIPE, stderr=slave,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    try:
        for answer in (b"y\n", b"n\n", b"x\n", b"a\n"):
            shown += _until(master, b"[y]: ")
            os.write(master, answer)
        with contextlib.suppress(OSError):  # a terminal whose other end is closed
            while chunk := os.read(master, 4096):
                shown += chunk
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(master)
    assert process.returncode == 0
    assert len(out.splitlines()) == 3
    assert b"3 added, 0 already there, 1 refused." in shown
    assert "»90.2«".encode() in shown
    assert b"'x' is not one of" in shown
    assert len(load_claims([folder / LEDGER])) == 3


def _until(terminal: int, mark: bytes) -> bytes:
    seen, end = b"", time.monotonic() + 60
    while not seen.endswith(mark):
        assert time.monotonic() < end, seen
        seen += os.read(terminal, 4096)
    return seen


def test_a_document_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    result = reported(folder, "add", "--yes", "absent.md", "report.md")
    assert result.code == 1
    assert "absent.md cannot be read" in result.err
    assert len(load_claims([folder / LEDGER])) == 4


def test_a_fault_in_one_document_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, "# Odd\n\nGPT-4.1 reaches 90.2% on MMLU.\n", "odd.md")
    folder_with(tmp_path)

    def broken(_: object, text: Any, *__: object) -> list[Any]:
        if "reaches" in text.text:
            raise IndexError("an unexpected shape")
        return []

    monkeypatch.setattr("evalkit.reported.prose.Prose.paragraph", broken)
    result = reported(folder, "extract", "odd.md", "report.md", "--format", "csv")
    assert result.code == 1
    assert "odd.md: IndexError while reading it" in result.err
    assert "81.4" in result.out


# corrections and conflicts -----------------------------------------------------------------------


def test_a_correction_is_added_and_shown_with_its_chain(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    reported(folder, "add", "--yes", "report.md")
    before = lines_of(folder)["openai/gpt-4.1.jsonl"]
    (first,) = ids(folder, "--only", "value=90.2")
    fixed = reported(folder, "add", "--correct", first, "--set", "value=90.4", "--reason", "typo")
    assert fixed.code == 0
    assert lines_of(folder)["openai/gpt-4.1.jsonl"].startswith(before)
    (new,) = ids(folder, "--model", "gpt-4.1", "--benchmark", "mmlu")
    assert new == fixed.out.split()[0]
    shown = reported(folder, "show", new[:8]).out
    assert shown.index(f"{first} 90.2") < shown.index(f"{new} 90.4: typo")
    assert reported(folder, "show", first).out.count("history") == 2
    # The old line is known: the same document adds nothing, and it is not corrected again.
    assert "4 already there" in reported(folder, "add", "--yes", "report.md").err
    again = reported(folder, "add", "--correct", first, "--set", "value=1", "--reason", "x")
    assert again.code == 2
    assert "corrected or withdrawn already" in again.err


def test_a_withdrawn_claim_is_listed_only_on_request(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    reported(folder, "add", "--yes", "report.md")
    (first,) = ids(folder, "--only", "value=90.2")
    gone = reported(folder, "add", "--withdraw", first, "--reason", "retracted")
    assert gone.code == 0
    assert "[withdrawn]" in gone.out
    assert first not in ids(folder)
    assert len(ids(folder)) == 3
    every = reported(folder, "list", "--all").out
    assert [line[0] for line in every.splitlines()].count("-") == 2
    back = reported(folder, "add", "--correct", gone.out.split()[0], "--reason", "it stands")
    assert back.code == 0
    assert len(ids(folder)) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--correct", "ID", "--set", "value=1"), "--reason"),
        (("--correct", "ID", "--reason", "x"), "--set KEY=JSON"),
        (("--correct", "ID", "--set", "value=high", "--reason", "x"), "value must be a number"),
        (("--correct", "zz", "--set", "value=1", "--reason", "x"), "no claim has it"),
        (("--withdraw", "ID", "--set", "value=1", "--reason", "x"), "--set goes with --correct"),
        (("--withdraw", "ID", "report.md"), "Give SOURCEs, or"),
        ((), "Give SOURCEs, or"),
        (("report.md", "report.md", "--yes", "--document", "u"), "one SOURCE"),
    ],
)
def test_amendments_that_are_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    folder = folder_with(tmp_path)
    reported(folder, "add", "--yes", "report.md")
    before, (first,) = lines_of(folder), ids(folder, "--only", "value=90.2")
    result = reported(folder, "add", *(first if a == "ID" else a for a in arguments))
    assert result.code == 2
    assert said in result.err
    assert lines_of(folder) == before


def test_sources_that_disagree_stay_side_by_side(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    folder_with(tmp_path, REPORT.replace("90.2", "87.5"), "other.md")
    reported(folder, "add", "--yes", "report.md")
    added = reported(folder, "add", "--yes", "other.md")
    assert "disagrees with" in added.err
    assert "90.2 (report.md); both stay" in added.err
    listed = reported(folder, "list", "--model", "GPT-4.1", "--benchmark", "MMLU").out
    assert [line[0] for line in listed.splitlines()] == ["!", "!"]
    shown = json.loads(
        reported(folder, "show", "--benchmark", "mmlu", "--model", "4.1", "--json").out
    )
    assert [row["disagrees_with"][0]["value"] for row in shown] == [87.5, 90.2]
    checked = reported(folder, "check")
    assert checked.code == 0
    assert "sources disagree" in checked.out


# looking it over ---------------------------------------------------------------------------------


def test_check_asks_about_values_and_fails_on_broken_lines_only(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, REPORT.replace("54.7", "54.8"))
    reported(folder, "add", "--yes", "report.md")
    checked = reported(folder, "check")
    assert checked.code == 0
    assert "GPQA = 54.8: one attempt at 198 items" in checked.out.replace(" Diamond", "")
    assert "How many were averaged?" in checked.out
    assert "n not known: MMLU (2)" in checked.err
    path = folder / LEDGER / "openai" / "gpt-4.1.jsonl"
    path.write_text(path.read_text("utf-8") + '{"id": 3\n', encoding="utf-8")
    broken = reported(folder, "check", "--json")
    assert broken.code == 1
    rows = [json.loads(line) for line in broken.out.splitlines()]
    assert rows[0]["kind"] == "unreadable"
    assert rows[0]["where"] == [f"{LEDGER}/openai/gpt-4.1.jsonl:3"]
    assert any(row["kind"] == "draws" for row in rows)
    assert reported(folder, "add", "--yes", "report.md").code == 2
    assert reported(folder, "check", "absent").code == 2


def test_an_absent_ledger_is_said(tmp_path: Path) -> None:
    for command in (("list",), ("show", "a"), ("check",)):
        result = reported(tmp_path, *command)
        assert result.code == 2
        assert "There is no ledger at results/reported" in result.err
    assert reported(tmp_path, "show").code == 2


def test_corrected_and_withdrawn_claims_are_not_compared(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    reported(folder, "add", "--yes", "report.md")
    (one,) = ids(folder, "--only", "value=90.2")
    (two,) = ids(folder, "--only", "value=66.2")
    reported(folder, "add", "--correct", one, "--set", "value=90.4", "--reason", "typo")
    reported(folder, "add", "--withdraw", two, "--reason", "retracted")
    held = load_claims([folder / LEDGER])  # what diff and publish read
    assert sorted(claim.value or 0 for claim in held) == [54.7, 81.4, 90.4]


# a model that reads along ------------------------------------------------------------------------


def says(*claims: dict[str, Any]) -> str:
    """An answer of the model."""
    return json.dumps({"claims": list(claims)})


RIGHT = {"model": "GPT-4.1", "benchmark": "MMLU", "value": "90.2", "quote": "| MMLU | 90.2 |"}


def test_extract_with_a_model_tells_how_each_claim_came_about(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    invented = RIGHT | {"value": "99.9"}
    with serve_model(lambda body: says(RIGHT, invented)) as server:
        where = ("--model", "tiny", "--base-url", server.url, "--format", "jsonl")
        result = reported(folder, "extract", "report.md", *where, "--show")
        again = reported(folder, "extract", "report.md", *where)
        assert len(server.asked) == 1
        only = reported(folder, "extract", "report.md", *where, "--cache", "only")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == again.code == only.code == 0
    assert result.out == again.out == only.out
    by_value = {row["value"]: row["extractor"] for row in rows}
    assert by_value == {
        90.2: "both: evalkit.reported 3, llm:tiny",
        81.4: "evalkit.reported 3", 66.2: "evalkit.reported 3", 54.7: "evalkit.reported 3",
    }  # fmt: skip
    assert "1 dropped: its number does not stand at its place" in result.err
    assert "both: the rules and llm:tiny read it alike" in result.err
    assert "rules alone" in result.err


def test_extract_goes_on_without_a_model_that_fails(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    with serve_model(lambda body: "no JSON, sorry") as server:
        where = ("--model", "tiny", "--base-url", server.url, "--format", "jsonl")
        unread = reported(folder, "extract", "report.md", *where)
    assert unread.code == 1
    assert len(unread.out.splitlines()) == 4
    assert "part 1 of 1 not read by the model" in unread.err
    with serve_model(lambda body: says(), key="secret") as server:
        where = ("--model", "tiny", "--base-url", server.url, "--format", "jsonl")
        refused = reported(folder, "extract", "report.md", "report.md", *where)
    assert refused.code == 1
    assert len(refused.out.splitlines()) == 8
    assert refused.err.count("error:") == 1


def test_the_token_budget_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    filler = "".join(f"\nParagraph {i} is about something else.\n" for i in range(900))
    folder = folder_with(tmp_path, REPORT + filler)
    with serve_model(lambda body: says(RIGHT)) as server:
        result = reported(
            folder, "extract", "report.md", "--model", "tiny", "--base-url", server.url,
            "--format", "jsonl", "--budget-tokens", "20",
        )  # fmt: skip
        assert 0 < len(server.asked) < 7
    assert result.code == 4
    assert len(result.out.splitlines()) == 4
    assert "the budget is used up" in result.err


def test_flags_of_the_model_without_a_model_are_refused(tmp_path: Path) -> None:
    result = reported(folder_with(tmp_path), "extract", "report.md", "--budget-tokens", "9")
    assert result.code == 2
    assert "only with --model" in result.err
