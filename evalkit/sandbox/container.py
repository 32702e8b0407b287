"""Boxes in containers: the backends ``docker`` and ``podman``, for published images.

A box that keeps its files is one container; without ``keep`` every command gets a fresh one whose
file system is read-only but for the box and ``/tmp``, both in memory. There is no network, no
privilege that reaches the host, and limits on memory and processes of the whole container. Ending
a client would leave what it started inside, so after every command whatever still runs in the
container is killed from within, and the container itself by its name.

Example::

    sandbox = Containers("podman", image="docker.io/library/python:3.12-slim")
    async with sandbox.open(BoxSpec(keep=True, image="...", folder="/testbed")) as box:
        await box.exec(["git", "status"])
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from evalkit.errors import SandboxError
from evalkit.sandbox import engine, process, service, transfer
from evalkit.sandbox.attempt import Attempt, Counters, counters, tidy
from evalkit.sandbox.engine import Engine
from evalkit.sandbox.files import parts
from evalkit.sandbox.outcome import failure, in_slot
from evalkit.sandbox.protocol import BoxSpec, Capabilities, ExecResult, Limits, Service

PYTHON_IMAGE: Final = "docker.io/library/python:3.12-slim"
TRIES: Final = 5
DYING_S: Final = 0.1  # for those who were killed to be gone; each further try waits longer
LOOK_S: Final = 2.0  # between looks at the size of a box on disk: each is a call of the engine


class Containers:
    """Sandbox backend ``docker`` or ``podman``.

    Args:
        name: Of the engine.
        image: For boxes that name none, and for the probe; it must have ``sh``, ``tar`` and
            ``python3``.
        slots: Commands that run at once; by default as many as there are processors.
        found: The engine, where it is known; by default it is looked for by its name.
    """

    def __init__(
        self,
        name: str,
        image: str | None = None,
        slots: int | None = None,
        found: Engine | None = None,
    ) -> None:
        self._name = name
        self._engine = found
        self._image = image or PYTHON_IMAGE
        self._gate = process.Gate(slots or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._found: tuple[Engine, Capabilities] | None = None

    def capabilities(self) -> Capabilities:
        """See :class:`evalkit.sandbox.Sandbox`; the first call may pull the image."""
        return self._ready()[1]

    def _ready(self) -> tuple[Engine, Capabilities]:
        from evalkit.sandbox import container_probe

        with self._lock:
            if self._found is None:
                found = self._engine or engine.find(self._name)
                found.sweep()
                found.need(self._image)
                self._found = found, container_probe.probe(found, self._image)
            return self._found

    @contextlib.asynccontextmanager
    async def open(self, spec: BoxSpec) -> AsyncIterator[ContainerBox]:
        """See :class:`evalkit.sandbox.Sandbox`. The image is pulled when it is not here."""
        found, _ = await process.in_thread(lambda _: self._ready())
        image = spec.image or self._image
        await process.in_thread(lambda _: found.need(image))
        box = ContainerBox(found, image, spec, self._gate)
        try:
            await process.in_thread(lambda _: box.begin())
            yield box
        finally:
            await process.in_thread(lambda _: box.end())


class ContainerBox:
    """See :class:`evalkit.sandbox.Session`. One command at a time or several at once."""

    def __init__(self, found: Engine, image: str, spec: BoxSpec, gate: process.Gate) -> None:
        self._engine = found
        self._image = image
        self._spec = spec
        self._gate = gate
        self._files: dict[str, bytes] = {}
        self._room: Room | None = None

    def begin(self) -> None:
        """Start the container of a box that keeps its files.

        Raises:
            SandboxError: it cannot be started.
        """
        if self._spec.keep:
            self._room = Room(self._engine, self._image, self._spec, self._spec.limits)
            self._room.start()

    def end(self) -> None:
        """Kill and remove it."""
        if self._room is not None:
            self._room.remove()

    async def put(self, new: Mapping[str, bytes | str]) -> None:
        """See :class:`evalkit.sandbox.Session`."""
        files = {
            "/".join(parts(path)): data.encode() if isinstance(data, str) else data
            for path, data in new.items()
        }
        room = self._room
        if room is None:
            self._files |= files
        else:
            await process.in_thread(lambda _: room.put(files))

    async def get(self, path: str, max_bytes: int = 1 << 20) -> bytes:
        """See :class:`evalkit.sandbox.Session`."""
        room = self._room
        if room is None:
            raise SandboxError(
                f"{path!r} cannot be read: this box forgets what commands write. "
                "Open it with BoxSpec(keep=True)"
            )
        return await process.in_thread(lambda _: room.get(path, max_bytes))

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = ".",
        alone: bool = False,
    ) -> ExecResult:
        """See :class:`evalkit.sandbox.Session`. Memory and processes of a kept box are its own."""
        attempt = self._attempt(argv, stdin, limits, env, cwd)
        return await in_slot(self._gate, partial(self._run, attempt), alone=alone)

    def serve(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = ".",
    ) -> AbstractAsyncContextManager[Service]:
        """See :class:`evalkit.sandbox.Session`."""
        attempt = self._attempt(argv, b"", limits, env, cwd)
        return service.serving(argv[0], lambda talk, cancel: self._run(attempt, cancel, talk=talk))

    def _attempt(
        self,
        argv: Sequence[str],
        stdin: bytes,
        limits: Limits | None,
        env: Mapping[str, str] | None,
        cwd: str,
    ) -> Attempt:
        below = "" if cwd in (".", "") else f"/{'/'.join(parts(cwd))}"
        return Attempt(
            tuple(argv),
            stdin,
            limits or self._spec.limits,
            {**self._spec.env, **(env or {})},
            f"{self._spec.folder}{below}",
        )

    def _run(
        self, attempt: Attempt, cancel: threading.Event, talk: service.Talk | None = None
    ) -> ExecResult:
        """Run a command in the box's container, or in one of its own."""
        try:
            if self._room is not None:  # its container may be gone: that is an error, not a verdict
                return self._room.run(attempt, cancel, talk)
            with self._fresh(attempt.limits) as room:
                return room.run(attempt, cancel, talk)
        except SandboxError as error:
            return failure(str(error))

    @contextlib.contextmanager
    def _fresh(self, limits: Limits) -> Iterator[Room]:
        room = Room(self._engine, self._image, self._spec, limits)
        try:
            room.start()
            room.put(dict(self._files))
            yield room
        finally:
            room.remove()


