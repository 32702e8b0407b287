"""A run's settings beside a claim's: one row a setting, and whether its difference moves scores.

Most rows come from ``settings.toml`` (data, not code), what sources put into words from
``stated.toml``; rows that need a computation (items, draws, metric, attempts, served model,
variant, status, cut answers) are made here. Example::

    rows = align(run, claim)
    [row.title for row in rows if row.status == DIFFERS and row.moves]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from evalkit.compare.match import normal, variant_of
from evalkit.compare.settled import sequential_of
from evalkit.compare.stated import stated_settings
from evalkit.compare.values import number, same_value
from evalkit.compare.versions import is_version
from evalkit.reported.claim import Claim
from evalkit.reported.printed import claim_draws
from evalkit.types import JSON

SAME: Final = "same"
DIFFERS: Final = "differs"
UNSTATED: Final = "not stated"  # by the claim
UNKNOWN: Final = "unknown"  # stated by the claim, and this run cannot tell
# Options that say which data is taken (which has a row of its own), or move nothing.
SAID_ELSEWHERE: Final = frozenset({"window", "release", "judge_repeats", "search", "blocked"})


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of a pair.

    Attributes:
        key: Its name in ``settings.toml``, or of a computed row.
        title: For display.
        claimed: As the claim states it; None = not stated.
        requested: What the run asked for.
        effective: What the endpoint did, or is known to be.
        status: ``same``, ``differs``, ``not stated`` or ``unknown``.
        moves: A difference is known to move scores.
        assumed: The claim's value is assumed by who entered it, not stated by the source.
    """

    key: str
    title: str
    claimed: JSON
    requested: JSON
    effective: JSON
    status: str
    moves: bool
    assumed: bool = False

    @property
    def blocks(self) -> bool:
        """The pair is not comparable because of this row."""
        return self.moves and self.status == DIFFERS


def align(
    run: Mapping[str, Any], claim: Claim, observed: Mapping[str, JSON] | None = None
) -> tuple[SettingRow, ...]:
    """Put the settings of a run and of a claim side by side.

    Rows that neither side says anything about are left out.

    Args:
        run: ``run.json``.
        claim: A claim about the same model and benchmark.
        observed: What the attempts show (:attr:`evalkit.compare.measure.Measurement.observed`).
    """
    stated, words = stated_settings(claim)
    both = {**run, "observed": dict(observed or {})}
    assumed = claim.source.get("assumed") or ()
    variants, versions = _variants(run, claim)
    if versions:
        stated.setdefault("data_version", "; ".join(versions))
    rows = [
        _items(run, stated), _status(run), _served(run), _variant(run, variants),
        _metric(run, claim), _attempts(run, stated), _draws(run, claim), _cut(observed),
        _options(run),
    ]  # fmt: skip
    used = {"k", "runs", "samples", "items", "attempts"}
    for key, entry in table().items():
        rows.append(_from_table(both, stated, key, entry, assumed))
        used.update(entry["claim"])
    for key, value in stated.items():
        if key not in used:
            rows.append(SettingRow(key, key, value, None, None, UNKNOWN, False, key in assumed))
    if words:
        rows.append(SettingRow("words", "as stated", "; ".join(words), None, None, UNKNOWN, False))
    return tuple(row for row in rows if row is not None)


def claims_greedy(claim: Claim) -> bool:
    """Whether the source itself states decoding without chance."""
    stated, _ = stated_settings(claim)
    assumed = claim.source.get("assumed") or ()
    value = stated.get("temperature", stated.get("decoding"))
    said = not {"temperature", "decoding"} & set(assumed if isinstance(assumed, list) else [])
    return said and (number(value) == 0 or str(value).strip().casefold() == "greedy")


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """``settings.toml``, which lies beside this module."""
    text = files("evalkit.compare").joinpath("settings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _from_table(
    run: Mapping[str, Any],
    stated: Mapping[str, JSON],
    key: str,
    entry: Mapping[str, Any],
    assumed: Any,
) -> SettingRow | None:
    names = [name for name in entry["claim"] if stated.get(name) is not None]
    claimed = stated[names[0]] if names else None
    requested, effective = _first(run, entry["asked"]), _first(run, entry["found"])
    if claimed is None and requested is None and effective is None:
        return None
    status = UNSTATED
    if claimed is not None:
        ours = requested if effective is None else effective
        meant = entry.get("words", {}).get(str(claimed).casefold(), claimed)
        same = None if ours is None else same_value(entry["kind"], meant, ours)
        status = UNKNOWN if same is None else SAME if same else DIFFERS
    return SettingRow(
        key, entry["title"], claimed, requested, effective, status, entry["moves"],
        bool(names) and names[0] in assumed,
    )  # fmt: skip


