"""The contest styles: releases, windows, packed tests, prompts, and grading of small own sets."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import random
import re
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.adapters import read_suite
from evalkit.adapters.contest import CodeContest
from evalkit.adapters.contest_judge import JudgedContest
from evalkit.adapters.livecodebench_data import Window, inflate, release_increments, unpack
from evalkit.adapters.livecodebench_prompts import official_messages
from evalkit.adapters.make import make_adapter
from evalkit.adapters.ojbench_data import read_problem
from evalkit.adapters.suite import Suite
from evalkit.compare.versions import read_version, same_version
from evalkit.data import load_rows
from evalkit.errors import DataError, GraderError, SandboxError, SuiteError
from evalkit.run.plan import RunOptions, make_plan
from evalkit.sandbox import Sandbox
from evalkit.sandbox.bubblewrap import Bubblewrap
from evalkit.settings import EndpointSettings
from evalkit.types import Attempt, Completion, Grade, Message, Sample, Usage
from tests.adapters.contest_sets import (
    ANSWERS,
    HALF,
    PAIR,
    SUM,
    VOWELS,
    packed,
    write_livecodebench,
    write_ojbench,
)

SUITES = Path(__file__).parents[2] / "suites"
ENDPOINT = EndpointSettings("http://127.0.0.1:9/v1", "none")


class Grading:
    """A world that only grades."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.rng = random.Random(0)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    found = Bubblewrap(slots=4)
    try:
        found.capabilities()
    except SandboxError as error:
        pytest.skip(f"no working bubblewrap: {error}")
    return found


@pytest.fixture
def livecodebench(tmp_path: Path) -> Path:
    parts = {"v1": [SUM], "v4": [HALF], "v6": [VOWELS, PAIR]}
    return write_livecodebench(tmp_path / "lcb", parts)


def contest(suite: Suite, protocol: str, **options: Any) -> CodeContest:
    chosen = suite.protocols[protocol]
    chosen = replace(chosen, options={**chosen.options, **options})
    made = make_adapter(suite, chosen, prompt=None, system=None)
    assert isinstance(made, CodeContest)
    return made


def names(adapter: CodeContest, folder: Path) -> list[str]:
    suite = read_suite(SUITES / "livecodebench")
    rows = load_rows(
        suite.data, folder=suite.folder, override=folder, assemble=CodeContest.assemble
    )
    return [sample.id for sample in adapter.samples(rows.rows)]


def reply(sample: Sample, text: str) -> Attempt:
    turn = Message("assistant", text)
    return Attempt(sample.id, 0, (turn,), text, (Completion(turn, "stop", False, Usage()),))


@pytest.mark.parametrize(
    ("release", "increments"),
    [
        ("release_v1", "v1"), ("release_v3", "v1 v2 v3"), ("release_latest", "v1 v2 v3 v4 v5 v6"),
        ("v4", "v4"), ("v4_v6", "v4 v5 v6"), ("v2_v2", "v2"),
    ],
)  # fmt: skip
def test_releases(release: str, increments: str) -> None:
    assert release_increments(release) == tuple(increments.split())


@pytest.mark.parametrize("release", ["v7", "release_v0", "v6_v4", "release_v1_v3", "", "latest"])
def test_unknown_releases_are_refused(release: str) -> None:
    with pytest.raises(SuiteError, match="no release"):
        release_increments(release)


@pytest.mark.parametrize(
    ("window", "date", "inside"),
    [
        ("2024-08..2025-05", "2024-08-01T00:00:00", True),
        ("2024-08..2025-05", "2024-07-31T23:59:59", False),
        ("2024-08..2025-05", "2025-05-31T23:30:00", True),
        ("2024-08..2025-05", "2025-06-01T00:00:00", False),
        ("2024-10-01..2025-02-01", "2025-02-01T19:30:00", True),
        ("2024-10-01..2025-01-31", "2025-02-01T00:00:00", False),
        ("2024-02..2024-02", "2024-02-29T12:00:00", True),
        ("2025-02..", "2030-01-01T00:00:00", True),
        ("..2023-12", "2024-01-01T00:00:00", False),
        ("2024-08..2025-05", "2024-09-07T00:00:00+00:00", True),
    ],
)
def test_both_ends_of_a_window_are_inside(window: str, date: str, inside: bool) -> None:
    assert Window.parse(window).holds(date) is inside


