"""ACEBench's rows: the official files put together, and what each category is.

The official set (github.com/chenchen0103/ACEBench, ``data_all/data_en``) has a file of questions
and one of answers a category. :func:`assemble` joins them by id; rows of the agent categories also
get ``start``: the inbox and the reminders that the scenarios begin with. They stand in the official
code and again in the answers, whose end states repeat whatever was not touched, so they are taken
from there. Example::

    rows = assemble({"data_normal_atom_bool.json": path, "possible_answer/data_...": path})
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from evalkit.adapters.common import named_rows, of_categories, text_of
from evalkit.errors import DataError
from evalkit.types import Sample

NORMAL: Final = (
    "normal_single_turn_single_function", "normal_single_turn_parallel_function",
    "normal_multi_turn_user_adjust", "normal_multi_turn_user_switch", "normal_similar_api",
    "normal_preference", "normal_atom_bool", "normal_atom_enum", "normal_atom_number",
    "normal_atom_list", "normal_atom_object_deep", "normal_atom_object_short",
)  # fmt: skip
SPECIAL: Final = ("special_incomplete", "special_error_param", "special_irrelevant")
AGENT: Final = ("agent_multi_step", "agent_multi_turn")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": NORMAL,
    "special": SPECIAL,
    "agent": AGENT,
}
CATEGORIES: Final = (*NORMAL, *SPECIAL, *AGENT)

# How many messages and reminders a scenario begins with; higher numbers were added in it.
MESSAGES: Final = 6
REMINDERS: Final = 3

EXTRA: Final = ("time", "profile", "initial_config", "involved_classes", "mile_stone", "start")


def assemble(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The rows of every category whose files are there, in the official order.

    Raises:
        DataError: a category has questions without answers.
    """
    rows: list[dict[str, Any]] = []
    for category in CATEGORIES:
        name = f"data_{category}.json"
        if name not in files:
            continue
        answers = {row["id"]: row for row in named_rows(files, f"possible_answer/{name}")}
        for row in named_rows(files, name):
            if row["id"] not in answers:
                raise DataError(f"{name} has no answer for {row['id']}.")
            answer = answers[row["id"]]
            rows.append(row | {"target": answer["ground_truth"]})
            if "mile_stone" in answer:
                rows[-1]["mile_stone"] = answer["mile_stone"]
    start = _beginnings(rows)
    return [row | {"start": start} if category_of(row["id"]) in AGENT else row for row in rows]


def _beginnings(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What most answers agree on for each of the first messages and reminders."""
    seen: dict[str, dict[int, Counter[bytes]]] = {"inbox": {}, "reminders": {}}
    kept = {"inbox": MESSAGES, "reminders": REMINDERS}
    for row in rows:
        if category_of(row["id"]) not in AGENT:
            continue
        target = row["target"]
        for entry in target if isinstance(target, list) else [target]:
            lists = {
                "inbox": entry.get("MessageApi", {}).get("inbox", {}),
                "reminders": entry.get("ReminderApi", {}).get("reminder_list", {}),
            }
            for name, listed in lists.items():
                for number, item in listed.items():
                    if int(number) <= kept[name]:
                        seen[name].setdefault(int(number), Counter())[orjson.dumps(item)] += 1
    return {
        name: {
            str(n): orjson.loads(counts.most_common(1)[0][0]) for n, counts in sorted(of.items())
        }
        for name, of in seen.items()
    }


def category_of(sample_id: str) -> str:
    """``normal_multi_turn_user_adjust_34_0`` → ``normal_multi_turn_user_adjust``."""
    return re.sub(r"(_\d+)+$", "", sample_id)


def dialogue_of(sample_id: str) -> str | None:
    """The dialogue that a step of a multi-turn category belongs to; None for other categories."""
    category = category_of(sample_id)
    return sample_id.rpartition("_")[0] if category.startswith("normal_multi_turn") else None


def to_samples(data: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> Iterator[Sample]:
    """One sample a row of the wanted categories.

    Columns: ``id`` (which begins with the category), ``question``, ``function``, ``target`` and
    those of ``EXTRA`` that the category has.

    Raises:
        DataError: a column is missing, an id repeats, or its category is not known.
    """
    for number, sample_id, category, row in of_categories(data, wanted, CATEGORIES, category_of):
        functions = row.get("function")
        if functions is None or "target" not in row:
            raise DataError(f"row {number} of the data lacks function or target.")
        yield Sample(
            id=sample_id,
            input=text_of(row, "question", number),
            target=row["target"],
            metadata={
                "category": category,
                "function": functions if isinstance(functions, list) else [functions],
            }
            | {name: row[name] for name in EXTRA if row.get(name) is not None},
        )
