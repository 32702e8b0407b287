"""Languages of contest programs: how a source becomes something that runs in a box.

``cpp17`` is compiled as DMOJ does it (judge-server f098cd3, ``c_like_executor``): g++ with ``-O2
-march=native -std=c++17 -DONLINE_JUDGE``. ``pypy3`` and ``cpython`` are run as they are, after a
look whether they parse, since a syntax error is a compile error. So is a source that takes the
compiler too long (DMOJ: "compiler timed out"), but that is told by processor time: whom the clock
alone stops, twice and the second time alone, met a busy machine, and no verdict is given.

Compilers and interpreters are the machine's own; :meth:`Language.missing` says before a run what is
not there.

Example::

    built = await compile_program(sandbox, Program(CPP17, "int main() {}"))
    built.files                     # {"program": b"..."}; None when it does not compile
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evalkit.sandbox import BoxSpec, ExecResult, ExecStatus, Limits, Sandbox

COMPILE_CPU_S: Final = 60.0  # DMOJ gives 10 s by the clock; a busy machine must not fail a program
TOO_BUSY: Final = "did not end although it hardly computed: the machine is too busy to judge"
PARSE: Final = "import sys; compile(open(sys.argv[1], 'rb').read(), 'program', 'exec')"


@dataclass(frozen=True, slots=True)
class Language:
    """How programs of a language are built and run.

    Attributes:
        name: As protocols and records name it.
        source: File name of the source.
        command: The interpreter, "" for the box's own Python; None where the program is a binary.
        compiler: The compiler's command line; empty where nothing is compiled.
        debian: The package that brings compiler or interpreter.
        main: The file that is run, where it is not the source (a driver that calls a function).
    """

    name: str
    source: str
    command: str | None
    compiler: tuple[str, ...] = ()
    debian: str = ""
    main: str = ""

    @property
    def executable(self) -> tuple[str, ...]:
        """Files that must be made executable in the box."""
        return ("program",) if self.compiler else ()

    def argv(self, python: str) -> list[str]:
        """The command that runs a program; ``python`` is the box's."""
        if self.command is None:
            return ["./program"]
        return [self.command or python, "-B", self.main or self.source]

    def check_argv(self, python: str) -> list[str] | None:
        """A command that fails when the source does not parse; None for compiled languages."""
        if self.command is None:
            return None
        return [self.command or python, "-S", "-c", PARSE, self.source]

    def missing(self) -> str | None:
        """What is not on this machine, and how to get it; None when all is there."""
        program = self.compiler[0] if self.compiler else self.command
        if not program or shutil.which(program) is not None:
            return None
        return (
            f"{self.name} needs {program}, which is not on this machine: apt install {self.debian}"
        )


CPP17: Final = Language(
    "cpp17", "program.cpp", None,
    ("g++", "-std=c++17", "-O2", "-march=native", "-DONLINE_JUDGE", "-s", "program.cpp", "-lm",
     "-o", "program"),
    "g++",
)  # fmt: skip
PYPY3: Final = Language("pypy3", "program.py", "pypy3", (), "pypy3")
CPYTHON: Final = Language("cpython", "program.py", "")
# A module whose function a driver calls (evalkit.grade.contest_function).
CPYTHON_FUNCTION: Final = Language("cpython-function", "solution.py", "", main="driver.py")
LANGUAGES: Final[Mapping[str, Language]] = {each.name: each for each in (CPP17, PYPY3, CPYTHON)}


@dataclass(frozen=True, slots=True)
class Program:
    """A program as it was extracted.

    Attributes:
        language: Its language.
        source: The text.
        files: What else lies beside it in the box.
        arguments: Of its command line.
    """

    language: Language
    source: str
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        """The source as a file; a lone surrogate, which a reply may hold, is no text for one."""
        return self.source.encode(errors="replace")


@dataclass(frozen=True, slots=True)
class Built:
    """What goes into the box of a run.

    Attributes:
        files: The files; None when there are none.
        failed: Then False for an error of the program, None for one of the sandbox.
        said: Then the compiler's first error.
    """

    files: Mapping[str, bytes | str] | None
    failed: bool | None = False
    said: str = ""


async def compile_program(sandbox: Sandbox, program: Program) -> Built:
    """Compile in a box of its own; languages that are not compiled pass through.

    Raises:
        SandboxError: there is no working sandbox.
    """
    language = program.language
    if not language.compiler:
        return Built({**program.files, language.source: program.content})
    limits = Limits(
        wall_s=3 * COMPILE_CPU_S, cpu_s=COMPILE_CPU_S, memory_mb=3072, disk_mb=512, output_kb=256
    )
    async with sandbox.open(BoxSpec(limits, keep=True)) as box:
        await box.put({**program.files, language.source: program.content})
        result = await box.exec(list(language.compiler))
        if _waited(result):
            result = await box.exec(list(language.compiler), alone=True)
        if result.status is ExecStatus.OK:
            return Built({"program": await box.get("program", 64 << 20)})
    if result.status is ExecStatus.SANDBOX_ERROR:
        return Built(None, None, f"the sandbox failed: {result.detail}")
    if _waited(result):
        return Built(None, None, f"the compiler {TOO_BUSY}")
    return Built(None, False, _first_error(result.stderr) or result.detail)


def _waited(result: ExecResult) -> bool:
    """Stopped by the clock and not for computing: no exit code, and little processor time."""
    by_clock = result.status is ExecStatus.TIMEOUT and result.exit_code is None
    return by_clock and (result.cpu_s or 0.0) < COMPILE_CPU_S


def _first_error(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").splitlines()
    return next((line for line in lines if "error" in line), lines[0] if lines else "")[:300]
