"""BFCL's rows: questions and answers of the official package put together by category.

The package ``bfcl-eval`` ships a file of questions and one of answers a category
(``bfcl_eval/data/BFCL_v4_NAME.json``); the relevance categories have no answers. A row keeps the
official columns, for the official code reads it again. Example::

    rows = assemble({"bfcl_eval/data/BFCL_v4_parallel.json": path, ...})
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.adapters.common import named_rows, of_categories
from evalkit.errors import DataError
from evalkit.types import Message, Sample

SIMPLE: Final = ("simple_python", "simple_java", "simple_javascript")
NON_LIVE: Final = (*SIMPLE, "multiple", "parallel", "parallel_multiple")
LIVE: Final = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
IRRELEVANCE: Final = ("irrelevance", "live_irrelevance")
RELEVANCE: Final = ("live_relevance",)
MULTI_TURN: Final = (
    "multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context",
)  # fmt: skip
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "non_live": NON_LIVE,
    "live": LIVE,
    "irrelevance": IRRELEVANCE,
    "relevance": RELEVANCE,
    "multi_turn": MULTI_TURN,
}
CATEGORIES: Final = tuple(name for names in GROUPS.values() for name in names)


def assemble(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The rows of every category whose file is there, in the order of ``CATEGORIES``.

    Questions and answers are joined by id.

    Raises:
        DataError: a question of a category with answers has none.
    """
    named = {Path(name).name: name for name in files if "/possible_answer/" not in name}
    rows: list[dict[str, Any]] = []
    for category in CATEGORIES:
        file = f"BFCL_v4_{category}.json"
        if file not in named:
            continue
        name = named[file]
        where = str(Path(name).parent / "possible_answer" / file)
        answers = (
            {row["id"]: row["ground_truth"] for row in named_rows(files, where)}
            if where in files
            else None
        )
        for row in named_rows(files, name):
            if answers is not None and row["id"] not in answers:
                raise DataError(f"{file} has no answer for {row['id']}.")
            rows.append(row | {"target": None if answers is None else answers[row["id"]]})
    return rows


def category_of(sample_id: str) -> str:
    """``live_multiple_3-2-0`` → ``live_multiple``."""
    return re.sub(r"_[\d-]+$", "", sample_id)


def to_samples(data: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> Iterator[Sample]:
    """One sample a row of the wanted categories; ``metadata["row"]`` is the official row.

    Raises:
        DataError: a column is missing, an id repeats, or its category is not known.
    """
    for number, sample_id, category, row in of_categories(data, wanted, CATEGORIES, category_of):
        wants = "involved_classes" if category in MULTI_TURN else "function"
        for column in ("question", wants):
            if row.get(column) is None:
                raise DataError(f"row {number} of the data has no {column!r}.")
        official = {name: value for name, value in row.items() if name != "target"}
        yield Sample(
            id=sample_id,
            input=tuple(Message(m["role"], m["content"]) for t in row["question"] for m in t),
            target=row.get("target"),
            metadata={"category": category, "row": official},
        )
