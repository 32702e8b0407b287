"""Data sets of the Hugging Face hub, at a pinned commit.

The hub's own library does the work, so its cache, its token and its offline switches
(``HF_HUB_OFFLINE``, ``HF_HOME``, ``HF_ENDPOINT``, ``HF_TOKEN``) hold here too. It is imported only
when it is needed: it costs a second.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.data.hub_quiet import quiet_hub
from evalkit.data.mirror import data_keys, file_key
from evalkit.data.spec import DataSpec
from evalkit.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def fetch_table(spec: DataSpec, mirror: Path | None) -> tuple[pa.Table, str]:
    """The table of a data set and the commit it was taken from.

    Media columns stay as they are stored (bytes and path); nothing is decoded, and no code of the
    data set is run.

    Args:
        spec: With ``hub`` set. Without a revision the newest commit is looked up first.
        mirror: Only for the message: the mirror that was asked before.

    Raises:
        DataError: a branch instead of a commit, no network, no access, or no such data.
    """
    assert spec.hub is not None
    if spec.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", spec.revision):
        raise DataError(
            f"The revision {spec.revision!r} of {spec.hub} is not a commit of 40 hex digits. "
            "Branches and tags move, and a score on moved data cannot be compared."
        )
    if Path(spec.hub).exists():
        raise DataError(
            f"The working folder holds {spec.hub!r}, which the hub's library would read in place "
            "of the data set of that name. Start in another folder, or use --data FILE."
        )
    with quiet_hub(datasets=True) as absent:
        try:
            return _load(spec)
        except DataError:
            raise
        # The library lets through errors of requests, httpx, fsspec, pyarrow and its own.
        except Exception as error:
            raise unreachable(spec, "the Hugging Face hub", absent or error, mirror) from None


def fetch_file(spec: DataSpec, path: str, mirror: Path | None) -> Path:
    """One file of a data set's repository, as it is stored there, in the hub's own cache.

    Raises:
        DataError: no pinned commit, no network, no access, or no such file.
    """
    if spec.revision is None or not re.fullmatch(r"[0-9a-f]{40}", spec.revision):
        raise DataError(f"Files of {spec.hub} need a revision: a commit of 40 hex digits.")
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    name, revision = str(spec.hub), spec.revision
    there = try_to_load_from_cache(name, path, repo_type="dataset", revision=revision)
    if isinstance(there, str):
        return Path(there)
    with quiet_hub() as absent:
        try:
            found = hf_hub_download(name, path, repo_type="dataset", revision=revision)
        # The library lets through errors of requests, httpx and its own.
        except Exception as error:
            raise unreachable(spec, "the Hugging Face hub", absent or error, mirror, path) from None
    return Path(found)


def _load(spec: DataSpec) -> tuple[pa.Table, str]:
    import datasets
    from huggingface_hub import HfApi

    revision = str(spec.revision or HfApi().dataset_info(str(spec.hub)).sha)
    builder = datasets.load_dataset_builder(spec.hub, spec.config, revision=revision)
    # Where the hub cannot be reached or has no such commit, the library takes whatever version of
    # the set it finds in its cache, with no more than a warning.
    if builder.hash != revision:
        raise DataError(
            f"The hub did not give {spec.hub} at revision {revision}; what is in the hub's cache "
            f"is revision {builder.hash}, which is not what the suite pins. Try again with "
            "network, name an offline mirror, or give the rows with --data FILE."
        )
    builder.download_and_prepare()
    table: pa.Table = builder.as_dataset(split=spec.split).with_format("arrow")[:]
    return table, revision


def unreachable(
    spec: DataSpec, place: str, error: Exception | str, mirror: Path | None, path: str = ""
) -> DataError:
    """One paragraph that says what could not be had and the two ways round it.

    The data is named as a mirror's index would; ``path`` is the one of several files.
    """
    key = file_key(spec, path).rstrip(":") if spec.files else data_keys(spec)[0]
    name = type(error).__name__ + ": " if isinstance(error, Exception) else ""
    lines = str(error).strip().splitlines() or ["no reason given"]
    reason = name + lines[0].rstrip(".")
    asked = f" The mirror {mirror} has no entry for it." if mirror else ""
    gated = (
        " It is a gated set: accept its terms on its page on the hub and set HF_TOKEN."
        if "gated" in (name + str(error)).lower()
        else ""
    )
    return DataError(
        f"The data {key} could not be had from {place} ({reason}).{gated}{asked} Without network, "
        "name an offline mirror (EVALKIT_MIRROR, or mirror in evalkit.toml; one is made with "
        "`evalkit data pull SUITE --to DIR` where there is network), or give "
        + (
            "a folder with the files yourself with --data DIR."
            if spec.files
            else "the rows yourself with --data FILE."
        )
    )