@pytest.mark.parametrize("window", ["2024", "..", "2024-13..2025-01", "2025-05..2024-08", "a..b"])
def test_broken_windows_are_refused(window: str) -> None:
    with pytest.raises(SuiteError, match="window"):
        Window.parse(window)


def test_release_and_window_select_problems(livecodebench: Path) -> None:
    suite = read_suite(SUITES / "livecodebench")
    every = ["sum", "half", "vowels", "pair"]
    assert names(contest(suite, "own"), livecodebench) == every
    assert names(contest(suite, "own", release="release_v4"), livecodebench) == every[:2]
    assert names(contest(suite, "own", release="v4_v6"), livecodebench) == every[1:]
    assert names(contest(suite, "kimi-k2"), livecodebench) == every[1:]
    assert names(contest(suite, "own", window="2025-02..2025-05"), livecodebench) == every[2:]
    with pytest.raises(DataError, match="None of 4 problems"):
        names(contest(suite, "own", window="2020-01..2020-02"), livecodebench)


def test_a_window_of_the_person_is_in_the_pins_and_in_the_settings(livecodebench: Path) -> None:
    suite = read_suite(SUITES / "livecodebench")
    options = RunOptions(data=livecodebench, window="2025-02..2025-05")
    plan = make_plan(suite, ENDPOINT, options)
    pins = plan.pins()["protocol"]
    assert pins["options"]["window"] == "2025-02..2025-05"
    assert pins["settings"]["data_version"] == "release_v6 2025-02..2025-05"
    assert pins["changed"] == ["window"]
    assert plan.run_id() != make_plan(suite, ENDPOINT, RunOptions(data=livecodebench)).run_id()


def test_what_protocols_say_of_their_data_is_what_they_use() -> None:
    suite = read_suite(SUITES / "livecodebench")
    for protocol in suite.protocols.values():
        options = {**suite.options, **protocol.options}
        used = " ".join(str(options[n]) for n in ("release", "window") if n in options)
        assert protocol.settings["data_version"] == used
    declared = read_version("v6; Aug 24 - May 25")
    ours = read_version(suite.protocols["kimi-k2"].settings["data_version"])
    assert declared is not None
    assert ours is not None
    assert same_version(declared, ours) is True


def test_rows_hold_no_tests_and_no_path(livecodebench: Path, tmp_path: Path) -> None:
    suite = read_suite(SUITES / "livecodebench")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(livecodebench, elsewhere)
    one, other = (
        load_rows(suite.data, folder=suite.folder, override=f, assemble=CodeContest.assemble)
        for f in (livecodebench, elsewhere)
    )
    assert one.fingerprint == other.fingerprint
    assert not any("gAS" in str(row) for row in one.rows)  # how a packed pickle begins
    (elsewhere / "test6.jsonl").write_text("{}\n" * 1000)
    stored = other.rows[-1]["private_test_cases"]
    with pytest.raises(DataError, match=r"cannot be read again|was changed"):
        stored.read()


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("a pickle was loaded",)


def _packed_object(value: object) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (_packed_object(Bomb()), "opcode"),
        (_packed_object(["a", "b"]), "opcode"),
        (_packed_object(b"bytes"), "opcode"),
        (_packed_object("no JSON"), "not as they should be"),
        (_packed_object('{"a": 1}'), "not a list of tests"),
        (base64.b64encode(zlib.compress(b"\x80\x04.")).decode(), "pickle of 0 texts"),
        (base64.b64encode(b"not zlib").decode(), "not as they should be"),
        (base64.b64encode(zlib.compress(pickle.dumps("[]"))[:-4]).decode(), "missing"),
        ("not base64!", "not as they should be"),
        ('["a"]', "not a list of tests"),
    ],
)
def test_private_tests_that_are_something_else_are_refused(
    text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=why):
        unpack(text, "problem x")
    assert capsys.readouterr().out == ""


