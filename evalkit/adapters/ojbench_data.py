"""OJBench's data: prompts in one file, and a folder in DMOJ's format for each problem.

``He-Ren/OJBench_testdata`` holds ``prompts/full.jsonl`` (232 problems in two languages) and the
folders ``NOI/loj-ID`` and ``ICPC/ID`` with ``init.yml``, an archive of tests and, for some
problems, a checker's source. The folders are looked for beside the prompts: in a clone given with
``--data``, or in the hub's own cache, where archives (7.5 GB in all) are fetched problem by problem
when they are needed. The format is DMOJ's (docs: problem_format; judge-server f098cd3,
``problem.py``).

What cannot be judged here is found out before anybody is asked: interactive problems, graders and
checkers that are Python modules of the judge, test cases that a generator makes.

Example::

    problem = read_problem(Path("OJBench_testdata/NOI/loj-2083"))
    problem.reason          # None, or why it cannot be judged here
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, overload

from evalkit.data.files import parse_rows, read_bytes
from evalkit.errors import DataError, GraderError
from evalkit.grade.contest_checker import CheckerSpec, read_checker

SKIPPED: Final = frozenset({"nwerc2023_H", "swerc2023_L", "loj-3897"})  # judger.py, _skip_id
MEMBER_BYTES: Final = 1 << 30  # of one test, unpacked
OUTPUT_BYTES: Final = 25_165_824  # problem.py, output_limit_length
# Keys of init.yml, of a case or of the problem, that mean another way of judging.
UNSUPPORTED: Final = {
    "custom_judge": "it brings a grader that is a Python module of the judge",
    "signature_grader": "its programs are linked with the judge's code",
    "interactive": "it is interactive",
    "generator": "its tests are made by a generator",
    "symlinks": "its programs want files beside them",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Where one test lies: names in the archive or the folder, or the texts themselves."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, ready to be judged.

    Attributes:
        name: ``loj-2083``, ``icpc2022_A``.
        folder: Its folder; None where the texts are in the cases.
        archive: The archive's file name.
        cases: In the order in which they are judged.
        checker: How outputs are judged.
        reason: Why it cannot be judged here; None when it can.
        binary: Line breaks of tests are left as they are.
        output_bytes: How much a program may print.
        hub: Repository and revision, where the folder is in the hub's cache.
        digest: sha256 (hex) of ``init.yml``.
    """

    name: str
    folder: Path | None
    archive: str | None
    cases: tuple[Case, ...]
    checker: CheckerSpec = field(default_factory=CheckerSpec)
    reason: str | None = None
    binary: bool = False
    output_bytes: int = OUTPUT_BYTES
    hub: tuple[str, str] | None = None
    digest: str = ""

    def texts(self) -> tuple[CaseTexts, CaseTexts]:
        """Inputs and expected outputs, read one by one when they are asked for.

        Raises:
            GraderError: the archive cannot be had or is broken.
        """
        archive = None if self.archive is None else self._open()
        sides = ([case.input for case in self.cases], [case.output for case in self.cases])
        first, second = (CaseTexts(self, archive, names) for names in sides)
        return first, second

    def _open(self) -> zipfile.ZipFile:
        assert self.folder is not None
        path = self.folder / str(self.archive)
        try:
            if not path.is_file() and self.hub is not None:
                path = _fetch(self.hub, f"{self.folder.parent.name}/{self.name}/{self.archive}")
            return zipfile.ZipFile(path)
        # The hub's library lets through errors of requests, httpx and its own.
        except Exception as error:
            raise GraderError(f"The tests of {self.name} cannot be read: {error!r}.") from None


class Stored:
    """A problem in a row of data. In a fingerprint it counts by its digest and has no path."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem.name} sha256:{self.problem.digest}"


class CaseTexts(Sequence[bytes]):
    """One side of a problem's tests, read when it is asked for, line breaks as DMOJ has them."""

    def __init__(self, problem: Problem, archive: zipfile.ZipFile | None, names: list[str]) -> None:
        self._problem, self._archive, self._names = problem, archive, names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self._read(name) for name in self._names[at]]
        return self._read(self._names[at])

    def _read(self, name: str) -> bytes:
        problem = self._problem
        if problem.folder is None:
            return normal(name.encode(), problem.binary)
        beside = problem.folder / name
        try:
            if beside.is_file():  # a file of the folder comes before one of the archive
                return normal(beside.read_bytes(), problem.binary)
            if self._archive is None:
                raise FileNotFoundError(name)
            if self._archive.getinfo(name).file_size > MEMBER_BYTES:
                raise ValueError(f"{name} is larger than {MEMBER_BYTES:,} bytes")
            return normal(self._archive.read(name), problem.binary)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise GraderError(f"Test {name} of {problem.name} cannot be read: {error!r}.") from None


def normal(data: bytes, binary: bool = False) -> bytes:
    r"""Every line break as ``\n``, and one at the end; binary and empty data as they are."""
    if binary or not data:
        return data
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data if data.endswith(b"\n") else data + b"\n"


