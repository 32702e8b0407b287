"""The planner: size, cost, time and what can be decided, with a pilot and without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.adapters import find_suite
from evalkit.compare.comparison import compare
from evalkit.compare.measure import measure
from evalkit.compare.pilot import find_pilot, read_pilot
from evalkit.compare.plan import plan_suite
from evalkit.compare.plan_text import plan_json, plan_text
from evalkit.compare.sequential import sequential_design
from evalkit.errors import DataError
from evalkit.reported.claim import Claim
from evalkit.run.plan import RunOptions, RunPlan, make_plan
from evalkit.settings import EndpointSettings, Price
from evalkit.stats.equivalence import Verdict
from evalkit.stats.intervals import clopper_pearson
from tests.cli.calling import call
from tests.compare.synthetic_runs import Run, write_run
from tests.sums import write_sums

ITEMS = 30


def planned(tmp_path: Path, **endpoint: Any) -> RunPlan:
    """A plan of the suite of sums."""
    suite = tmp_path / "sums"
    if not suite.exists():
        write_sums(tmp_path, ITEMS)
    return make_plan(find_suite(str(suite)), EndpointSettings("none:", "tiny", **endpoint),
                     RunOptions())  # fmt: skip


def claim(value: float = 49.5, **changes: Any) -> Claim:
    """A claim about the sums."""
    given: dict[str, Any] = {
        "id": "abc123", "document": "d", "model": "tiny", "model_raw": "tiny", "benchmark": "Sums",
        "benchmark_raw": "Sums", "metric": "accuracy", "value": value, "unit": "percent",
        "reporter": "V", "reported_by": "vendor",
    }  # fmt: skip
    return Claim(**given | changes)


def pilot(tmp_path: Path, name: str = "pilot", **changes: Any) -> Path:
    """A run of the sums: a third of the items always right, a third never, a third half."""
    third = ITEMS // 3
    items = [[1.0] * 4] * third + [[0.0] * 4] * third + [[1.0, 0.0, 1.0, 0.0]] * third
    folder = tmp_path / "results" / "runs" / name
    given: dict[str, Any] = {"suite": {"name": "sums"}, "model": "tiny", "canonical": None}
    write_run(folder, Run(items, **given | changes))
    return folder


def test_without_a_pilot_noise_is_a_bound_and_the_rest_is_not_known(tmp_path: Path) -> None:
    plan = plan_suite(planned(tmp_path), [claim()], margin=5.0)
    (one,) = plan.claims
    assert one.noise.variance == pytest.approx(0.495 * 0.505)
    # 8.56·0.25/30/0.05² by the usual formula, the rounding of the claim taken off the margin
    assert one.k_value == 30
    assert one.k_same is None  # k = 1 assumed: the claim's own noise is more than the margin
    assert (plan.k, plan.attempts, plan.requests) == (30, 30 * ITEMS, 30 * ITEMS)
    assert plan.prompt_tokens is plan.completion_tokens is plan.cost_usd is plan.seconds is None
    assert plan.most_completion_tokens == 30 * ITEMS * 50
    text = plan_text(plan)
    assert "tokens       not known; at most 45,000 completion tokens" in text
    assert "price        not known" in text
    assert "time         not known (at 16 requests in flight)" in text
    assert "undecidable at ±5: the claim itself has ±17.9" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    said = plan_json(plan)
    assert said["tokens"] == {"prompt": None, "completion": None, "most_completion": 45_000}
    assert said["cost_usd"] is said["seconds"] is said["pilot"] is None


def test_a_pilot_tells_noise_tokens_requests_and_time(tmp_path: Path) -> None:
    found = read_pilot(find_pilot_at(pilot(tmp_path)))
    assert (found.attempts, found.prompt_tokens, found.completion_tokens) == (120, 10.0, 20.0)
    assert found.noise is not None
    # A third of the items have p(1-p) = 1/4, times 4/3 for four draws, plus 1/120 of smoothing.
    assert found.noise.variance == pytest.approx(1 / 9 + 1 / 120)
    price = Price(input=2.0, output=10.0)
    plan = plan_suite(planned(tmp_path, price=price, concurrency=8), [claim()], found, margin=5.0)
    (one,) = plan.claims
    assert one.k_value == 14
    assert plan.prompt_tokens == 10 * 14 * ITEMS
    assert plan.cost_usd == pytest.approx((10 * 2.0 + 20 * 10.0) * 14 * ITEMS / 1e6)
    assert plan.seconds is not None or found.latency_s is None


def find_pilot_at(folder: Path) -> Any:
    """The record of a folder."""
    from evalkit.run.record import load_record

    return load_record(folder)


def test_a_stated_k_makes_the_same_model_decidable_and_sets_the_plan(tmp_path: Path) -> None:
    found = read_pilot(find_pilot_at(pilot(tmp_path)))
    plan = plan_suite(planned(tmp_path), [claim(metric="avg@64")], found, margin=5.0)
    (one,) = plan.claims
    assert (one.claim_k, one.claim_k_stated) == (64, True)
    assert one.k_same is not None
    assert one.k_value is not None
    assert plan.k == one.k_same > one.k_value
    assert one.power(plan.k, same_model=False) > one.power(plan.k, same_model=True) > 0.79
    assert one.detectable(64, same_model=True) > one.detectable(64, same_model=False)
    assert "whether the same model is behind it" in plan.why_k


@pytest.mark.parametrize(
    ("always", "never", "half", "odd"),
    [
        (24, 1, 5, (1.0, 0.0)),  # mean p(1-p) about 0.1
        (16, 1, 13, (1.0, 0.0)),
        (16, 1, 13, (0.75, 0.25)),  # partial credit moves in no whole steps
    ],
)
@pytest.mark.parametrize("metric", ["avg@16", "avg@64", "accuracy"])
@pytest.mark.parametrize("margin", [5.0, 3.0])
def test_the_plan_names_the_k_that_diff_would(
    tmp_path: Path, always: int, never: int, half: int, odd: tuple[float, float], metric: str,
    margin: float,
) -> None:  # fmt: skip
    """With the noise of the same run, so that nobody is told another number afterwards."""
    items = [[1.0] * 2] * always + [[0.0] * 2] * never + [list(odd)] * half
    folder = tmp_path / "pilot"
    write_run(folder, Run(items, suite={"name": "sums"}, model="tiny", canonical=None))
    run = find_pilot_at(folder)
    said = claim(round(100 * (always + half / 2) / ITEMS, 1), metric=metric)
    plan = plan_suite(planned(tmp_path), [said], read_pilot(run), margin=margin)
    (one,) = plan.claims
    pair = compare(measure(run), said, margin)
    assert pair.meets_value is not None
    assert pair.same_model is not None
    assert (pair.meets_value.verdict, pair.same_model.verdict) == (
        Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE if one.k_same else Verdict.UNDECIDABLE,
    )  # fmt: skip
    assert (one.k_value, one.k_same) == (pair.meets_value.k_needed, pair.same_model.k_needed)


def test_k_is_as_asked_or_the_protocols(tmp_path: Path) -> None:
    assert plan_suite(planned(tmp_path), [claim()], k=3).k == 3
    bare = plan_suite(planned(tmp_path), [])
    assert (bare.k, bare.why_k) == (1, "the protocol's")
    assert bare.variance == (0.25, "the largest there is, 1/4: no pilot, no claim")
    assert "none about this model, benchmark and variant" in plan_text(bare)


def test_a_claim_that_is_rounded_too_coarsely_or_in_another_unit(tmp_path: Path) -> None:
    plan = plan_suite(planned(tmp_path), [claim(50.0), claim(1200.0, unit="elo")], margin=0.4)
    assert plan.claims[0].k_value is None
    assert [why for _, why in plan.listed] == ["it is in elo, the run in percent"]
    assert "the claim's rounding is not below ±0.4" in " ".join(plan_text(plan).split())


def test_the_largest_run_of_the_same_protocol_is_the_pilot(tmp_path: Path) -> None:
    root = tmp_path / "results" / "runs"
    assert find_pilot(root, "sums", "tiny", "plain") is None
    pilot(tmp_path, "a-other-model", model="huge")
    pilot(tmp_path, "b-other-protocol", protocol={"name": "else", "k": 4})
    found = find_pilot(root, "sums", "tiny", "plain")
    assert found is not None
    assert found.folder.name == "b-other-protocol"
    pilot(tmp_path, "c-same", protocol={"name": "plain", "k": 4})
    (root / "d-broken").mkdir()
    (root / "d-broken" / "run.json").write_text("{")
    found = find_pilot(root, "sums", "Org/Tiny", "plain")
    assert found is not None
    assert found.folder.name == "c-same"


def test_a_run_without_values_is_no_pilot(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    write_run(folder, Run([[None], [None]], suite={"name": "sums"}))
    with pytest.raises(DataError, match="is no pilot"):
        read_pilot(find_pilot_at(folder))


def test_the_command_finds_claims_and_pilot_and_asks_nobody(tmp_path: Path) -> None:
    suite = write_sums(tmp_path, ITEMS)
    pilot(tmp_path, protocol={"name": "plain", "k": 4})
    fields = {name: getattr(claim(), name) for name in
              ("id", "document", "model", "model_raw", "benchmark", "benchmark_raw", "metric",
               "value", "unit")}  # fmt: skip
    others = [
        fields | {"id": "other1", "model": "huge", "model_raw": "huge"},
        fields | {"id": "other2", "variant": "with tools"},
    ]
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in [fields, *others]))
    base = ("plan", str(suite), "-m", "tiny", "--reported", str(ledger), "--margin", "5")
    done = call(tmp_path, *base, "--price-input", "2", "--price-output", "10", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert [one["id"] for one in said["claims"]] == ["abc123"]
    assert said["k"] == said["claims"][0]["meets_value"]["k_needed"] == 14
    assert said["cost_usd"] == pytest.approx((10 * 2 + 20 * 10) * 14 * ITEMS / 1e6)
    assert said["pilot"]["attempts"] == 120
    text = call(tmp_path, *base, "--against", "other1", "-k", "2")
    assert "60: k = 2 an item (as asked)" in text.out
    assert "id other1" in " ".join(text.out.split())


def test_an_embedded_model_is_planned_for_under_the_name_that_runs_record(tmp_path: Path) -> None:
    suite = write_sums(tmp_path, ITEMS)
    name = "Qwen2.5-Coder-0.5B-Instruct"
    pilot(tmp_path, protocol={"name": "plain", "k": 4}, model=name)
    found = claim()
    line = {"id": "abc123", "document": found.document, "model": name, "model_raw": name,
            "benchmark": found.benchmark, "benchmark_raw": found.benchmark, "metric": found.metric,
            "value": found.value, "unit": found.unit}  # fmt: skip
    (tmp_path / "ledger.jsonl").write_text(json.dumps(line) + "\n")
    base = ("plan", str(suite), "--reported", "ledger.jsonl", "--json", "-m")
    said = json.loads(call(tmp_path, *base, "local/qwen2.5-coder-0.5b").out)
    assert said == json.loads(call(tmp_path, *base, name, "--concurrency", "1").out)
    assert [one["id"] for one in said["claims"]] == ["abc123"]
    assert said["pilot"]["attempts"] == 120
    unknown = call(tmp_path, *base, "local/other")
    assert unknown.code == 2
    assert "qwen2.5-coder-0.5b" in unknown.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("-m", "tiny", "--price-input", "2"), "--price-input and --price-output together"),
        ((), "Name the model"),
        (("-m", "tiny", "--margin", "0"), "'--margin': must be greater than 0"),
        (("-m", "tiny", "--against", "zzz"), "no claim with the id zzz"),
        (("-m", "tiny", "--pilot", "nothing"), "There is no run 'nothing'"),
    ],
)
def test_what_the_command_refuses(tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    done = call(tmp_path, "plan", str(write_sums(tmp_path)), *more)
    assert done.code == 2
    assert message in done.err


def test_a_claim_with_a_known_k_stands_for_its_interval_and_half_of_alpha(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    constant = sequential_design(plan, [claim()], margin=8.0)
    assert (constant.question.low, constant.question.high) == pytest.approx((0.4945, 0.4955))
    assert constant.question.alpha == 0.05
    drawn = sequential_design(plan, [claim(metric="avg@64")], margin=8.0, alpha=0.04)
    trials = ITEMS * 64
    low = clopper_pearson(int(0.495 * trials), trials, 0.98).low
    assert drawn.question.low == pytest.approx(low - 0.0005)
    assert drawn.question.alpha == 0.02
    claimed = drawn.pins["claim"]
    assert isinstance(claimed, dict)
    assert "98 % Clopper–Pearson" in str(claimed["counts_as"])
    assert drawn.result()["open"] == "inconclusive"
    narrow = sequential_design(plan, [claim(metric="avg@2")], margin=3.0)
    assert narrow.result()["open"] == "undecidable"


def test_a_bound_is_a_bound_and_the_fixed_design_limits_the_rounds(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    design = sequential_design(plan, [claim(comparator=">=")], margin=5.0)
    assert design.question.side.value == "at least"
    assert design.k == 30
    assert design.pins["planned"] == {"k": 30, "attempts": 900, "variance": "bound p(1-p)"}
    assert sequential_design(plan, [claim()], margin=5.0, k=3).k == 3
    orders = [[s.id for s in design.order(i, plan.samples)] for i in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(s.id for s in plan.samples)
