"""What a run's judges were like: failures, noise, agreement, leaning to length, family.

All of it comes from what the grades keep (:meth:`evalkit.grade.judge.Judgements.record`), so that a
finished run can be reported again. Example::

    extra |= judge_report((sample.id, index, grade) for sample, index, grade in graded)
    extra["judge_alpha"], extra["judge_repeat_sd"]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from evalkit.grade.judge import JUDGE_KEY
from evalkit.stats.agreement import krippendorff_alpha, spearman
from evalkit.stats.calibration import flip_rate
from evalkit.stats.judge_noise import judge_noise, judge_share
from evalkit.types import JSON, Grade

LENGTH_KEY: Final = "length"
FAMILY_KEY: Final = "judge_family"


def judge_report(graded: Iterable[tuple[str, int, Grade]]) -> dict[str, float | None]:
    """Figures for ``Score.extra``; None where one cannot be said.

    * ``judge_answers``, ``judge_answers_failed``: judgements asked for, and those without a value.
    * ``judge_answers_again``: requests beyond the first for answers that could not be read, where
      there were any.
    * ``judge_flip_rate``: how often two repeats of one judge differ.
    * ``judge_repeat_sd``: standard deviation of one judge's repeats of the same answer;
      ``judge_se``, its part in the score's standard error, and ``judge_share``, its part in the
      variance behind the interval over items. The interval holds it already. In the unit of
      the grades (0 to 1 where the score is in percent).
    * ``judge_alpha``: Krippendorff's alpha between the judges of a panel (interval scale), of each
      judge's mean over its repeats.
    * ``judge_length_correlation``: Spearman's, of the value with the answer's length.
    * ``judge_same_family``: 1 where a judge is of the family of the model under test.
    """
    every = [(sample, grade) for sample, _, grade in graded]
    records = [(sample, grade.metadata[JUDGE_KEY]) for sample, grade in every
               if JUDGE_KEY in grade.metadata]  # fmt: skip
    repeats: dict[str, list[list[float]]] = {}
    panel = []
    for sample, record in records:
        by_judge = _values(record)
        repeats.setdefault(sample, []).extend(by_judge.values())
        panel.append([sum(values) / len(values) for values in by_judge.values()])
    noise = judge_noise(list(repeats.values()))
    lengths = [
        (float(grade.metadata[LENGTH_KEY]), grade.value)
        for _, grade in every
        if grade.value is not None and LENGTH_KEY in grade.metadata
    ]
    families = [bool(grade.metadata[FAMILY_KEY]) for _, grade in every
                if FAMILY_KEY in grade.metadata]  # fmt: skip
    again = sum(record.get("again", 0) for _, record in records)
    return {
        **({"judge_answers_again": float(again)} if again else {}),
        "judge_answers": float(sum(record["asked"] for _, record in records)),
        "judge_answers_failed": float(sum(record["failed"] for _, record in records)),
        "judge_flip_rate": flip_rate([values for item in repeats.values() for values in item]),
        "judge_repeat_sd": None if noise is None else math.sqrt(noise.variance),
        "judge_se": None if noise is None else noise.se,
        "judge_share": None if noise is None else judge_share(noise, _item_means(every)),
        "judge_alpha": krippendorff_alpha(panel, interval=True),
        "judge_length_correlation": spearman([x for x, _ in lengths], [y for _, y in lengths]),
        "judge_same_family": float(any(families)) if families else None,
    }


def _item_means(every: Iterable[tuple[str, Grade]]) -> list[float]:
    found: dict[str, list[float]] = {}
    for sample, grade in every:
        if grade.value is not None:
            found.setdefault(sample, []).append(grade.value)
    return [sum(values) / len(values) for values in found.values()]


def _values(record: Mapping[str, JSON]) -> dict[str, list[float]]:
    """Numbers by judge, from a grade's record."""
    found: dict[str, list[float]] = {}
    said: list[Mapping[str, Any]] = record["said"]
    for one in said:
        if isinstance(one["value"], int | float):
            found.setdefault(one["judge"], []).append(float(one["value"]))
    return found
