"""What containers have of their own: names, leftovers, images, streams of files."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import secrets
import subprocess
import tarfile
import time
from functools import partial
from pathlib import Path

import pytest

from evalkit.errors import SandboxError, UsageError
from evalkit.sandbox import BoxSpec, ExecStatus, Limits, engine, transfer
from evalkit.sandbox.attempt import Attempt, Counters, counters
from evalkit.sandbox.bubblewrap import Bubblewrap
from evalkit.sandbox.choose import make_sandbox, split_name
from evalkit.sandbox.container import Containers
from evalkit.sandbox.process import Ended
from tests.sandbox.conftest import IMAGE
from tests.sandbox.marks import alive

LONG = Limits(wall_s=60, cpu_s=30)


def engine_of(tmp_path: Path, script: str, name: str = "docker") -> engine.Engine:
    """An engine whose client is a shell script."""
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return engine.Engine(name, str(program), podman=False, version="a script")


def test_names_may_have_an_image() -> None:
    assert split_name("docker") == ("docker", None)
    image = "localhost:5000/a/python:3.12"
    assert split_name(f"podman:{image}") == ("podman", image)
    for wrong in ("bwrap:x", "docker:", "podman:--privileged", "nerdctl"):
        with pytest.raises(UsageError):
            make_sandbox(wrong)


def test_what_a_container_is_started_with(tmp_path: Path) -> None:
    docker = engine.Engine("docker", "docker", podman=False, version="")
    limits = Limits(memory_mb=100, disk_mb=16, processes=10)
    shown = {tmp_path: "/opt/env"}
    argv = docker.start("n", "image", limits, keep=False, folder="/box", readonly=shown)
    text = " ".join(argv)
    for part in (
        "--network none",
        "--cap-drop all",
        "--security-opt no-new-privileges",
        "--memory 132m --memory-swap 132m",
        "--pids-limit 13",
        "--read-only",
        f"--mount type=bind,source={tmp_path},target=/opt/env,readonly",
        "--env HTTP_PROXY= ",
    ):
        assert part in text, part
    assert "--http-proxy" not in text
    kept = docker.start("n", "image", limits, keep=True, folder="/testbed", readonly={})
    assert "--read-only" not in kept
    assert kept[kept.index("image") :] == [
        *("image", "-c", engine.KEEPER, "sh"),
        "/testbed",
        engine.KEEPER,
    ]


def test_a_clients_environment_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-seen")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    found = engine.client_env()
    assert found["DOCKER_HOST"] == "tcp://127.0.0.1:1"
    assert "sk-not-to-be-seen" not in found.values()


def test_an_engine_that_is_not_there_or_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    engine_of(tmp_path, '[ "$1" = --version ] && exit 0; echo "no daemon" >&2; exit 1')
    with pytest.raises(SandboxError, match=r"does not answer: no daemon .*--sandbox bwrap"):
        make_sandbox("docker").capabilities()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SandboxError, match="there is no podman on this machine"):
        make_sandbox("podman").capabilities()


async def test_a_sandbox_without_images_refuses_one(bwrap: Bubblewrap) -> None:
    with pytest.raises(SandboxError, match="docker or --sandbox podman"):
        async with bwrap.open(BoxSpec(image="python:3.12")):
            pass


def test_containers_of_a_killed_evalkit_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    mine = engine.new_name()
    dead = mine.replace(f"-{mine.split('-')[2]}-", f"-{ended.pid}-")
    foreign = f"evalkit-00000000-{ended.pid}-abc"
    found = engine_of(
        tmp_path,
        f"""case $1 in
  ps) echo "{mine}"; echo "{dead}"; echo "{foreign}";;
  rm) for last; do :; done; echo "$last" >> {tmp_path}/removed;;
