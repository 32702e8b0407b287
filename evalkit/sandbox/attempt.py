"""One command in a container: how it is wrapped, what is killed after it, how it ended.

An engine's client gives the command's exit code and, for its own failures, codes that a command may
give as well. So the wrapper first writes a word that nobody can guess to stderr: without it the
command never began, and that is the sandbox's failure. Example::

    attempt = Attempt(("python3", "main.py"), b"", Limits(), {}, "/box")
    argv = engine.inside(name, attempt.wrapped(), cwd=attempt.cwd, env=attempt.variables())
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from evalkit.sandbox.command import RLIMITS, ULIMITS
from evalkit.sandbox.engine import last_line
from evalkit.sandbox.outcome import failure, refused, status_of
from evalkit.sandbox.process import Ended
from evalkit.sandbox.protocol import ExecResult, Limits
from evalkit.sandbox.service import LAST_WORDS

MARK: Final = "EVALKIT_BOX"
WRAPPER: Final = f'printf %s "${MARK}" >&2\n{RLIMITS}\nunset {ULIMITS}\nexec "$@"'
# Kills, then prints the container's counters; control groups of version 2, then of version 1. No
# program is started for it: those who die may still fill the limit on processes.
COUNTERS: Final = """
cd /sys/fs/cgroup
for f in memory.events memory/memory.oom_control cpu.stat; do
  [ -r $f ] && while read -r line; do echo "$line"; done < $f
done
for f in memory.peak memory/memory.max_usage_in_bytes; do
  [ -r $f ] && read -r value < $f && echo "peak $value"
done
for f in cpuacct/cpuacct.usage cpu,cpuacct/cpuacct.usage; do
  [ -r $f ] && read -r value < $f && { echo "nanoseconds $value"; break; }
done
exit 0
"""
ALL: Final = "kill -9 -1 2>/dev/null"
MARKED: Final = f"""
for round in 1 2 3; do
  for p in /proc/[0-9]*; do
    grep -q "{MARK}=$1" $p/environ 2>/dev/null && kill -9 ${{p#/proc/}} 2>/dev/null
  done
done
"""


@dataclass(frozen=True, slots=True)
class Counters:
    """What a container's control group has counted since its start.

    Attributes:
        oom_kills: Processes killed for memory.
        cpu_s: Processor seconds; None = not measured.
        peak_mb: Peak memory; None = not measured.
    """

    oom_kills: int = 0
    cpu_s: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command, with everything that it runs with.

    Attributes:
        argv: As it was asked for.
        env: Variables beside those of the image.
        cwd: As the command sees it.
        mark: A word of its own, by which its processes are known among others.
    """

    argv: tuple[str, ...]
    stdin: bytes
    limits: Limits
    env: Mapping[str, str]
    cwd: str
    mark: str = field(default_factory=lambda: secrets.token_hex(16))

    def wrapped(self) -> list[str]:
        """The command with what sets its limits."""
        return ["/bin/sh", "-c", WRAPPER, "sh", *self.argv]

    def variables(self) -> dict[str, str]:
        """What the command and its wrapper find in their environment."""
        limits = self.limits
        cpu = max(1, -(-int(limits.cpu_s * 1000) // 1000))
        # -f counts blocks of 512 bytes. A soft limit on time tells why by its signal.
        values = f"St:{cpu} Ht:{cpu + 1} Sf:{limits.file_mb * 2048} Hf:{limits.file_mb * 2048}"
        return {**self.env, MARK: self.mark, ULIMITS: values}

    @contextlib.contextmanager
    def stdin_file(self) -> Iterator[int | None]:
        """A descriptor of what the command reads; None when that is nothing."""
        if not self.stdin:
            yield None
            return
        with tempfile.TemporaryFile() as file:
            file.write(self.stdin)
            file.seek(0)
            yield file.fileno()

    def refused(self, error: Exception) -> ExecResult:
        """The result where the client itself could not be started."""
        if isinstance(error, OSError):
            if error.errno == errno.E2BIG:
                return refused("argument list too long")
            return failure(f"the command could not be started: {error}")
        return refused(str(error))

    def result(self, ended: Ended, before: Counters, after: Counters) -> ExecResult:
        """How the command ended.

        Args:
            ended: The engine's client.
            before: The container's counters at the command's start.
            after: And at its end.
        """
        word = self.mark.encode()
        stderr = ended.stderr
        if not stderr.startswith(word) and len(stderr) < LAST_WORDS and ended.stopped is None:
            return failure(f"the command did not start: {last_line(stderr)}")
        cpu_s = None
        if before.cpu_s is not None and after.cpu_s is not None:
            cpu_s = after.cpu_s - before.cpu_s
        oom = after.oom_kills > before.oom_kills
        code = None if ended.stopped else ended.returncode
        status, detail = status_of(ended, code, oom, self.limits, cpu_s)
        return ExecResult(
            status,
            code,
            ended.stdout,
            stderr.removeprefix(word),
            ended.stdout_truncated,
            ended.stderr_truncated,
            ended.wall_s,
            cpu_s,
            after.peak_mb,
            detail,
        )


def tidy(mark: str, *, sole: bool) -> list[str]:
    """The command that kills what another left in a container, and prints the counters.

    Args:
        mark: Of the command that has ended.
        sole: No other runs there: everything is killed, marked or not.
    """
    return ["/bin/sh", "-c", (ALL if sole else MARKED) + COUNTERS, "sh", mark]


def counters(said: bytes) -> Counters:
    """Read what :func:`tidy` printed. A program in the box may have had a hand in it."""
    found: dict[str, int] = {}
    for line in said.decode("ascii", "replace").splitlines():
        key, _, value = line.partition(" ")
        if value.isdigit() and len(value) < 19:
            found[key] = int(value)
    cpu_s: float | None = None
    if "usage_usec" in found:
        cpu_s = found["usage_usec"] / 1e6
    elif "nanoseconds" in found:
        cpu_s = found["nanoseconds"] / 1e9
    peak = found.get("peak")
    return Counters(found.get("oom_kill", 0), cpu_s, None if peak is None else peak / 2**20)
