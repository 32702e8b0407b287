"""Given responses: a bad line is named, and a grader's crash is no verdict and no end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.adapters.exact_answer import ExactAnswer
from evalkit.errors import DataError, GraderError
from evalkit.run.regrade import grade_responses, read_responses
from evalkit.types import Attempt, Grade, Missing, Sample
from tests.sums import write_sums


def lines(path: Path, *rows: Any) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "attempt",
    ["10000000", "1e400", "1e12", "-1", "18446744073709551616", "null", '"first"', "true", "0.5",
     "[0]"],
)  # fmt: skip
def test_an_attempt_that_is_no_small_number_names_its_line(tmp_path: Path, attempt: str) -> None:
    good = {"sample_id": "q0", "response": "4", "attempt": 3}
    file = lines(
        tmp_path / "r.jsonl", good, "",
        f'{{"sample_id": "q0", "response": "4", "attempt": {attempt}}}',
    )  # fmt: skip
    with pytest.raises(DataError, match=r"r\.jsonl line 3: "):
        list(read_responses(file))


def test_whole_numbers_count_however_they_are_written(tmp_path: Path) -> None:
    rows = [{"sample_id": "q0", "response": "4", "attempt": n} for n in (0, "1", 2.0)]
    assert [r.attempt for r in read_responses(lines(tmp_path / "r.jsonl", *rows))] == [0, 1, 2]


@pytest.mark.parametrize("protected", [False, True])
def test_a_crash_of_the_grader_is_no_verdict_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protected: bool
) -> None:
    suite = write_sums(tmp_path, protected=protected)
    first = json.loads((suite / "sums.jsonl").read_text().splitlines()[0])
    real = ExactAnswer.grade

    async def brittle(self: Any, sample: Sample, attempt: Attempt, world: Any) -> Grade:
        if attempt.index == 1:
            raise ZeroDivisionError("of the secret question")
        if attempt.index == 2:
            raise GraderError("its process died")
        return await real(self, sample, attempt, world)

    monkeypatch.setattr(ExactAnswer, "grade", brittle)
    rows = [{"sample_id": first["id"], "response": "x", "attempt": n} for n in range(4)]
    done = grade_responses(str(suite), lines(tmp_path / "r.jsonl", *rows))
    assert [one["value"] for one in done.verdicts] == [0.0, None, None, 0.0]
    crashed, died = done.verdicts[1:3]
    assert crashed["missing"] == died["missing"] == Missing.INFRASTRUCTURE.value
    assert "line 2: ZeroDivisionError" in crashed["explanation"]
    assert ("secret" in crashed["explanation"]) is not protected
    assert died["explanation"] == "its process died"
    assert done.score.counts["infrastructure"] == 2


def test_what_only_the_person_can_mend_ends_the_grading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unset(self: Any, sample: Sample, attempt: Attempt, world: Any) -> Grade:
        raise DataError("its tests are not there")

    monkeypatch.setattr(ExactAnswer, "grade", unset)
    suite = write_sums(tmp_path)
    first = json.loads((suite / "sums.jsonl").read_text().splitlines()[0])
    row = {"sample_id": first["id"], "response": "x"}
    with pytest.raises(DataError, match="not there"):
        grade_responses(str(suite), lines(tmp_path / "r.jsonl", row))