esac""",
    )
    found.sweep()
    assert (tmp_path / "removed").read_text().split() == [dead]


def ended(stderr: bytes, code: int = 0, stopped: str | None = None) -> Ended:
    return Ended(code, stopped, b"", stderr, False, False, 1.0, 0.1)


def test_a_command_that_never_began_is_the_sandboxs_failure() -> None:
    attempt = Attempt(("x",), b"", LONG, {}, "/box")
    none = Counters()
    lost = attempt.result(ended(b"Error: no such container", 125), none, none)
    assert (lost.status, lost.detail) == (
        ExecStatus.SANDBOX_ERROR,
        "the command did not start: Error: no such container",
    )
    own = attempt.result(ended(attempt.mark.encode() + b"Error: mine", 125), none, none)
    assert (own.status, own.exit_code, own.stderr) == (ExecStatus.NONZERO, 125, b"Error: mine")


def test_counters_are_those_of_the_kernel_or_none() -> None:
    two = counters(b"low 0\noom 2\noom_kill 1\nusage_usec 1500000\nuser_usec 1\npeak 1048576\n")
    assert two == Counters(1, 1.5, 1.0)
    one = counters(b"under_oom 0\noom_kill 0\npeak 2097152\nnanoseconds 2500000000\n")
    assert one == Counters(0, 2.5, 2.0)
    assert counters(b"oom_kill x\nnanoseconds -3\n\xff") == Counters()
    attempt = Attempt(("x",), b"", LONG, {}, "/box")
    word = attempt.mark.encode()
    killed = attempt.result(ended(word, 137), Counters(0, 1.0), Counters(1, 1.5))
    assert (killed.status, killed.cpu_s) == (ExecStatus.MEMORY, 0.5)
    earlier = attempt.result(ended(word, 137), Counters(1, 1.0), Counters(1, 1.5))
    assert earlier.status is ExecStatus.SIGNAL


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, "/etc/passwd"
    return made


def test_files_go_in_and_out_as_streams() -> None:
    with tarfile.open(fileobj=io.BytesIO(transfer.pack({"a/b/c": b"1", "a/d": b"2"}))) as archive:
        assert archive.getnames() == ["a", "a/b", "a/b/c", "a/d"]
    assert transfer.unpack(transfer.pack({"x": b"data"}), "x", 4) == b"data"
    with pytest.raises(SandboxError, match="has 5 bytes, more than the 4"):
        transfer.unpack(transfer.pack({"x": b"large"}), "x", 4)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"garbage" * 1000,
        tar((entry("x", tarfile.SYMTYPE), b"")),
        tar((entry("x", tarfile.LNKTYPE), b"")),
        tar((entry("x", tarfile.FIFOTYPE), b"")),
        tar((entry("x", tarfile.CHRTYPE), b"")),
        tar((entry("x", tarfile.DIRTYPE), b"")),
    ],
)
def test_what_is_no_file_is_not_read(stream: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        transfer.unpack(stream, "x", 1000)


def test_a_cut_stream_is_no_file() -> None:
    whole = tar((entry("x", size=100_000), b"x" * 100_000))
    with pytest.raises((FileNotFoundError, SandboxError)):
        transfer.unpack(whole[:50_000], "x", 10)


@pytest.mark.sandbox
async def test_a_box_is_its_image_and_its_folder(podman: Containers) -> None:
    async with podman.open(BoxSpec(LONG, keep=True, image=IMAGE, folder="/testbed")) as box:
        await box.put({"a.txt": "one"})
        here = await box.exec(["sh", "-c", "echo $PWD; cat a.txt; echo two > /usr/new"])
        assert here.stdout == b"/testbed\none"
        assert (await box.exec(["cat", "/usr/new"])).stdout == b"two\n"
    async with podman.open(BoxSpec(LONG, keep=True, image=IMAGE, folder="/testbed")) as box:
        assert (await box.exec(["cat", "/usr/new"])).status is ExecStatus.NONZERO


@pytest.mark.sandbox
@pytest.mark.long
async def test_an_image_that_cannot_be_had_is_said(podman: Containers) -> None:
    with pytest.raises(SandboxError, match="has no image 'localhost/no-such:1'"):
        async with podman.open(BoxSpec(LONG, image="localhost/no-such:1")):
            pass


@pytest.mark.sandbox
@pytest.mark.long
async def test_a_command_beside_a_service_leaves_it_alone(podman: Containers) -> None:
    mark = secrets.token_hex(8)
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)"
    echo = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    async with podman.open(BoxSpec(LONG, keep=True)) as box:
        await box.put({"daemon.py": daemon})
        async with box.serve(["python3", "-c", echo]) as service:
            assert await service.ask(1) == 1
            assert (await box.exec(["python3", "daemon.py", mark])).status is ExecStatus.OK
            assert not alive(mark)
            assert await service.ask(2) == 2


@pytest.mark.sandbox
@pytest.mark.long
async def test_a_box_goes_on_after_the_worst(podman: Containers) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    async with podman.open(BoxSpec(Limits(wall_s=3, memory_mb=256), keep=True)) as box:
        await box.put({"work.txt": "kept"})
        # Whether its end finds a process to kill it with is chance: one bomb shows little.
        for _ in range(4):
            assert (await box.exec(["python3", "-c", bomb])).status is ExecStatus.TIMEOUT
            hog = "x = bytearray(b'x') * (1 << 30)"
            died = await box.exec(["python3", "-c", hog])
            assert died.status is ExecStatus.MEMORY, died.detail
            after = await box.exec(["sh", "-c", "cat work.txt; echo /proc/[0-9]*"])
            assert after.status is ExecStatus.OK
            assert after.stdout.startswith(b"kept")
            assert len(after.stdout.split()) <= 4


def test_a_keeper_outlives_the_limit_on_processes(public: Path) -> None:
    (public / "sleep").write_text("#!/bin/sh\n: > ran\n")
    (public / "sleep").chmod(0o755)
    public.chmod(0o777)
    user = 64_321 if os.geteuid() == 0 else None  # root has no limit
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    nothing_more = partial(resource.setrlimit, resource.RLIMIT_NPROC, (1, hard))
    with subprocess.Popen(
        ["/bin/sh", "-c", engine.KEEPER, "sh", "made", engine.KEEPER],
        env={"PATH": f"{public}:/usr/bin:/bin"},
        cwd=public,
        user=user,
        preexec_fn=nothing_more,
        stderr=subprocess.DEVNULL,
    ) as keeper:
        try:
            time.sleep(0.2)  # for its first tries; it can start nothing
            more = ["prlimit", "--pid", str(keeper.pid), "--nproc=100:"]
            subprocess.run(more, user=user, check=True)
            assert keeper.wait(60) == 0
        finally:
            keeper.kill()
    assert (public / "ran").exists()


@pytest.mark.sandbox
@pytest.mark.long
async def test_no_container_and_no_note_is_left(podman: Containers, tmp_path: Path) -> None:
    async def cancelled() -> None:
        async with podman.open(BoxSpec(LONG, keep=True)) as box:
            await box.exec(["sleep", "60"])

    task = asyncio.ensure_future(cancelled())
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait({task})
    async with podman.open(BoxSpec(Limits(memory_mb=32))) as box:
        await box.exec(["python3", "-c", "x = bytearray(b'x') * (1 << 30)"])
    prefix = engine.new_name().rpartition("-")[0]
    names = subprocess.check_output(["podman", "ps", "-a", "--format", "{{.Names}}"], text=True)
    assert prefix not in names
    assert not Path("oom").exists()
