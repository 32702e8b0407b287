from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.compare import measure
from evalkit.errors import DataError
from evalkit.run.record import ATTEMPTS, load_record, write_record
from evalkit.run.sink import AttemptSink, to_row
from evalkit.stats.draws import BOUND, WITHIN
from evalkit.types import Attempt, Grade, Sample
from tests.compare.synthetic_runs import Run, Value, write_run


def test_a_run_of_several_draws(tmp_path: Path) -> None:
    items = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    found = measure(write_run(tmp_path, Run(items)))
    assert found.value == pytest.approx(0.5)
    assert (found.items, found.k, found.graded, found.metric) == (4, 2, 8, "avg@2")
    assert found.noise is not None
    assert found.noise.method == WITHIN
    # Two items of four have s² = ½; one odd draw among eight is added.
    assert found.noise.se**2 == pytest.approx((0.25 + 1 / 8) / 2 / 4)
    assert found.draws is not None
    # Worth eight trials at least, for items differ: Wilson's interval of 4 in 8.
    assert (found.draws.low, found.draws.high) == pytest.approx((0.2152, 0.7848), abs=1e-4)
    assert found.between is not None
    assert found.between.method == "Wilson, effective items"
    assert found.passes == (0.75, 0.25, 4)
    assert found.counts["not_run"] == 0
    assert found.band == (0.5, 0.5)


def test_one_draw_is_a_bound_and_has_no_pass_at_k(tmp_path: Path) -> None:
    found = measure(write_run(tmp_path, Run([[1.0], [0.0], [1.0]])))
    assert found.noise is not None
    assert found.noise.method == BOUND
    assert found.draws is not None
    assert found.draws.method == "Clopper–Pearson, a bound"
    assert found.between is not None
    assert found.between.method == "Wilson"
    assert found.passes is None


def test_missing_attempts_are_counted_by_reason_and_span_a_band(tmp_path: Path) -> None:
    items: list[list[Value]] = [
        [1.0], [(0.0, "truncated")], [(0.0, "unextracted")], [(None, "infrastructure")],
        [(None, "judge_failed")],
    ]  # fmt: skip
    found = measure(write_run(tmp_path, Run(items)))
    assert found.value == pytest.approx(1 / 3)
    assert found.items == 3
    assert found.counts == {
        "planned": 5, "graded": 3, "truncated": 1, "unextracted": 1, "infrastructure": 1,
        "judge_failed": 1, "not_run": 0,
    }  # fmt: skip
    assert found.band == pytest.approx((0.2, 1.0))


def test_attempts_that_were_never_made_are_missing_too(tmp_path: Path) -> None:
    run = Run([[1.0, 1.0], [1.0]], protocol={"k": 2}, status="budget", planned=8,
              data={"selected": 4, "rows": 4})  # fmt: skip
    found = measure(write_run(tmp_path, run))
    assert found.counts["not_run"] == 5
    assert found.band == pytest.approx(((1 + 0.5 + 0 + 0) / 4, 1.0))
    settled = Run([[1.0, 1.0], [1.0]], protocol={"k": 2}, status="settled", planned=4)
    assert measure(write_run(tmp_path / "settled", settled)).band == (1.0, 1.0)


def test_identical_greedy_repeats_are_one_draw(tmp_path: Path) -> None:
    items = [[1.0, 1.0], [0.0, 0.0]]
    greedy = {"params": {"temperature": 0}}
    same = Run(items, protocol=greedy, answers=[["a", "a"], ["b", "b"]])
    found = measure(write_run(tmp_path / "same", same))
    assert found.noise is not None
    assert found.noise.method == BOUND
    assert "count as one draw" in found.notes[0]
    differing = Run(items, protocol=greedy, answers=[["a", "a"], ["b", "c"]])
    other = measure(write_run(tmp_path / "differing", differing))
    assert other.noise is not None
    assert (other.noise.method, other.notes) == (WITHIN, ())
    sampled = Run(items, answers=[["a", "a"], ["b", "b"]])
    third = measure(write_run(tmp_path / "sampled", sampled))
    assert third.noise is not None
    assert third.noise.method == WITHIN


