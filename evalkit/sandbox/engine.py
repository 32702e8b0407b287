"""The command lines of docker and podman: one argument list a deed, and how each is run.

No daemon's API is spoken, so that rootless podman and remote docker contexts work as the person has
set them up. The two programs take the same options but for a few, which :class:`Engine` knows. The
clients get a small environment: no key of ours reaches them. Example::

    engine = find("podman")
    engine.need("docker.io/library/debian:12")
    engine.call(engine.inside(name, ["/bin/true"]))
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import resource
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalkit.errors import SandboxError
from evalkit.sandbox import process
from evalkit.sandbox.protocol import Limits

LABEL: Final = "evalkit"
PREFIX: Final = "evalkit-"
CALL_S: Final = 120.0  # for an engine's own work: a busy machine takes long to start a container
PULL_S: Final = 3600.0
OURS: Final = (
    *("PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DOCKER_CONTEXT"),
    *("DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "CONTAINER_HOST"),
    *("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF"),
)
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
# Process 1 collects what daemons leave (they would count as processes for ever), and outlives a
# "kill -9 -1" inside, which kills its sleep. Where it cannot start another sleep, because those who
# die still fill the limit on processes, the shell gives up: it becomes itself again until it can.
# At SIGUSR1 it kills everything else, which takes no process. Forgotten, it ends in a day.
KEEPER: Final = """
trap 'exec /bin/sh -c "$2" sh "$1" "$2"' EXIT
trap 'kill -9 -1; wait' USR1
mkdir -p "$1"
while :; do sleep 86400 & wait $! && break; done
trap - EXIT
"""
# Root inside may use files of its image whoever owns them there; nothing of the host is in reach.
CAPABILITIES: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER")


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine's command line.

    Attributes:
        name: As given to ``--sandbox``.
        program: The client.
        podman: It is podman, whatever its name is.
        version: As it says.
    """

    name: str
    program: str
    podman: bool
    version: str

    def start(
        self,
        name: str,
        image: str,
        limits: Limits,
        *,
        keep: bool,
        folder: str,
        readonly: Mapping[Path, str],
    ) -> list[str]:
        """Start a container that waits for commands.

        With ``keep`` the image's file system is writable; otherwise it is read-only, with the box
        and ``/tmp`` in memory, which bounds the disk.
        """
        disk = f"rw,exec,nosuid,nodev,mode=1777,size={limits.disk_mb}m"
        memory = limits.memory_mb + (0 if keep else 2 * limits.disk_mb)
        argv = [self.program, "run", "--detach", "--rm", "--name", name, "--label", LABEL]
        argv += ["--network", "none", "--hostname", "sandbox", "--shm-size", "16m"]
        argv += ["--cap-drop", "all", "--security-opt", "no-new-privileges"]
        for capability in CAPABILITIES if keep else ():
            argv += ["--cap-add", capability]
        argv += ["--memory", f"{memory}m", "--memory-swap", f"{memory}m"]
        # The keeper, its sleep and the shell that looks after a command take three.
        argv += ["--pids-limit", str(limits.processes + 3), "--ulimit", "core=0:0"]
        argv += ["--ulimit", "nofile=1024:1024", "--entrypoint", "/bin/sh"]
        argv += self._podmans() if self.podman else _no_proxies()
        if not keep:
            argv += ["--read-only", "--tmpfs", f"{folder}:{disk}", "--tmpfs", f"/tmp:{disk}"]
        if readonly:
            argv += ["--security-opt", "label=disable"]
        for outside, inside in readonly.items():
            argv += ["--mount", f"type=bind,source={outside},target={inside},readonly"]
        return [*argv, image, "-c", KEEPER, "sh", folder, KEEPER]

    def _podmans(self) -> list[str]:
        """What podman would hand on from the host, and cannot raise without privileges."""
        processes = min(_hard_limit(resource.RLIMIT_NPROC), 16384)
        argv = ["--http-proxy=false", "--env-host=false", "--no-hosts", "--read-only-tmpfs=false"]
        return [*argv, "--ulimit", f"nproc={processes}:{processes}"]

    def inside(
        self, name: str, argv: list[str], *, cwd: str = "/", env: Mapping[str, str] | None = None
    ) -> list[str]:
        """Run a command in a container, its stdin being the client's."""
        variables = [part for item in (env or {}).items() for part in ("--env", "=".join(item))]
        return [self.program, "exec", "-i", "--workdir", cwd, *variables, name, *argv]

    def clear(self, name: str) -> None:
        """Kill all that runs in a container but its keeper; it needs no process in there."""
        self.call([self.program, "kill", "--signal", "USR1", name])

    def remove(self, name: str) -> None:
        """Kill a container and remove it: ending a client would leave what runs inside."""
        now = ["--time", "0"] if self.podman else []
        self.call([self.program, "rm", "--force", "--volumes", *now, name])

    def size_mb(self, name: str) -> float:
        """What a container wrote to its file system, in mebibytes; 0 when it is gone."""
        said = self.call(
            [self.program, "container", "inspect", "--size", "--format", "{{.SizeRw}}", name]
        )
        text = said.stdout.decode("ascii", "replace").strip()
        return int(text) / 2**20 if text.isdigit() else 0.0

    def call(
        self, argv: list[str], *, stdin: bytes = b"", wall_s: float = CALL_S, cwd: str = "/"
    ) -> process.Ended:
        """Run the client to its end.

        Raises:
            SandboxError: it cannot be started.
        """
        with contextlib.ExitStack() as stack:
            fd = None
            if stdin:
                file = stack.enter_context(tempfile.TemporaryFile())
                file.write(stdin)
                file.seek(0)
                fd = file.fileno()
            try:
                return process.run(
                    process.Launch(argv, client_env(), cwd=cwd, stdin_fd=fd),
                    wall_s=wall_s,
                    output_bytes=1 << 20,
                )
            except OSError as error:
                raise SandboxError(f"{self.program} cannot be started: {error}") from error

    def need(self, image: str) -> None:
        """Have an image here, pulling it when it is not.

        Raises:
            SandboxError: it cannot be had.
        """
        if self.call([self.program, "image", "inspect", image]).returncode == 0:
            return
        pulled = self.call([self.program, "pull", image], wall_s=PULL_S)
        if pulled.returncode:
            raise SandboxError(
                f"{self.name} has no image {image!r} and cannot pull it: "
                f"{last_line(pulled.stderr)}. "
                f"Pull or build it first, or name another: --sandbox {self.name}:IMAGE"
            )

    def sweep(self) -> None:
        """Remove containers of an evalkit on this machine that was killed."""
        listed = self.call(
            [self.program, "ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}"]
        )
        for name in listed.stdout.decode("utf-8", "replace").split():
            machine, _, rest = name.removeprefix(PREFIX).partition("-")
            pid = rest.partition("-")[0]
            if machine == _machine() and pid.isdigit() and not _runs(int(pid)):
                self.remove(name)