def _first(run: Mapping[str, Any], paths: list[str]) -> JSON:
    """What stands at the first path that holds something; several values become one text."""
    for path in paths:
        found = _at(run, path.split("."))
        if found:
            return ", ".join(dict.fromkeys(map(str, found))) if "*" in path else found[0]
    return None


def _at(value: Any, parts: list[str]) -> list[Any]:
    """The values at a path; a part that ends in ``*`` stands for all keys that begin so."""
    for place, part in enumerate(parts):
        if not isinstance(value, Mapping):
            return []
        if part.endswith("*"):
            keys = sorted(key for key in value if key.startswith(part[:-1]))
            return [one for key in keys for one in _at(value[key], parts[place + 1 :])]
        value = value.get(part)
    return [] if value is None else [value]


def _items(run: Mapping[str, Any], stated: Mapping[str, JSON]) -> SettingRow:
    """A claim is taken to be about the official set, whole, unless it says otherwise."""
    data, official = run["data"], run["suite"]["items"]
    whole = data["rows"] if official is None and not own_data(run) else official
    said = number(stated.get("items"))
    claimed = whole if said is None else int(said)
    if claimed is None:  # nobody says how many there are, and these rows are the person's own
        return SettingRow("items", "items", None, data["selected"], None, UNKNOWN, True)
    status = SAME if data["selected"] == claimed else DIFFERS
    measured = (run.get("score") or {}).get("items")
    return SettingRow("items", "items", claimed, data["selected"], measured, status, True)


def own_data(run: Mapping[str, Any]) -> bool:
    """Whether the rows are a file of the person's own that the suite does not know."""
    origin = str(run["data"].get("origin"))
    known = origin.partition("(--data)")[2]
    return "(--data)" in origin and (not known or "not a file that the suite knows" in known)


def _status(run: Mapping[str, Any]) -> SettingRow | None:
    if run["status"] in ("complete", "settled"):
        return None
    done = (run.get("plan") or {}).get("done")
    return SettingRow("status", "run", "complete", "complete", run["status"] if done is None
                      else f"{run['status']} after {done}", DIFFERS, True)  # fmt: skip


def _served(run: Mapping[str, Any]) -> SettingRow | None:
    """Which model answered; a dated snapshot of the requested one is the requested one."""
    served = sorted((run.get("effective") or {}).get("served_models") or {})
    if not served:
        return None
    asked = [normal(name) for name in (run["model"], run.get("model_canonical")) if name]
    known = all(
        any(name.startswith(a) or (len(name) > 3 and a.startswith(name)) for a in asked)
        for name in map(normal, served)
    )
    status = SAME if known else DIFFERS
    return SettingRow(
        "served_model", "served model", run["model"], run["model"], ", ".join(served), status, True
    )


def _variants(run: Mapping[str, Any], claim: Claim) -> tuple[list[str], list[str]]:
    """The parts of a claim's variant: those that name a form, and those that date the data."""
    benchmark = run["suite"]["benchmark"]
    claimed = variant_of(benchmark, claim) or ""
    forms: list[str] = []
    versions: list[str] = []
    for part in filter(None, map(str.strip, claimed.split(";"))):
        (versions if is_version(part) else forms).append(part)
    return forms, versions


