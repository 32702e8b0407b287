"""A plan as text for a terminal of 80 columns, and as JSON. "Not known" is never 0."""

from __future__ import annotations

import textwrap
from typing import Any, Final

from evalkit.compare.plan import ClaimPlan, SuitePlan
from evalkit.types import JSON

WIDTH: Final = 80
LABEL: Final = 13
UNKNOWN: Final = "not known"


def plan_text(plan: SuitePlan) -> str:
    """Size, cost, time, and what could be decided."""
    run, scale = plan.plan, _scale(plan)
    head = f"{run.suite.name} | {run.endpoint.model} | protocol {run.protocol.name}"
    lines = [head, "=" * min(WIDTH, len(head))]
    part = "" if len(run.samples) == run.available else f" of {run.available}"
    lines += _field("items", f"{len(run.samples)}{part}")
    lines += _field("attempts", f"{plan.attempts:,}: k = {plan.k} an item ({plan.why_k})")
    lines += _field("requests", _count(plan.requests))
    lines += _field("tokens", _tokens(plan))
    lines += _field("price", UNKNOWN if plan.cost_usd is None else f"${plan.cost_usd:,.2f}")
    lines += _field("time", _time(plan))
    lines += _field("pilot", _pilot(plan))
    if plan.variance is not None:
        lines += _field("noise", f"mean p(1-p) {plan.variance[0]:.3f} ({plan.variance[1]})"
                        if not plan.claims or plan.pilot else "by claim")  # fmt: skip
    for one in plan.claims:
        lines += ["", *_claim(one, plan, scale)]
    for claim, why in plan.listed:
        lines += ["", *_field("claim", f"{claim.id}: not planned for, {why}.")]
    if not plan.claims and not plan.listed:
        lines += ["", *_field("claims", "none about this model, benchmark and variant")]
    return "\n".join(lines)


def plan_json(plan: SuitePlan) -> dict[str, JSON]:
    """The same as one JSON object; scores in the unit that is printed, null = not known."""
    run, scale, pilot = plan.plan, _scale(plan), plan.pilot
    return {
        "format": 1, "suite": run.suite.name, "benchmark": run.suite.benchmark,
        "model": run.endpoint.model, "protocol": run.protocol.name, "items": len(run.samples),
        "k": plan.k, "why_k": plan.why_k, "attempts": plan.attempts, "margin": plan.margin,
        "requests": plan.requests,
        "tokens": {
            "prompt": plan.prompt_tokens, "completion": plan.completion_tokens,
            "most_completion": plan.most_completion_tokens,
        },
        "cost_usd": plan.cost_usd, "concurrency": plan.concurrency, "seconds": plan.seconds,
        "noise": None if plan.variance is None
        else {"variance": plan.variance[0], "method": plan.variance[1]},
        "pilot": None if pilot is None else {
            "folder": str(pilot.folder), "model": pilot.model, "protocol": pilot.protocol,
            "attempts": pilot.attempts, "latency_s": pilot.latency_s,
        },
        "claims": [_claim_json(one, plan, scale) for one in plan.claims],
        "listed": [{"id": claim.id, "why": why} for claim, why in plan.listed],
    }  # fmt: skip


def _claim_json(one: ClaimPlan, plan: SuitePlan, scale: float) -> dict[str, JSON]:
    forms: dict[str, Any] = {}
    for name, needed, same in (
        ("meets_value", one.k_value, False),
        ("same_model", one.k_same, True),
    ):
        forms[name] = {
            "k_needed": needed, "decidable": needed is not None,
            "power": one.power(plan.k, same_model=same),
            "detectable": scale * one.detectable(plan.k, same_model=same),
        }  # fmt: skip
    return {
        "id": one.claim.id, "value": scale * one.value, "k": one.claim_k,
        "k_stated": one.claim_k_stated, "own_noise": scale * one.claim_half,
        "variance": one.noise.variance, **forms,
    }  # fmt: skip


def _claim(one: ClaimPlan, plan: SuitePlan, scale: float) -> list[str]:
    claim = one.claim
    who = f"{claim.reporter or 'unknown source'} ({claim.reported_by})"
    drawn = f"k = {one.claim_k}" if one.claim_k_stated else "k not stated, 1 assumed"
    lines = _field("claim", f"{claim.value:g}, {claim.metric or 'metric not stated'}, by {who}; "
                   f"{drawn}, own noise ±{scale * one.claim_half:.1f}; id {claim.id}")  # fmt: skip
    for title, needed, same in (
        ("value met?", one.k_value, False), ("same model?", one.k_same, True),
    ):  # fmt: skip
        if needed is not None:
            text = f"k = {needed} would decide at ±{plan.margin:g}"
        elif same:
            text = (f"undecidable at ±{plan.margin:g}: the claim itself has "
                    f"±{scale * one.claim_half:.1f}, no k shows equality")  # fmt: skip
        else:
            text = f"undecidable: the claim's rounding is not below ±{plan.margin:g}"
        power = 100 * one.power(plan.k, same_model=same)
        least = scale * one.detectable(plan.k, same_model=same)
        text += (f"; with k = {plan.k}: equality shown in {power:.0f} % of cases, a difference "
                 f"of {least:.1f} in 80 %")  # fmt: skip
        lines += _field(title, text)
    return lines


def _tokens(plan: SuitePlan) -> str:
    if plan.prompt_tokens is None and plan.completion_tokens is None:
        most = plan.most_completion_tokens
        return UNKNOWN if most is None else f"{UNKNOWN}; at most {most:,} completion tokens"
    return (f"{_count(plan.prompt_tokens)} prompt, {_count(plan.completion_tokens)} completion "
            "(by the pilot)")  # fmt: skip


def _time(plan: SuitePlan) -> str:
    at = f"at {plan.concurrency} request{'s' * (plan.concurrency != 1)} in flight"
    if plan.seconds is None:
        return f"{UNKNOWN} ({at})"
    minutes, seconds = divmod(round(plan.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
    return f"about {text} {at}"


def _pilot(plan: SuitePlan) -> str:
    pilot = plan.pilot
    if pilot is None:
        return "none: an earlier run of this suite would tell noise, tokens and time"
    other = "" if pilot.protocol == plan.plan.protocol.name else f", protocol {pilot.protocol}"
    model = "" if pilot.model == plan.plan.endpoint.model else f", model {pilot.model}"
    return f"{pilot.folder}, {pilot.attempts:,} attempts{model}{other}"


def _scale(plan: SuitePlan) -> float:
    return 100.0 if plan.plan.suite.unit == "percent" else 1.0


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _field(label: str, text: str) -> list[str]:
    """``label`` in the margin, ``text`` wrapped beside it; a path stays whole."""
    body = textwrap.wrap(text, WIDTH - LABEL, break_on_hyphens=False, break_long_words=False)
    first, *rest = body or [""]
    return [f"{label:<{LABEL}}{first}", *(" " * LABEL + line for line in rest)]