def find(name: str) -> Engine:
    """The engine of that name, if its program is here and answers.

    Raises:
        SandboxError: it is not, or does not; with what to do about it.
    """
    program = shutil.which(name)
    if program is None:
        raise SandboxError(
            f"there is no {name} on this machine. Install it, or choose another sandbox: "
            "--sandbox bwrap needs no engine and no images"
        )
    engine = Engine(name, program, name == "podman", "")
    told = engine.call([program, "--version"])
    version = told.stdout.decode("utf-8", "replace").strip()
    podman = "podman" in version.lower()
    answer = engine.call([program, "ps", "--quiet"])
    if answer.returncode:
        raise SandboxError(
            f"{name} does not answer: {last_line(answer.stderr)} "
            "Start it, let this user talk to it, or choose another sandbox: "
            "--sandbox bwrap needs no engine and no images"
        )
    return Engine(name, program, podman, version)


def client_env() -> dict[str, str]:
    """The variables of an engine's client: where it finds itself, and nothing else of ours."""
    return {key: os.environ[key] for key in OURS if key in os.environ}


def new_name() -> str:
    """A container's name; it holds who started it."""
    return f"{PREFIX}{_machine()}-{os.getpid()}-{secrets.token_hex(6)}"


def _machine() -> str:
    """This machine, this boot, these process ids: elsewhere the same process id is another's."""
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with contextlib.suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _no_proxies() -> list[str]:
    """Docker hands the proxies of its configuration on, which may hold a password."""
    names = [*PROXIES, *map(str.lower, PROXIES)]
    return [part for name in names for part in ("--env", f"{name}=")]


def _hard_limit(kind: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard


def last_line(said: bytes) -> str:
    """The last line of a client's stderr, for an error."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
