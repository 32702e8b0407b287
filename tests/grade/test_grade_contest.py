"""Contest grading: comparison rules, extraction, and programs in real boxes, hostile ones too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evalkit.errors import SandboxError
from evalkit.grade import contest_languages
from evalkit.grade.contest_compare import RULES
from evalkit.grade.contest_extract import fenced_code, livecodebench_code, ojbench_code
from evalkit.grade.contest_languages import CPP17, CPYTHON, PYPY3, Language, Program
from evalkit.grade.contest_packages import PackageFinder, Packages
from evalkit.grade.contest_run import CaseLimits, ProgramVerdict, comparing, grade_program
from evalkit.grade.livecodebench import OfficialVerdict, ProblemTests, run_official
from evalkit.grade.livecodebench_strict import run_strict, same_value
from evalkit.grade.ojbench import scaled_verdict
from evalkit.sandbox import Sandbox
from evalkit.sandbox.bubblewrap import Bubblewrap

INPUTS = [b"3\n1 2 3\n", b"1\n5\n", b"2\n-1 1\n"]
EXPECTED = [b"6\n", b"5\n", b"0\n"]
SUM = "n = int(input())\nprint(sum(map(int, input().split())))"
CPP_SUM = (
    "#include <cstdio>\nint main(){long n,s=0,x;scanf(\"%ld\",&n);"
    "while(n--){scanf(\"%ld\",&x);s+=x;}printf(\"%ld\\n\",s);}"
)  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    found = Bubblewrap(slots=4)
    try:
        found.capabilities()
    except SandboxError as error:
        pytest.skip(f"no working bubblewrap: {error}")
    return found


@pytest.fixture(scope="module")
def packages(sandbox: Sandbox) -> Packages:
    return asyncio.run(PackageFinder().find(sandbox))


@pytest.mark.parametrize(
    ("rule", "output", "expected", "same"),
    [
        ("identical", "1 2\n", "1 2\n", True), ("identical", "1 2", "1 2\n", False),
        ("lines", "1 \n2\n\n", "1\n2", True), ("lines", " 1\n2", "1\n2", False),
        ("tokens", "1   2\n\n3", "1 2\n3\n", True), ("tokens", "1\n2", "1 2", False),
        ("tokens", "1 \n 2", "1\n2", True), ("tokens", "12", "1 2", False),
        ("tokens", "", "\n", True), ("tokens", "1 2 3", "1 2", False),
        ("decimal", "6.0", "6", True), ("decimal", "6e0 +1", "6 1", True),
        ("decimal", "0.3333333", "0.333333", False), ("decimal", "1 2", "1\n2", False),
        ("decimal", "a  b", "a b", False), ("decimal", "YES", "Yes", False),
        ("decimal", "50000000000000001", "50000000000000000", False),
        ("floats", "0.3333333", "0.333333", True), ("floats", "abc 1.0000001", "abc 1", True),
        ("floats", "nan", "nan", False), ("floats", "1e400", "1", False),
        ("floats", "x", "1", False), ("floats", "1\n\n2", "1\n2", True),
        ("floats", "1000000.5", "1000000", True), ("floatsabs", "1000000.5", "1000000", False),
        ("floatsrel", "1000000.5", "1000000", True), ("floatsrel", "0.0000001", "0", False),
        ("rstripped", "a \nb", "a\nb", True), ("rstripped", "a\nb\n", "a\nb", False),
        ("sorted", "b a\nc", "c\nb  a", True), ("sorted", "a b", "b a", False),
        ("unordered", "b a", "a\nb", True), ("easy", "A b", "ba", True),
        ("linecount", "a \nb", "a\nb", True), ("linecount", "a", "a\nb", False),
    ],
)  # fmt: skip
def test_comparison_rules(rule: str, output: str, expected: str, same: bool) -> None:
    assert RULES[rule](output.encode(), expected.encode()) is same


def test_no_rule_is_brought_down_by_an_output() -> None:
    hostile = [b"\xff\xfe", b"1e999999999", b"9" * 100_000, b"\0", b"NaN sNaN", b"1_0__0"]
    for rule in RULES.values():
        for output in hostile:
            assert rule(output, b"1") is False


@pytest.mark.parametrize(
    ("reply", "official", "strict"),
    [
        ("```python\na\n```", "a", "a"),
        ("```python\na\n```\nor\n```python\nb\n```", "b", "b"),
        ("```python\na\n```\n```text\n1\n```", "1", "a"),
        ("```python\na", "", "a"),
        ("```\na\n```", "a", "a"),
        ("no code", "", None),
        ("Use ```x``` here\n```python\na\n```", "a", "a"),
        ("```python\ns = '''```'''\na\n```", "a", "s = '''```'''\na"),
        ("~~~python\na\n~~~", "", "a"),
        ("```cpp\na\n```", "a", None),
    ],
)
def test_extraction_of_livecodebench(reply: str, official: str, strict: str | None) -> None:
    assert livecodebench_code(reply) == official
    assert fenced_code(reply) == strict


def test_extraction_of_other_styles_and_of_ojbench() -> None:
    assert livecodebench_code(" whole ", "GenericBase") == "whole"
    assert livecodebench_code("[PYTHON]\na\n[/PYTHON]", "CodeLLaMaInstruct") == "a"
    assert ojbench_code("```cpp\na\n```\n```cpp\nb\n```", "cpp") == "b"
    assert ojbench_code("```python\ndef main():\n    pass\n```", "python").endswith("\nmain()")
    assert ojbench_code("prose", "cpp") == "prose"


def test_a_part_of_few_tests_is_none_and_rounds_to_even() -> None:
    assert scaled_verdict("WA", first_wrong=0, tests=3, part=1 / 8) == "AC"
    assert scaled_verdict("WA", first_wrong=0, tests=5, part=1 / 2) == "WA"
    assert scaled_verdict("WA", first_wrong=2, tests=5, part=1 / 2) == "AC"  # round(2.5) is 2
    assert scaled_verdict("CE", first_wrong=None, tests=0, part=1 / 8) == "CE"


def test_values_are_the_same_as_json() -> None:
    assert same_value([3.0, {"a": [1]}], [3, {"a": [1]}])
    assert not same_value(True, 1)
    assert not same_value([1, 2], [1])
    assert not same_value("1", 1)


def graded(
    sandbox: Sandbox, program: Program, *, cpu_s: float = 2.0, memory_mb: int = 256
) -> ProgramVerdict:
    judge = comparing(RULES["tokens"], EXPECTED)
    return asyncio.run(grade_program(sandbox, program, INPUTS, judge, CaseLimits(cpu_s, memory_mb)))


LEAVES = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n"


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "verdict", "tests"),
    [
        (SUM, "AC", 3),
        (SUM + "\nprint()", "AC", 3),
        (SUM + "\nprint(1)", "WA", 1),
        ("n = int(input())\nprint(6 if n == 3 else 5)", "WA", 3),
        (SUM + "\nraise SystemExit(3)", "IR", 1),
        (SUM + "\nimport os\nos.abort()", "RTE", 1),
        ("def broken(:", "CE", 0),
        ("x = bytearray(600 * 2**20)", "MLE", 1),
        ("import sys\nfor _ in range(300):\n    sys.stdout.write('x' * 10**6)", "OLE", 1),
        ("print('\\ud800')", "IR", 1),
        # The judge's process cannot be looked into or written to; ending it ends the test.
        ("import os\nopen(f'/proc/{os.getppid()}/mem', 'rb')", "IR", 1),
        ("import os\nprint(os.listdir(f'/proc/{os.getppid()}/fd'))", "IR", 1),
        ("import os\nos.kill(os.getppid(), 9)", "RTE", 1),
        # What is left behind is gone before the next test.
        (
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n" + SUM,
            "AC",
            3,
        ),
    ],
)
def test_programs(sandbox: Sandbox, code: str, verdict: str, tests: int) -> None:
    found = graded(sandbox, Program(CPYTHON, code))
    assert (found.code, len(found.cases)) == (verdict, tests), found
    assert found.passed is (verdict == "AC")


@pytest.mark.sandbox
def test_an_infinite_loop_is_over_its_time_without_a_second_run(sandbox: Sandbox) -> None:
    found = graded(sandbox, Program(CPYTHON, "while True: pass"), cpu_s=0.5)
    assert (found.code, found.cases[0].again) == ("TLE", False)
    assert found.cases[0].cpu_s > 0.5


@pytest.mark.sandbox
def test_a_test_that_ends_a_little_late_is_run_again_alone(sandbox: Sandbox) -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass\n" + SUM
    found = graded(sandbox, Program(CPYTHON, busy), cpu_s=0.4)
    assert (found.code, found.cases[0].again) == ("TLE", True)


@pytest.mark.sandbox
def test_a_sleeper_is_stopped_by_the_clock_after_two_tries(sandbox: Sandbox) -> None:
    found = graded(sandbox, Program(CPYTHON, "import time\ntime.sleep(60)"), cpu_s=0.1)
    assert (found.code, found.cases[0].again) == ("TLE", True)
    assert found.cases[0].cpu_s < 0.1


@pytest.mark.sandbox
@pytest.mark.skipif(CPP17.missing() is not None, reason="no g++")
def test_cpp_is_compiled(sandbox: Sandbox) -> None:
    assert graded(sandbox, Program(CPP17, CPP_SUM)).code == "AC"
    broken = graded(sandbox, Program(CPP17, "int main( {}"))
    assert (broken.code, broken.passed) == ("CE", False)
    assert "error" in broken.explanation


@pytest.mark.sandbox
def test_a_compiler_that_waits_is_a_slow_machine_and_one_that_computes_a_bad_program(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contest_languages, "COMPILE_CPU_S", 0.3)
    waiting = Language("waiting", "program.cpp", None, ("sleep", "60"))
    found = graded(sandbox, Program(waiting, "x"))
    assert (found.passed, found.code) == (None, "IE")
    assert "the machine is too busy" in found.explanation
    monkeypatch.setattr(contest_languages, "COMPILE_CPU_S", 1.0)
    looping = Language("looping", "program.cpp", None, ("sh", "-c", "while :; do :; done"))
    found = graded(sandbox, Program(looping, "x"))
    assert (found.passed, found.code) == (False, "CE")


@pytest.mark.sandbox
def test_a_source_is_no_compile_error_for_the_clock(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contest_languages, "PARSE", "import time; time.sleep(60)")
    found = graded(sandbox, Program(CPYTHON, SUM), cpu_s=0.1)
    assert (found.passed, found.code) == (None, "IE")
    assert "the machine is too busy" in found.explanation
    monkeypatch.setattr(contest_languages, "PARSE", "while True: pass")
    found = graded(sandbox, Program(CPYTHON, SUM), cpu_s=0.6)
    assert (found.passed, found.code) == (False, "CE")
    assert "processor time" in found.explanation


@pytest.mark.sandbox
@pytest.mark.skipif(PYPY3.missing() is not None, reason="no pypy3")
def test_pypy(sandbox: Sandbox) -> None:
    assert graded(sandbox, Program(PYPY3, SUM)).code == "AC"


def official(
    sandbox: Sandbox, packages: Packages, code: str, tests: ProblemTests
) -> OfficialVerdict:
    return asyncio.run(run_official(sandbox, code, tests, packages, timeout_s=1))


FORGED = 'import os\nos.write(3, b\'{"token": "", "results": [true, true], "code": null}\\n\')'
FROM_SYS = "from sys import stdin\nprint(sum(map(int, stdin.read().split()[1:])))"
STDIN = ProblemTests(("3\n1 2 3\n", "1\n5\n"), ("6\n", "5\n"))
CALL = ProblemTests(("1\n2", "-3\n10"), ("3", "7"), "add")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "results", "error"),
    [
        (SUM, (True, True), None),
        (SUM + "\nimport sys\nsys.exit(1)", (True, True), None),
        ("import sys\nfor line in sys.stdin: pass", (-4,), -4),
        (FROM_SYS, (True, True), None),
        ("import sys\nn = sys.stdin.buffer.readline()\nprint(int(n) * 2)", (True, -2), -2),
        ("from __future__ import annotations\n" + SUM, (-4,), -4),
        ("import os\nos._exit(0)", (-2,), -5),
        ("while True: pass", (-3,), -3),
        ("try:\n    while True: pass\nexcept Exception: pass\n" + SUM, (-2,), -2),
        ("class Solution: pass\n" + SUM, (-4,), -4),
        ("import os\nos.kill(os.getppid(), 9)\n" + SUM, (-4,), -4),
        # Forged reports lack the token.
        (FORGED, (-2,), -2),
    ],
)  # fmt: skip
def test_official_verdicts_on_stdin(
    sandbox: Sandbox, packages: Packages, code: str, results: tuple[object, ...], error: int | None
) -> None:
    found = official(sandbox, packages, code, STDIN)
    assert (found.results, found.error_code) == (results, error), found


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("body", "official_results", "strict"),
    [
        ("return a + b", (True, True), "AC"),
        ("return float(a + b)", (True, True), "AC"),
        ("print('noise')\n        return a + b", (True, True), "AC"),
        ("return str(a + b)", (False,), "WA"),
        ("return (a + b,)", (False,), "WA"),
        ("exit()", (-2,), "IR"),
        ("return max([a + b])", (True, True), "AC"),
    ],
)
def test_functions_officially_and_strictly(
    sandbox: Sandbox,
    packages: Packages,
    body: str,
    official_results: tuple[object, ...],
    strict: str,
) -> None:
    code = f"class Solution:\n    def add(self, a: Optional[int], b: int):\n        {body}"
    assert official(sandbox, packages, code, CALL).results == official_results
    verdict = asyncio.run(run_strict(sandbox, code, CALL, packages))
    # A function that exits writes no value: its process ended well, and there is nothing in it.
    assert verdict.code in (strict, "WA" if body == "exit()" else strict), verdict


@pytest.mark.sandbox
def test_an_object_that_equals_everything_passes_officially_and_not_strictly(
    sandbox: Sandbox, packages: Packages
) -> None:
    code = (
        "class Same:\n    def __eq__(self, other): return True\n"
        "class Solution:\n    def add(self, a, b): return Same()"
    )
    assert official(sandbox, packages, code, CALL).passed is True
    assert asyncio.run(run_strict(sandbox, code, CALL, packages)).passed is False


@pytest.mark.sandbox
def test_programs_that_need_numpy_have_it_or_no_verdict(
    sandbox: Sandbox, packages: Packages
) -> None:
    code = "import numpy as np\nn = int(input())\nprint(np.array(input().split(), dtype=int).sum())"
    without = official(sandbox, Packages(), code, STDIN)
    # Where the machine's own Python has numpy, the box has it without being shown it.
    assert without.passed in (None, True)
    if packages.numpy is not None:
        assert official(sandbox, packages, code, STDIN).passed is True
        assert asyncio.run(run_strict(sandbox, code, STDIN, packages)).passed is True


def test_what_goes_into_the_box_stands_alone() -> None:
    """The box's Python has no evalkit: these files may import the standard library only."""
    folder = Path(__file__).parents[2] / "evalkit" / "grade"
    for name in ("contest_supervisor", "contest_function", "livecodebench_child"):
        assert "evalkit." not in (folder / f"{name}.py").read_text().split('"""', 2)[2]