def test_private_tests_are_unpacked_from_every_pickle_protocol_and_from_json() -> None:
    tests = [{"input": "1\n", "output": "ä\n" * 500, "testtype": "stdin"}]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = zlib.compress(pickle.dumps(json.dumps(tests), protocol))
        assert unpack(base64.b64encode(data).decode(), "x") == tests
    assert unpack(json.dumps(tests), "x") == tests
    assert unpack(packed([("1\n", "2\n")]), "x")[0]["output"] == "2\n"


def test_what_unpacks_to_too_much_is_refused() -> None:
    bomb = zlib.compress(b"0" * 10_000_000)
    assert len(bomb) < 20_000
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        inflate(bomb, limit=1_000_000)


OFFICIAL = """
class PromptConstants:
    HELLO = f"Hello."
def body(question):
    text = f"Q: {question.question_content}\\n"
    if question.starter_code:
        text += f"{question.starter_code}\\n"
    else:
        text += PromptConstants.HELLO
    return text
def format_prompt_generation(question, style):
    if style in [LMStyle.Chat]:
        turns = [{"role": "system", "content": PromptConstants.HELLO}]
        turns += [{"role": "user", "content": body(question).rstrip()}]
        return turns
    if style == LMStyle.Base:
        return body(question)
    if style == LMStyle.Split:
        return PromptConstants.HELLO, [{"role": "user", "content": "x"}]
    if style == LMStyle.Hub:
        from transformers import AutoTokenizer
        return AutoTokenizer.from_pretrained("x")
    if style == LMStyle.Opens:
        return open("/etc/passwd").read()
    raise NotImplementedError("no")
"""


def test_official_prompts_are_read_from_source_and_never_run() -> None:
    system, user = official_messages(OFFICIAL, "Chat", "why", "code")
    assert (system.role, system.content) == ("system", "Hello.")
    assert (user.role, user.content) == ("user", "Q: why\ncode")
    assert official_messages(OFFICIAL, "Base", "why", "")[0].content == "Q: why\nHello."
    assert [m.role for m in official_messages(OFFICIAL, "Split", "", "")] == ["system", "user"]
    for style in ("Hub", "Opens", "Nobody"):
        with pytest.raises(SuiteError, match=style):
            official_messages(OFFICIAL, style, "", "")


def test_the_own_prompt_has_the_question_and_what_to_do(livecodebench: Path) -> None:
    suite = read_suite(SUITES / "livecodebench")
    plan = make_plan(suite, ENDPOINT, RunOptions(data=livecodebench))
    assert isinstance(plan.adapter, CodeContest)
    shown = {s.id: plan.adapter.messages(s)[0].content or "" for s in plan.samples}
    assert SUM["question_content"] in shown["sum"]
    assert "standard input" in shown["sum"]
    assert VOWELS["starter_code"] in shown["vowels"]
    assert "standard input" not in shown["vowels"]


@pytest.mark.sandbox
@pytest.mark.parametrize("grader", ["official", "strict"])
def test_a_small_set_is_graded(livecodebench: Path, sandbox: Sandbox, grader: str) -> None:
    suite = read_suite(SUITES / "livecodebench")
    plan = make_plan(suite, ENDPOINT, RunOptions(data=livecodebench, grader=grader))

    async def grade_all() -> list[tuple[Sample, int, Grade]]:
        triples = []
        for sample in plan.samples:
            code = ANSWERS[sample.id] if sample.id != "half" else "print(0)"
            given = reply(sample, f"```python\n{code}\n```")
            grade = await plan.adapter.grade(sample, given, Grading(sandbox))  # type: ignore[arg-type]
            triples.append((sample, 0, grade))
        return triples

    triples = asyncio.run(grade_all())
    assert [grade.value for _, _, grade in triples] == [1.0, 0.0, 1.0, 1.0], triples
    score = plan.adapter.score(triples)
    assert (score.metric, score.value) == ("pass@1", 75.0)
    by_difficulty = {k: v for k, v in score.extra.items() if k.startswith("difficulty")}
    assert by_difficulty == {
        "difficulty easy": 100.0, "difficulty hard": 100.0, "difficulty medium": 0.0
    }  # fmt: skip
    assert all(sample.target is None for sample in plan.samples)  # no tests in the record


