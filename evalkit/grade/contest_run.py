"""Run a program on the tests of a contest problem, and believe nothing that it says of itself.

Programs are real processes with a real stdin. One box runs many tests, a fresh process each
(:mod:`evalkit.grade.contest_supervisor`); outputs come out as bytes and are judged out here, where
the expected ones are, by a function of the caller's. The first failed test is the last one run.

**Time.** A test is judged by processor time, of the program and all it started; the clock is a
safety three times as far, and nine times when it is run again. A program may use half as much again
before it is killed: if it ends in that stretch, or if the clock and not the processor stopped it,
the test is run again alone and that run counts. One that computed through the stretch is over the
limit on any machine of this kind.

Example::

    judge = comparing(RULES["tokens"], expected)
    verdict = await grade_program(sandbox, Program(CPYTHON, source), inputs, judge)
    verdict.passed, verdict.code, len(verdict.cases)      # False, "TLE", 7
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from evalkit.grade import contest_supervisor
from evalkit.grade.contest_compare import Rule
from evalkit.grade.contest_languages import TOO_BUSY, Program, compile_program
from evalkit.grade.contest_packages import Packages
from evalkit.sandbox import BoxSpec, ExecResult, ExecStatus, Limits, Sandbox

SUPERVISOR: Final = "supervisor.py"
KILLED: Final = 9
STRETCH: Final = 1.5
WALL_FACTOR: Final = 3.0
PATIENCE: Final = 3.0  # times as long by the clock when run again: others may keep the machine busy
CHUNKS: Final = (12, 48, 192)  # tests a box: a wrong program shall not run hundreds for nothing
INPUT_BYTES: Final = 32 << 20  # of a box
TOTAL_BYTES: Final = 32 << 20  # of output of a box; the tests that are left go into the next one
STDERR_BYTES: Final = 2048
LARGE: Final = 1 << 20  # outputs from here on are compared beside the event loop


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """What a program may use for one test.

    Attributes:
        cpu_s: Processor seconds of the program and everything it starts.
        memory_mb: Mebibytes.
        output_bytes: Of stdout (DMOJ's default is 24 MiB).
    """

    cpu_s: float
    memory_mb: int
    output_bytes: int = 25_165_824


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test.

    Attributes:
        code: AC, WA, TLE, MLE, OLE, RTE (ended by a signal), IR (ended with an exit code that is
            not 0), or IE (the judge could not judge).
        said: One line for a person.
        cpu_s: Processor seconds.
        wall_s: Seconds by the clock.
        rss_mb: Peak memory of the largest process.
        again: It was run a second time, alone.
    """

    code: str
    said: str
    cpu_s: float
    wall_s: float
    rss_mb: float
    again: bool = False


@dataclass(frozen=True, slots=True)
class ProgramVerdict:
    """A program on all tests.

    Attributes:
        passed: All tests are AC; None when sandbox or judge failed.
        code: AC, CE (does not compile), or the code of the first test that is not AC.
        cases: The tests that were run, in order; the first that failed is the last.
        explanation: One line.
    """

    passed: bool | None
    code: str
    cases: tuple[CaseResult, ...]
    explanation: str


Judge = Callable[[int, bytes], Awaitable[tuple[str, str]]]
"""Test number and output → AC, WA or IE, and a line that says why."""


def comparing(rule: Rule, expected: Sequence[bytes]) -> Judge:
    """A judge that compares with the expected output."""

    async def judge(number: int, output: bytes) -> tuple[str, str]:
        wanted = expected[number]
        if max(len(output), len(wanted)) > LARGE:
            same = await asyncio.to_thread(rule, output, wanted)
        else:
            same = rule(output, wanted)
        return ("AC", "") if same else ("WA", difference(output, wanted))

    return judge


def difference(output: bytes, wanted: bytes) -> str:
    """Where two outputs part, for a person; not what any rule compared."""
    ours, theirs = output.split(), wanted.split()
    for number, (word, right) in enumerate(zip(ours, theirs, strict=False), 1):
        if word != right:
            return f"word {number} is {_short(word)}, expected {_short(right)}"
    if len(ours) != len(theirs):
        return f"{len(ours)} words of output, {len(theirs)} expected"
    return "other white space than expected"


def _short(word: bytes) -> str:
    return repr(word[:40].decode("utf-8", "replace"))


async def grade_program(
    sandbox: Sandbox,
    program: Program,
    inputs: Sequence[bytes],
    judge: Judge,
    limits: CaseLimits,
    *,
    packages: Packages = Packages(),  # noqa: B008 - frozen
) -> ProgramVerdict:
    """Compile a program if its language wants that, and run it until a test fails.

    Args:
        sandbox: Where; it decides how many programs run at once.
        program: Language and source.
        inputs: Stdin of each test; may be read from disk when it is asked for.
        judge: Judges outputs of tests that ended well.
        limits: For each test.
        packages: What the program finds beside its language's own library.

    Raises:
        SandboxError: there is no working sandbox.
    """
    built = await compile_program(sandbox, program)
    if built.files is None:
        return ProgramVerdict(built.failed, "CE" if built.failed is False else "IE", (), built.said)
    run = _Run(sandbox, program, built.files, limits, packages)
    cases: list[CaseResult] = []
    sizes = iter(CHUNKS)
    while len(cases) < len(inputs):
        size = next(sizes, CHUNKS[-1])
        chunk = await asyncio.to_thread(_chunk, inputs, len(cases), size)
        answers, ended = await run.box(chunk, check=not cases)
        if ended is not None:
            return replace(ended, cases=(*cases, *ended.cases))
        for answer in answers:
            case = await _case(answer, len(cases), judge, limits)
            if answer.doubtful(limits):
                again, ended = await run.box([inputs[len(cases)]], alone=True)
                if ended is not None:
                    return replace(ended, cases=(*cases, *ended.cases))
                case = replace(await _case(again[0], len(cases), judge, limits), again=True)
            cases.append(case)
            if case.code != "AC":
                passed = None if case.code == "IE" else False
                said = f"test {len(cases)} of {len(inputs)}: {case.code}, {case.said}"
                return ProgramVerdict(passed, case.code, tuple(cases), said)
    return ProgramVerdict(True, "AC", tuple(cases), f"all {len(cases)} tests passed")


def _chunk(inputs: Sequence[bytes], first: int, size: int) -> list[bytes]:
    """The next tests, at least one, as many as one box takes."""
    chosen: list[bytes] = []
    room = INPUT_BYTES
    for number in range(first, min(first + size, len(inputs))):
        data = inputs[number]
        room -= len(data)
        if chosen and room < 0:
            break
        chosen.append(data)
    return chosen


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the supervisor says of one test."""

    code: int
    stopped: str | None
    cpu_s: float
    wall_s: float
    rss_mb: float
    stdout: bytes
    stderr: bytes

    def doubtful(self, limits: CaseLimits) -> bool:
        """Whether it would perhaps have ended in time with nobody beside it."""
        if self.stopped == "wall":
            return self.cpu_s <= limits.cpu_s
        return limits.cpu_s < self.cpu_s < STRETCH * limits.cpu_s


async def _case(answer: _Answer, number: int, judge: Judge, limits: CaseLimits) -> CaseResult:
    code, said = _ending(answer, limits)
    if code == "AC":
        code, said = await judge(number, answer.stdout)
    return CaseResult(code, said, answer.cpu_s, answer.wall_s, answer.rss_mb)


def _ending(answer: _Answer, limits: CaseLimits) -> tuple[str, str]:
    """The verdict as far as how the program ended decides it; AC when its output decides."""
    last = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    words = f" ({last[-1][:200]})" if last else ""
    if answer.cpu_s > limits.cpu_s:
        return "TLE", f"more than {limits.cpu_s:g} s of processor time"
    if answer.stopped == "wall":
        return (
            "TLE",
            f"not done after {answer.wall_s:.1f} s, {answer.cpu_s:.1f} s of them computing",
        )
    if answer.stopped == "output":
        return "OLE", f"more than {limits.output_bytes:,} bytes of output"
    if answer.rss_mb > limits.memory_mb or answer.code == -KILLED:
        return "MLE", f"more than {limits.memory_mb:,} MiB of memory"
    if answer.code < 0:
        return "RTE", f"ended by signal {-answer.code}{words}"
    return ("IR", f"ended with exit code {answer.code}{words}") if answer.code else ("AC", "")


@dataclass(frozen=True, slots=True)
class _Run:
    """One program, ready to run."""

    sandbox: Sandbox
    program: Program
    files: Mapping[str, bytes | str]
    limits: CaseLimits
    packages: Packages

    async def box(
        self, inputs: Sequence[bytes], *, check: bool = False, alone: bool = False
    ) -> tuple[list[_Answer], ProgramVerdict | None]:
        """Run tests in one box; a verdict where the program cannot be run at all."""
        token = secrets.token_hex(16)
        job = self._job(inputs, token, check, PATIENCE if alone else 1.0)
        supervisor = Path(contest_supervisor.__file__).read_bytes()
        spec = BoxSpec(
            self._box_limits(inputs, job["wall_s"]),
            env={"PYTHONPATH": ":".join(self.packages.inside)} if self.packages.inside else {},
            readonly=self.packages.readonly,
        )
        async with self.sandbox.open(spec) as box:
            await box.put({**self.files, SUPERVISOR: supervisor})
            result = await box.exec(
                [self.sandbox.capabilities().python, "-I", "-S", SUPERVISOR],
                stdin=b"".join((json.dumps(job).encode(), b"\n", *inputs)),
                alone=alone,
            )
        answers = _answers(result.stdout, token)
        if job["check"] and answers:
            checked = answers.pop(0)
            waited = checked.stopped == "wall" and checked.doubtful(self.limits)
            if waited and not alone:
                return await self.box(inputs, check=True, alone=True)
            if checked.code or checked.stopped:
                return [], _unparsed(checked, waited, self.limits)
        return answers, None if answers else _without_answer(result, self.limits)

    def _job(
        self, inputs: Sequence[bytes], token: str, check: bool, patience: float
    ) -> dict[str, Any]:
        limits, language = self.limits, self.program.language
        python = self.sandbox.capabilities().python
        return {
            "token": token,
            "argv": [*language.argv(python), *self.program.arguments],
            "check": language.check_argv(python) if check else None,
            "executable": list(language.executable),
            "sizes": [len(data) for data in inputs],
            "cpu_s": limits.cpu_s,
            "kill_cpu_s": math.ceil(STRETCH * limits.cpu_s),
            "wall_s": patience * (WALL_FACTOR * limits.cpu_s + 1),
            "output_bytes": limits.output_bytes,
            "stderr_bytes": STDERR_BYTES,
            "total_bytes": TOTAL_BYTES,
            # Only in a box of its own processes may it kill all it sees.
            "private": "other_processes" in self.sandbox.capabilities().enforced,
            "stop": True,
        }

    def _box_limits(self, inputs: Sequence[bytes], wall_s: float) -> Limits:
        largest = max(map(len, inputs)) + self.limits.output_bytes
        room = TOTAL_BYTES + self.limits.output_bytes + (len(inputs) + 1) * (STDERR_BYTES + 1024)
        return Limits(
            wall_s=(len(inputs) + 1) * wall_s + 10,
            cpu_s=math.ceil(STRETCH * self.limits.cpu_s) + 60,
            memory_mb=self.limits.memory_mb + (TOTAL_BYTES + 3 * largest >> 20) + 64,
            disk_mb=64,
            output_kb=room >> 10,
        )


def _answers(stdout: bytes, token: str) -> list[_Answer]:
    """The supervisor's answers; what does not carry the token, or is cut, is not one."""
    answers: list[_Answer] = []
    at = 0
    while (end := stdout.find(b"\n", at)) >= 0:
        try:
            said = json.loads(stdout[at:end])
            if said.pop("token") != token:
                break
            out, err = said.pop("stdout"), said.pop("stderr")
        except (ValueError, KeyError, TypeError, AttributeError):
            break
        at = end + 1
        if at + out + err > len(stdout):
            break
        streams = stdout[at : at + out], stdout[at + out : at + out + err]
        answers.append(_Answer(**said, stdout=streams[0], stderr=streams[1]))
        at += out + err
    return answers


def _without_answer(result: ExecResult, limits: CaseLimits) -> ProgramVerdict:
    """The supervisor said nothing: the sandbox failed, or the program put an end to it."""
    if result.status is ExecStatus.SANDBOX_ERROR:
        return ProgramVerdict(None, "IE", (), f"the sandbox failed: {result.detail}")
    memory = result.status is ExecStatus.MEMORY
    said = (
        f"more than {limits.memory_mb:,} MiB of memory"
        if memory
        else f"it ended the process that ran it ({result.detail or _last_line(result.stderr)})"
    )
    code = "MLE" if memory else "RTE"
    case = CaseResult(code, said, result.cpu_s or 0.0, result.wall_s, result.max_rss_mb or 0.0)
    return ProgramVerdict(False, code, (case,), said)


def _unparsed(checked: _Answer, waited: bool, limits: CaseLimits) -> ProgramVerdict:
    """The verdict on a source that the look at it did not get through."""
    if waited:
        return ProgramVerdict(None, "IE", (), f"the look whether it parses {TOO_BUSY}")
    said = _last_line(checked.stderr) or "it does not compile"
    if checked.cpu_s > limits.cpu_s:
        said = f"parsing took more than {limits.cpu_s:g} s of processor time"
    return ProgramVerdict(False, "CE", (), said)


def _last_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