def read_rows(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The rows of the prompts, each with its problem; rows that hold ``tests`` need no folder.

    The official prompts have one id for both languages of a problem: here each is named with its
    language.

    Raises:
        DataError: the prompts cannot be read, or a problem's folder is not there.
    """
    (path,) = files.values()
    root = path.parent.parent
    hub = _hub_of(path)
    if hub is not None and not (root / "NOI").is_dir():
        _fetch_small_files(hub)
    rows: list[dict[str, Any]] = []
    problems: dict[tuple[str, str], Problem] = {}
    for number, row in enumerate(parse_rows(path.name, read_bytes(path), str(path)), 1):
        identifier = row.get("problem", row.get("id"))
        if identifier is None or "language" not in row or "prompt" not in row:
            raise DataError(f"{path}, row {number}: a row has id, language and prompt.")
        name = problem_name(identifier)
        made = row | {"id": f"{name} {row['language']}"}
        if isinstance(row.get("tests"), list):
            made["problem"] = identifier
        else:
            if "dataset" not in row:
                raise DataError(f"{path}, row {number}: it has neither tests nor dataset.")
            key = str(row["dataset"]), name
            if key not in problems:
                problems[key] = read_problem(root.joinpath(*key), hub)
            made["stored"] = Stored(problems[key])
        rows.append(made)
    return rows


def problem_name(identifier: Any) -> str:
    """``loj-2083`` for the number 2083; names as they are (judger.py)."""
    return f"loj-{identifier}" if isinstance(identifier, int) else str(identifier)


def read_problem(folder: Path, hub: tuple[str, str] | None = None) -> Problem:
    """Read a problem's ``init.yml``.

    Raises:
        DataError: it is not there or not YAML.
    """
    import yaml

    try:
        content = (folder / "init.yml").read_bytes()
        config = yaml.safe_load(content)
    except OSError as error:
        raise DataError(
            f"The tests of {folder.name} are not there ({folder / 'init.yml'}: {error.strerror}). "
            "Give a clone of the data set He-Ren/OJBench_testdata with --data DIR."
        ) from None
    except yaml.YAMLError as error:
        raise DataError(f"{folder / 'init.yml'} is not YAML: {error}.") from None
    if not isinstance(config, dict):
        raise DataError(f"{folder / 'init.yml'} holds no problem.")
    base = Problem(folder.name, folder, config.get("archive"), (), hub=hub,
                   digest=sha256(content).hexdigest())  # fmt: skip
    return described(base, config)


def described(base: Problem, config: Mapping[str, Any]) -> Problem:
    """A problem by what its ``init.yml`` says."""
    listed = config.get("test_cases")
    pretests = config.get("pretest_test_cases") or []
    if not isinstance(listed, list) or not isinstance(pretests, list):
        return _without(base, "its tests are named by a pattern")
    nodes = [
        inner
        for node in (*pretests, *listed)
        for inner in (node.get("batched") or [node])
    ]  # fmt: skip
    for node in (config, *nodes):
        for key, reason in UNSUPPORTED.items():
            if node.get(key):
                return _without(base, reason)
    checkers = [config.get("checker"), *(n["checker"] for n in nodes if "checker" in n)]
    if any(checker != checkers[0] for checker in checkers):
        return _without(base, "its tests have different checkers")
    if not nodes or not all(node.get("in") and node.get("out") for node in nodes):
        return _without(base, "a test has no input or no output")
    checker = read_checker(checkers[0], base.folder)
    if checker.reason is not None:
        return _without(base, checker.reason)
    cases = tuple(Case(str(node["in"]), str(node["out"])) for node in nodes)
    return Problem(
        base.name, base.folder, base.archive, cases, checker, None,
        bool(config.get("binary_data")), int(config.get("output_limit_length", OUTPUT_BYTES)),
        base.hub, base.digest,
    )  # fmt: skip


def _without(base: Problem, reason: str) -> Problem:
    return Problem(base.name, base.folder, base.archive, (), reason=reason, digest=base.digest)


def _hub_of(path: Path) -> tuple[str, str] | None:
    """Repository and revision of a file in the hub's cache, from its path."""
    parts = path.parts
    for at, part in enumerate(parts[:-2]):
        if part.startswith("datasets--") and parts[at + 1] == "snapshots":
            return part.removeprefix("datasets--").replace("--", "/"), parts[at + 2]
    return None


def _fetch_small_files(hub: tuple[str, str]) -> None:
    """Everything of the data set but the archives, into the hub's cache."""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(
            hub[0], repo_type="dataset", revision=hub[1], ignore_patterns=["*.zip", "*.tar*"]
        )
    except Exception as error:
        raise DataError(
            f"The problems of {hub[0]} could not be had from the hub ({error!r}). Without "
            "network, give a clone of the data set with --data DIR."
        ) from None


def _fetch(hub: tuple[str, str], path: str) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(hub[0], path, repo_type="dataset", revision=hub[1]))
