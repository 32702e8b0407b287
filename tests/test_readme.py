"""What the README says can be done as it says it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import click

from evalkit.cli import COMMANDS, evalkit
from tests.cli.calling import call

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """The indented code blocks."""
    return [re.sub(r"(?m)^    ", "", b) for b in re.findall(r"(?m)(?:^    .*\n|^\n)+", README)]


def command_lines() -> Iterator[list[str]]:
    """Every call of evalkit in a code block, without what a shell does with it."""
    for line in "\n".join(blocks()).splitlines():
        for part in line.split("&&"):
            words = shlex.split(part.split("#")[0]) if "evalkit" in part else []
            if words[:1] == ["evalkit"]:
                yield words[1:]


def test_every_call_of_evalkit_parses() -> None:
    lines = list(command_lines())
    assert len(lines) >= 4
    for words in lines:
        command: click.Command = evalkit
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words[0])
            assert found is not None, words
            command, words = found, words[1:]
        command.make_context(command.name or "", list(words), resilient_parsing=False)


def test_every_command_is_described() -> None:
    for name in COMMANDS:
        assert f"`evalkit {name}" in README, name


def test_the_suite_of_ones_own_checks(tmp_path: Path) -> None:
    (toml,) = [block for block in blocks() if 'name = "capitals"' in block]
    folder = tmp_path / "capitals"
    folder.mkdir()
    (folder / "suite.toml").write_text(toml.split("evalkit suites")[0])
    (folder / "capitals.csv").write_text("id,question,target\nfr,Capital of France?,Paris\n")
    said = call(tmp_path, "suites", "check", "./capitals")
    assert said.code == 0, said.out + said.err
    assert "1 samples from file capitals.csv" in said.out


def test_the_settings_file_reads(tmp_path: Path) -> None:
    (toml,) = [block for block in blocks() if "[endpoints.moonshot]" in block]
    (tmp_path / "evalkit.toml").write_text(toml)
    said = call(tmp_path, "run", "no-such-suite")  # settings are read before suites are looked for
    assert "no suite named" in said.err


def test_the_mirror_of_ones_own_files_serves(tmp_path: Path) -> None:
    (row,) = [line for line in "\n".join(blocks()).splitlines() if line.startswith("echo ")]
    (index,) = [block for block in blocks() if '"entries"' in block]
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    content = shlex.split(row)[1] + "\n"
    (mirror / "mine.jsonl").write_text(content)
    entries = json.loads(index)["entries"]
    entries["hub:math-ai/aime25:test"]["sha256"] = sha256(content.encode()).hexdigest()
    (mirror / "index.json").write_text(json.dumps({"format": 1, "entries": entries}))
    flags = ("plan", "aime-2025", "-m", "any", "--reported", str(write_no_claims(tmp_path)))
    for source in (("--mirror", "mirror"), ("--data", "mirror/mine.jsonl")):
        said = call(tmp_path, *flags, *source)
        assert said.code == 0, said.err
        assert "items        1\n" in said.out
    assert all(key.startswith(source_of("eq-bench-3")) for key in entries if "github" in key)
    assert source_of("aime-2025").startswith("hub:math-ai/aime25@")


def write_no_claims(folder: Path) -> Path:
    path = folder / "ledger.jsonl"
    path.write_text("")
    return path


def source_of(suite: str) -> str:
    """What ``suites show`` calls the suite's data."""
    lines = call(Path(), "suites", "show", suite).out.splitlines()
    return next(line.removeprefix("  data ").split(" ")[0] for line in lines if "  data " in line)
