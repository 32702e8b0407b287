from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from evalkit.compare import Comparison, Measurement, compare, measure
from evalkit.compare.comparison import obstacle
from evalkit.reported.claim import Claim
from evalkit.stats import Side, Verdict
from tests.compare.synthetic_runs import Run, Value, write_run


def claim(value: float | None, **fields: Any) -> Claim:
    base: dict[str, Any] = {"unit": "percent", "reported_by": "vendor", "reporter": "Lab"}
    return Claim(
        "c1", "report.md", "Model A", "A", "Tiny Bench", "Tiny", value=value, **(base | fields)
    )


def spread(right: int, items: int, k: int) -> list[list[Value]]:
    """Items that are all right or all wrong, but for one odd draw each in ten."""
    rows: list[list[Value]] = []
    for number in range(items):
        value = 1.0 if number < right else 0.0
        row: list[Value] = [value] * k
        if number % 10 == 0:
            row[0] = 1.0 - value
        rows.append(row)
    return rows


def measured(folder: Path, **fields: Any) -> Measurement:
    items = fields.pop("items", spread(70, 100, 4))
    return measure(write_run(folder, Run(items, **fields)))


def blocking(pair: Comparison) -> list[str]:
    return [row.key for row in pair.settings if row.blocks]


def test_the_difference_and_its_noise(tmp_path: Path) -> None:
    found = measured(tmp_path)
    pair = compare(found, claim(70.0, setting={"k": 4}))
    assert found.value is not None
    assert found.noise is not None
    assert pair.difference == pytest.approx(found.value - 0.70)
    assert pair.claim_se == pytest.approx(found.noise.claim_se(4))
    assert pair.same_model is not None
    assert pair.same_model.se == pytest.approx(math.hypot(found.noise.se, pair.claim_se or 0))
    # "70" is rounded to whole points, and 400 draws on each side move in steps of a quarter point.
    half = 1.959964 * pair.same_model.se + 0.005 + 0.00125
    assert pair.same_model.ci95.high - pair.same_model.difference == pytest.approx(half, rel=0.1)
    # At the margin the claim's noise may be larger: the 90 % interval allows for it.
    assert pair.same_model.ci90.half_width > 1.7 * pair.same_model.se + 0.005


@pytest.mark.parametrize(
    ("value", "k", "verdict"),
    [
        (69.1, 64, Verdict.REPRODUCED),
        (40.2, 1, Verdict.HIGHER),
        (95.3, 1, Verdict.LOWER),
        (70.6, 8, Verdict.INCONCLUSIVE),
        (69.1, 1, Verdict.UNDECIDABLE),
    ],
)
def test_verdicts(tmp_path: Path, value: float, k: int, verdict: Verdict) -> None:
    pair = compare(measured(tmp_path), claim(value, setting={"k": k}))
    assert pair.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert pair.reasons[0].startswith("needs k = ")
    if verdict is Verdict.UNDECIDABLE:
        assert "the claim itself has ±" in pair.reasons[0]


def test_a_clear_miss_is_material_and_lower_although_one_draw_stands_behind_the_claim(
    tmp_path: Path,
) -> None:
    pair = compare(measured(tmp_path), claim(99.0))
    assert (pair.verdict, pair.claim_k, pair.claim_k_stated) == (Verdict.LOWER, 1, False)
    assert pair.reasons == ("by more than the margin",)


def test_the_margin_can_be_given(tmp_path: Path) -> None:
    found = measured(tmp_path)
    near = claim(67.3, setting={"k": 64})
    assert compare(found, near).margin == pytest.approx(0.03)
    assert compare(found, near).verdict is not Verdict.REPRODUCED
    assert compare(found, near, margin=10).verdict is Verdict.REPRODUCED