def test_a_score_that_is_no_plain_mean_has_no_interval(tmp_path: Path) -> None:
    found = measure(write_run(tmp_path, Run([[1.0], [0.0]], score={"value": 61.0})))
    assert found.value == pytest.approx(0.61)
    assert (found.noise, found.draws, found.between) == (None, None, None)
    assert "not the plain mean" in found.notes[0]


def test_points_are_left_as_they_are(tmp_path: Path) -> None:
    run = Run([[61.0, 65.0], [70.0, 74.0]], suite={"unit": "points"})
    found = measure(write_run(tmp_path, run))
    assert (found.value, found.scale, found.band) == (67.5, 1.0, None)
    assert found.noise is not None
    single = measure(write_run(tmp_path / "k1", Run([[61.0], [70.0]], suite={"unit": "points"})))
    assert single.noise is None
    assert single.between is not None


def test_points_with_a_scale_have_the_bounds_of_percent(tmp_path: Path) -> None:
    draws = [[0.9], [1.0], [0.6], [0.98]]
    percent = measure(write_run(tmp_path / "percent", Run(draws)))
    suite = {"unit": "points", "best": 60.0, "worst": 10.0}
    scaled = Run([[10 + 50 * value for value in of_item] for of_item in draws], suite=suite)
    points = measure(write_run(tmp_path / "points", scaled))
    assert percent.noise is not None and points.noise is not None  # noqa: PT018
    assert points.noise.se == pytest.approx(50 * percent.noise.se)
    assert points.noise.method == percent.noise.method
    assert percent.between is not None and points.between is not None  # noqa: PT018
    assert points.between.high == pytest.approx(10 + 50 * percent.between.high)
    assert points.draws is not None
    assert points.draws.high <= 60
    # A value outside of the scale (an official grader that does not clip) leaves no bounds.
    beyond = measure(write_run(tmp_path / "beyond", Run([[61.0], [40.0]], suite=suite)))
    assert beyond.noise is None
    assert beyond.between is not None
    assert beyond.between.high > 60


def test_nothing_graded_is_not_zero(tmp_path: Path) -> None:
    items: list[list[Value]] = [[(None, "infrastructure")], [(None, "infrastructure")]]
    found = measure(write_run(tmp_path, Run(items)))
    assert (found.value, found.items, found.noise, found.between) == (None, 0, None, None)
    assert found.band == (0.0, 1.0)


def test_a_run_without_attempts_is_an_error(tmp_path: Path) -> None:
    record = write_run(tmp_path, Run([[1.0]]))
    (tmp_path / "attempts.parquet").unlink()
    with pytest.raises(DataError, match=r"attempts\.parquet"):
        measure(record)


def test_items_of_a_group_belong_together(tmp_path: Path) -> None:
    record = write_run(tmp_path, Run([[1.0]] * 8))
    sink = AttemptSink(tmp_path / ATTEMPTS)
    for place in range(8):
        value = float(place < 4)
        sample, about = Sample(f"item-{place}", "q", "t"), {"text": f"text-{place // 2}"}
        attempt = Attempt(sample.id, 0, (), "a", (), metadata=about)
        row, size = to_row(sample, attempt, Grade(value, "a"))
        sink.add(place, row, size)
    sink.close()
    fields = dict(record.fields)
    fields["score"] = {**fields["score"], "value": 50.0}
    write_record(tmp_path, fields)
    found = measure(load_record(tmp_path), group="text").between
    alone = measure(load_record(tmp_path), interval="t").between
    assert found is not None
    assert alone is not None
    assert found.method == "Student t over 4 groups"
    assert found.half_width > 1.5 * alone.half_width