def judged(folder: Path, protocol: str = "both") -> tuple[JudgedContest, tuple[Sample, ...]]:
    suite = read_suite(SUITES / "ojbench")
    plan = make_plan(suite, ENDPOINT, RunOptions(data=folder, protocol=protocol))
    assert isinstance(plan.adapter, JudgedContest)
    pins = plan.pins()
    assert pins.get("left_out", {}) == plan.adapter.left_out
    return plan.adapter, plan.samples


def test_ojbench_names_what_is_left_out(tmp_path: Path) -> None:
    adapter, samples = _judged_or_skip(write_ojbench(tmp_path / "oj"))
    assert [s.id for s in samples] == [
        f"{name} {language}"
        for name in ("loj-1", "loj-2", "own_A")
        for language in ("cpp", "python")
    ]
    assert adapter.left_out["loj-3897 cpp"] == "skipped by the benchmark itself"
    assert adapter.left_out["own_B python"] == "it is interactive"
    _, only = _judged_or_skip(tmp_path / "oj", "cpp")
    assert {s.metadata["language"] for s in only} == {"cpp"}


def test_a_file_of_ones_own_may_name_a_problem_once_for_both_languages(tmp_path: Path) -> None:
    tests = [{"in": "1\n", "out": "1\n"}]
    rows = [
        {"id": name, "prompt": f"{name} in {language}", "language": language, "tests": tests}
        for name in (7, "own")
        for language in ("cpp", "python")
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, samples = _judged_or_skip(file)
    assert [s.id for s in samples] == ["loj-7 cpp", "loj-7 python", "own cpp", "own python"]
    assert [s.input for s in samples][:2] == ["7 in cpp", "7 in python"]
    file.write_text(json.dumps(rows[0]) + "\n" + json.dumps(rows[0]) + "\n")
    with pytest.raises(DataError, match="'loj-7 cpp' occurs twice"):
        judged(file)
    file.write_text('{"id": 1, "prompt": "x", "language": "cpp"}\n')
    with pytest.raises(DataError, match=r"mine\.jsonl, row 1: .*neither tests nor dataset"):
        judged(file)


def test_the_prompts_of_a_clone_stand_for_the_clone(tmp_path: Path) -> None:
    folder = write_ojbench(tmp_path / "oj")
    _, whole = _judged_or_skip(folder)
    _, samples = judged(folder / "prompts" / "full.jsonl")
    assert samples == whole


def _judged_or_skip(
    folder: Path, protocol: str = "both"
) -> tuple[JudgedContest, tuple[Sample, ...]]:
    try:
        return judged(folder, protocol)
    except GraderError as error:
        pytest.skip(str(error))


def test_a_missing_compiler_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GraderError, match=r"apt install g\+\+.*pypy3"):
        judged(write_ojbench(tmp_path / "oj"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"custom_judge": "x.py"}, "module of the judge"),
        ({"checker": "check.py"}, "module of the judge"),
        ({"checker": {"name": "floats", "args": {"magic": 1}}}, "magic"),
        ({"checker": {"name": "bridged", "args": {"files": "c.rs"}}}, "no C\\+\\+ program"),
        ({"checker": {"name": "bridged", "args": {"files": "../c.cpp"}}}, "no C\\+\\+ program"),
        ({"checker": {"name": "bridged", "args": {"files": "c.cpp", "type": "coci"}}}, "coci"),
        ({"test_cases": {"input_format": "x"}}, "pattern"),
        ({"test_cases": [{"generator": "g.cpp"}]}, "generator"),
        ({"test_cases": [{"in": "a"}]}, "no output"),
        ({"test_cases": [{"in": "a", "out": "b", "checker": "easy"}]}, "different checkers"),
    ],
)
def test_problems_that_cannot_be_judged_say_why(
    tmp_path: Path, more: Mapping[str, Any], reason: str
) -> None:
    config = {"archive": "t.zip", "test_cases": [{"in": "a", "out": "b"}], **more}
    (tmp_path / "init.yml").write_text(json.dumps(config))
    found = read_problem(tmp_path).reason
    assert found is not None
    assert re.search(reason, found), found