def _variant(run: Mapping[str, Any], claimed: list[str]) -> SettingRow | None:
    ours = run["protocol"].get("variant")
    if not claimed and ours is None:
        return None
    if not claimed:
        status = UNSTATED
    else:
        # A run without a variant is the benchmark's plain form: a claim about another one differs.
        same = ours is not None and {normal(c) for c in claimed} == {
            normal(part) for part in ours.split(";")
        }
        status = SAME if same else DIFFERS
    text = "; ".join(claimed) or None
    return SettingRow("variant", "variant", text, ours, None, status, True)


def _metric(run: Mapping[str, Any], claim: Claim) -> SettingRow:
    ours = (run.get("score") or {}).get("metric") or run["suite"]["metric"]
    one, other = _family(claim.metric), _family(ours)
    if claim.metric is None:
        status = UNSTATED
    elif one is None or other is None:
        status = SAME if normal(claim.metric) == normal(ours) else UNKNOWN
    else:
        status = SAME if one == other else DIFFERS
    return SettingRow("metric", "metric", claim.metric, ours, None, status, True)


def _attempts(run: Mapping[str, Any], stated: Mapping[str, JSON]) -> SettingRow | None:
    """One attempt an item, or the best of several: never the same score.

    A run scores each attempt by itself (its k draws are averaged) unless its protocol says that
    one of several is chosen.
    """
    claimed = stated.get("attempts")
    if claimed is None:
        return None
    ours = run["protocol"].get("settings", {}).get("attempts", "one")
    many = number(claimed)
    meant = claimed if many is None else "one" if many == 1 else "several"
    status = SAME if normal(str(meant)) == normal(str(ours)) else DIFFERS
    return SettingRow("attempts", "attempts scored", claimed, ours, None, status, True)


def _cut(observed: Mapping[str, JSON] | None) -> SettingRow | None:
    """How many answers were cut at a limit: shown, for a vendor never says."""
    share = number((observed or {}).get("truncated"))
    if not share:
        return None
    text = f"{100 * share:.1f} %"
    return SettingRow("truncated", "answers cut", None, None, text, UNSTATED, False)


def _options(run: Mapping[str, Any]) -> SettingRow | None:
    """Options given by hand: what the protocol declares of settings and variant was not done."""
    protocol = run["protocol"]
    options, changed = protocol.get("options", {}), protocol.get("changed", ())
    other = {name: options[name] for name in changed if name in options}
    text = ", ".join(f"{n} = {other[n]!r}" for n in sorted(other) if n not in SAID_ELSEWHERE)
    if not text:
        return None
    own = f"as the protocol {protocol['name']} has them"
    return SettingRow("options", "options", own, text, None, DIFFERS, True)


def _draws(run: Mapping[str, Any], claim: Claim) -> SettingRow:
    """More draws make a mean surer and do not move it: shown, never in the way."""
    claimed, k = claim_draws(claim), run["protocol"]["k"]
    status = UNSTATED if claimed is None else SAME if claimed == k else DIFFERS
    assumed = "k" in (claim.source.get("assumed") or ())
    followed, found = sequential_of(run), None
    if followed is not None:
        mean = followed["stopped_at"] / run["data"]["selected"]
        found = f"{mean:.1f} in the mean"
        status = UNSTATED if claimed is None else SAME if claimed == mean else DIFFERS
    return SettingRow("k", "draws an item", claimed, k, found, status, False, assumed)


def _family(metric: str | None) -> str | None:
    """Metrics with the same expected value: a mean over draws, or best / majority of k."""
    name = (metric or "").strip().lower().replace(" ", "")
    # "Single Attempt (Acc)": what stands in brackets is the metric, the rest a setting of its own.
    inside = re.fullmatch(r"(?:single|multiple)[a-z/-]*\((\w+)\.?\)", name)
    name = inside[1] if inside else name
    if re.fullmatch(
        r"acc(uracy|\.)?|em|exact[-_]?match|correct|resolved?(rate)?|score|pass@1(-cot)?"
        r"|(avg|mean|average)@\w+",
        name,
    ):
        return "mean"
    found = re.fullmatch(r"(pass@|pass\^|cons@|maj@|rm@|best@)(\d+)", name)
    return found[0] if found else None