def test_metrics_name_the_draws_behind_a_claim(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert compare(found, claim(70.1, metric="Avg@64")).claim_k == 64
    assert compare(found, claim(70.1, metric="pass@1")).claim_k_stated is False


def test_a_differing_setting_is_not_comparable_and_the_numbers_stay(tmp_path: Path) -> None:
    found = measured(tmp_path, endpoint={"settings": {"quantisation": "Q4_K_M"}})
    pair = compare(
        found,
        claim(70.1, setting={"quantisation": "bf16"}, source={"assumed": ["quantisation"]}),
    )
    assert pair.verdict is Verdict.NOT_COMPARABLE
    assert pair.reasons == ("quantisation: claim bf16 (assumed), run Q4_K_M",)
    assert pair.difference is not None
    assert pair.same_model is not None
    assert pair.meets_value is not None
    assert found.draws is not None
    assert found.between is not None


@pytest.mark.parametrize(
    ("fields", "stated", "expected"),
    [
        ({"suite": {"items": 500}}, {}, ["items"]),
        ({"data": {"selected": 100, "rows": 300}, "suite": {"items": None}}, {}, ["items"]),
        ({"status": "budget"}, {}, ["status"]),
        ({"served": ["another-model"]}, {}, ["served_model"]),
        ({"served": ["model-a-2026-01-01"]}, {}, []),
        ({}, {"setting": {"temperature": 0.6}}, ["temperature"]),
        ({}, {"setting": {"decoding": "greedy"}}, ["temperature"]),
        ({}, {"setting": {"temperature": "1.0"}}, []),
        ({"protocol": {"params": {"max_tokens": 1024}}}, {"setting": {"max_tokens": "8k"}},
         ["max_tokens"]),
        ({}, {"setting": {"max_tokens": "8k"}}, []),
        ({"endpoint": {"extra_body": {"temperature": 0.6}}}, {"setting": {"temperature": 1}},
         ["temperature"]),
        ({}, {"variant": "with tools"}, ["variant"]),
        ({"protocol": {"variant": "With-Tools"}}, {"variant": "with tools"}, []),
        ({"protocol": {"settings": {"tools": False}}}, {"setting": {"tools": True}}, ["tools"]),
        ({"protocol": {"settings": {"scaffold": "own"}}}, {"setting": {"scaffold": "OpenHands"}},
         ["scaffold"]),
        ({}, {"metric": "cons@64"}, ["metric"]),
        ({}, {"metric": "Pass@8"}, ["metric"]),
        ({}, {"metric": "Pass@1"}, []),
        ({}, {"metric": "LC-winrate"}, []),
        ({}, {"setting": {"k": 64, "seed": 3, "shots": 5, "gpus": 8}}, []),
    ],
)  # fmt: skip
def test_settings_that_make_a_pair_not_comparable(
    tmp_path: Path, fields: dict[str, Any], stated: dict[str, Any], expected: list[str]
) -> None:
    pair = compare(measured(tmp_path, **fields), claim(70.1, **stated))
    assert blocking(pair) == expected
    assert (pair.verdict is Verdict.NOT_COMPARABLE) == bool(expected)


def test_what_a_claim_states_and_nobody_knows_is_shown(tmp_path: Path) -> None:
    pair = compare(measured(tmp_path), claim(70.1, setting={"gpus": 8, "shots": 5, "k": 2}))
    rows = {row.key: row for row in pair.settings}
    assert (rows["gpus"].claimed, rows["gpus"].status) == (8, "unknown")
    assert rows["shots"].status == "unknown"
    assert (rows["k"].status, rows["k"].moves) == ("differs", False)
    assert rows["temperature"].status == "not stated"
    assert "quantisation" not in rows


@pytest.mark.parametrize(
    ("comparator", "versus", "side"),
    [
        ("=", None, Side.EQUAL), (">", None, Side.AT_LEAST), (">=", None, Side.AT_LEAST),
        ("<=", None, Side.AT_MOST), ("~", None, Side.EQUAL), ("top", "all", Side.EQUAL),
        (">", "Model B", Side.EQUAL),
    ],
)  # fmt: skip
def test_a_bound_is_one_sided_and_a_rivals_sign_is_not(
    tmp_path: Path, comparator: str, versus: str | None, side: Side
) -> None:
    pair = compare(measured(tmp_path), claim(30.1, comparator=comparator, versus=versus))
    assert pair.side is side
    expected = Verdict.REPRODUCED if side is Side.AT_LEAST else Verdict.HIGHER
    assert pair.verdict is expected


def test_units(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert compare(found, claim(0.7, unit="fraction")).value == pytest.approx(0.7)
    counted = compare(found, claim(70, unit="of 100"))
    assert counted.value == pytest.approx(0.7)
    assert counted.same_model is not None
    rounded = compare(found, claim(70)).same_model
    assert rounded is not None
    assert rounded.ci95.half_width == pytest.approx(counted.same_model.ci95.half_width + 0.005)
    assert obstacle(found, claim(1530, unit="elo")) == "it is in elo, the run in percent"
    assert obstacle(found, claim(None)) == "it states no value"
    assert obstacle(found, claim(70.1)) is None
    with pytest.raises(ValueError, match="states no value"):
        compare(found, claim(None))


def test_the_question_about_a_value_that_no_draws_give(tmp_path: Path) -> None:
    found = measured(tmp_path)  # 100 items: steps of 1 point at k = 1
    question = compare(found, claim(71.3)).question
    assert question is not None
    assert question.startswith("How does 71.3 come about? With 100 items and one draw an item")
    assert "it can with k = 3, 4, 6" in question
    assert question.count("?") == 1
    assert compare(found, claim(71.0)).question is None
    assert compare(found, claim(71.3, setting={"k": 4})).question is None
    stated = compare(found, claim(71.3, setting={"k": 2})).question
    assert stated is not None
    assert "the stated k = 2" in stated


def test_without_numbers_there_is_no_verdict_on_them(tmp_path: Path) -> None:
    nothing = measured(tmp_path / "a", items=[[(None, "infrastructure")]] * 3)
    pair = compare(nothing, claim(70.1))
    assert (pair.verdict, pair.reasons) == (Verdict.INCONCLUSIVE, ("no attempt was graded",))
    assert pair.difference is None
    weighted = measured(tmp_path / "b", score={"value": 61.0})
    pair = compare(weighted, claim(70.1))
    assert (pair.verdict, pair.same_model) == (Verdict.INCONCLUSIVE, None)
    assert pair.difference == pytest.approx(-0.091)


def test_the_question_knows_printed_zeros_and_stated_subsets(tmp_path: Path) -> None:
    found = measured(tmp_path)
    part = {"stated": "93 of 100 items"}
    # "73.0" printed with its zero is one decimal, and 68 of 93 are 73.1; "73" would do.
    printed = compare(found, claim(73.0, span=(10, 14), setting=part))
    assert printed.question is not None
    assert printed.question.startswith("How does 73.0 come about? With 93 items and one draw")
    assert blocking(printed) == ["items"]
    assert compare(found, claim(73.0, setting=part)).question is None
    assert compare(found, claim(73.0, span=(10, 14))).question is None


@pytest.mark.parametrize(
    ("setting", "blocks"),
    [
        ({"judge": "o3-mini"}, ["judge"]),  # one judge is not a panel
        ({"judge": "GPT-4.1 and o3-mini"}, []),
        ({"judge": ["gpt-4.1", "o3-mini"]}, []),
        ({"judge": "o3-mini, gpt-4.1-2024-01-01"}, ["judge"]),
        ({"user_model": "GPT-4.1"}, []),
    ],
)
def test_every_judge_of_a_panel_is_compared(
    tmp_path: Path, setting: dict[str, Any], blocks: list[str]
) -> None:
    roles = {"judge": "openai/o3-mini", "judge2": "gpt-4.1-2025-04-14", "user": "gpt-4.1"}
    pair = compare(measured(tmp_path, roles=roles), claim(70.0, setting=setting))
    assert blocking(pair) == blocks
    (row,) = [row for row in pair.settings if row.key == "judge"]
    assert row.effective == "openai/o3-mini, gpt-4.1-2025-04-14"