class Room:
    """One container: started, filled, used by commands, removed."""

    def __init__(self, found: Engine, image: str, spec: BoxSpec, limits: Limits) -> None:
        self._engine = found
        self._image = image
        self._spec = spec
        self._limits = limits
        self._name = engine.new_name()
        # podman leaves a note on a lack of memory in the folder that its client runs in.
        self._desk = tempfile.mkdtemp(prefix="evalkit-client-")
        self._lock = threading.Lock()  # held while commands begin and while leftovers are killed
        self._active = 0
        self._counters = Counters(cpu_s=0.0)
        self._looked = 0.0

    def start(self) -> None:
        """Start it.

        Raises:
            SandboxError: it does not start.
        """
        spec = self._spec
        argv = self._engine.start(
            self._name,
            self._image,
            self._limits,
            keep=spec.keep,
            folder=spec.folder,
            readonly=spec.readonly,
        )
        began = self._engine.call(argv, cwd=self._desk)
        if began.returncode:
            said = engine.last_line(began.stderr)
            raise SandboxError(f"{self._engine.name} cannot start {self._image!r}: {said}")

    def remove(self) -> None:
        """Kill all of it and remove it."""
        self._engine.remove(self._name)
        shutil.rmtree(self._desk, ignore_errors=True)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Unpack files in the box's folder.

        Raises:
            SandboxError: they cannot be unpacked there.
        """
        if not files:
            return
        argv = self._engine.inside(self._name, [*transfer.UNPACK, self._spec.folder])
        done = self._engine.call(argv, stdin=transfer.pack(files))
        if done.returncode:
            said = engine.last_line(done.stderr)
            raise SandboxError(f"{', '.join(files)} cannot be written into the box: {said}")

    def get(self, path: str, max_bytes: int) -> bytes:
        """Read a regular file of the box's folder; see :class:`evalkit.sandbox.Session`."""
        steps = "/".join(parts(path))
        argv = self._engine.inside(self._name, [*transfer.PACK, self._spec.folder, f"./{steps}"])
        launch = process.Launch(argv, engine.client_env())
        room = max_bytes + transfer.ROOM
        done = process.run(launch, wall_s=engine.CALL_S, output_bytes=room)
        return transfer.unpack(done.stdout, path, max_bytes)

    def run(
        self, attempt: Attempt, cancel: threading.Event, talk: service.Talk | None
    ) -> ExecResult:
        """Run one command to its end, and kill what it leaves."""
        argv = self._engine.inside(
            self._name, attempt.wrapped(), cwd=attempt.cwd, env=attempt.variables()
        )
        with self._lock:
            before, sole = self._counters, self._active == 0
            self._active += 1
        try:
            with attempt.stdin_file() as fd:
                launch = process.Launch(argv, engine.client_env(), cwd=self._desk, stdin_fd=fd)
                watch = self._full if self._spec.keep else None
                ended = service.perform(launch, attempt.limits, cancel, watch=watch, talk=talk)
        except (OSError, ValueError) as error:
            return attempt.refused(error)
        finally:
            with self._lock:
                sole = sole and self._active == 1
                after = self._tidy(attempt.mark, sole=self._active == 1)
                self._active -= 1
        return attempt.result(ended, before, after if sole else replace(after, cpu_s=None))

    def _tidy(self, mark: str, *, sole: bool) -> Counters:
        """Kill what a command left and read the counters of the container.

        A fork bomb leaves no process to look for it with: the keeper then kills all there is. A
        container that cannot be tidied is removed: what runs in it must not go on.
        """
        for trial in range(TRIES):
            done = self._engine.call(self._engine.inside(self._name, tidy(mark, sole=sole)))
            if done.returncode == 0:
                self._counters = counters(done.stdout)
                return self._counters
            if sole or trial:  # what runs beside it, a service say, is spared at first
                self._engine.clear(self._name)
                time.sleep(DYING_S * (trial + 1))
        self._engine.remove(self._name)
        return Counters()

    def _full(self) -> str | None:
        """Whether the container has filled its disk."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return None
        size = self._engine.size_mb(self._name)
        self._looked = time.monotonic()
        return "disk" if size > self._limits.disk_mb else None