def test_a_data_set_without_its_tests_says_what_to_give(tmp_path: Path) -> None:
    folder = write_ojbench(tmp_path / "oj")
    shutil.rmtree(folder / "NOI")
    with pytest.raises((DataError, GraderError), match=r"clone of the data set|needs"):
        judged(folder)


@pytest.mark.sandbox
def test_ojbench_is_judged_by_rule_and_by_checker(tmp_path: Path, sandbox: Sandbox) -> None:
    adapter, samples = _judged_or_skip(write_ojbench(tmp_path / "oj"))
    replies = {
        "loj-1 cpp": '```cpp\n#include <cstdio>\nint main(){long a,b;scanf("%ld%ld",&a,&b);'
        'printf("%ld",a<5?a+b:0L);}\n```',
        "loj-1 python": "```python\ndef main():\n    print(sum(map(int, input().split())))\n```",
        "loj-2 cpp": '```cpp\n#include <cstdio>\nint main(){long a;scanf("%ld",&a);'
        'printf("2 %ld\\n",a-2);}\n```',
        "loj-2 python": "```python\nprint(input(), 0)\n```",
        "own_A cpp": "```cpp\nint main(){\n```",
        "own_A python": "```python\nprint(0.5000001)\n```",
    }

    async def grade_all() -> list[tuple[Sample, int, Grade]]:
        return [
            (s, 0, await adapter.grade(s, reply(s, replies[s.id]), Grading(sandbox)))  # type: ignore[arg-type]
            for s in samples
        ]

    triples = asyncio.run(grade_all())
    codes = {s.id: grade.metadata["code"] for s, _, grade in triples}
    assert codes == {
        "loj-1 cpp": "WA", "loj-1 python": "AC", "loj-2 cpp": "AC", "loj-2 python": "WA",
        "own_A cpp": "CE", "own_A python": "AC",
    }, triples  # fmt: skip
    # The sixth of eight tests fails: an eighth, a quarter and half of them are right.
    assert triples[0][2].values == {"1/8": 1.0, "1/4": 1.0, "1/2": 1.0}
    score = adapter.score(triples)
    assert score.value == 50.0
    assert score.extra["language cpp"] == pytest.approx(100 / 3)
    assert score.extra["language python"] == pytest.approx(200 / 3)
    assert score.extra["skipped"] == 2.0
    assert score.extra["not_judged_here"] == 2.0
    assert score.extra["skipped_wrong"] == pytest.approx(50 * 6 / 8)


@pytest.mark.sandbox
def test_a_checker_that_does_not_compile_is_no_verdict(tmp_path: Path, sandbox: Sandbox) -> None:
    folder = write_ojbench(tmp_path / "oj")
    (folder / "NOI" / "loj-2" / "check.cpp").write_text("int main( {")
    adapter, samples = _judged_or_skip(folder)
    sample = next(s for s in samples if s.id == "loj-2 python")
    given = reply(sample, "```python\nprint(1)\n```")
    with pytest.raises(GraderError, match="checker of loj-2 does not compile"):
        asyncio.run(adapter.grade(sample, given, Grading(sandbox)))  # type: ignore[arg-type]


def test_messages_of_ojbench_are_the_prompt_and_nothing_else(tmp_path: Path) -> None:
    adapter, samples = _judged_or_skip(write_ojbench(tmp_path / "oj"))
    asked: list[Sequence[Message]] = []

    class Model(Grading):
        async def model(self, messages: Sequence[Message], **_: Any) -> Completion:
            asked.append(messages)
            return Completion(Message("assistant", "x"), "stop", False, Usage())

    asyncio.run(adapter.attempt(samples[0], 0, Model(Bubblewrap())))  # type: ignore[arg-type]
    assert asked == [(Message("user", "Solve 1 in cpp."),)]
