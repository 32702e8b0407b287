"""Everything a run needs, settled and pinned before its first request.

:func:`make_plan` reads the suite's data and prompts, builds the adapter and refuses what cannot
work; nothing is sent. :meth:`RunPlan.pins` is what ``run.json`` holds from then on, and its digest
names the run: the same command finds the same folder again and goes on there.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import orjson

from evalkit.adapters import make_adapter
from evalkit.adapters.make import choose_grader, style_of
from evalkit.adapters.protocol import Adapter
from evalkit.adapters.suite import Suite, SuiteProtocol
from evalkit.data import PinnedText, Rows, load_rows, load_text
from evalkit.errors import DataError, SuiteError
from evalkit.run.record import FORMAT
from evalkit.run.stopping import StopDesign
from evalkit.settings import JUDGES, EndpointSettings
from evalkit.types import JSON, Sample

# Distributions whose version can change a score or a record.
PACKAGES: Final = (
    "evalkit",
    "math-verify",
    "xllamacpp",
    "datasets",
    "pyarrow",
    "pyreqwest",
    "httpx",
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person chose for a run, beyond suite and endpoint.

    Attributes:
        protocol: Protocol name; None = the suite's default.
        k: Attempts a sample; None = the protocol's.
        limit: Only the first samples; None = all.
        grader: Answer rule; None = the protocol's.
        params: Request parameters that replace or extend the protocol's (None removes one).
        data: A data file instead of the suite's own source.
        mirror: An offline mirror.
        options: Options of the style that replace or extend the protocol's.
        window: Contest dates instead of the protocol's (``2024-08..2025-05``).
    """

    protocol: str | None = None
    k: int | None = None
    limit: int | None = None
    grader: str | None = None
    params: Mapping[str, JSON] = field(default_factory=dict)
    data: Path | None = None
    mirror: Path | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)
    window: str | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run that is ready to start.

    Attributes:
        suite: The suite.
        protocol: The protocol with the person's changes put in.
        adapter: Built and checked.
        samples: Those selected, in order.
        available: Samples that the data holds.
        rows: Where the data came from.
        prompts: ``prompt`` and ``system``, where the protocol has them.
        endpoint: The model under test.
        roles: Judge and simulated user, where set.
        grader: The answer rule.
        limit: As asked.
        changed: Names of parameters that are not the protocol's own.
        design: Orders the rounds and may end the run early (sequential mode).
    """

    suite: Suite
    protocol: SuiteProtocol
    adapter: Adapter
    samples: tuple[Sample, ...]
    available: int
    rows: Rows
    prompts: Mapping[str, PinnedText]
    endpoint: EndpointSettings
    roles: Mapping[str, EndpointSettings]
    grader: str
    limit: int | None
    changed: tuple[str, ...]
    design: StopDesign | None = None

    def needs(self, what: str) -> bool:
        """Whether the adapter says it needs ``sandbox``, ``judge`` or ``user``."""
        return what in getattr(self.adapter, "needs", ())

    def pins(self) -> dict[str, Any]:
        """The part of ``run.json`` that is known before the first request; no secrets."""
        suite, protocol = self.suite, self.protocol
        ids = orjson.dumps([sample.id for sample in self.samples])
        # Only where there is one: the ids of all other runs are what they always were.
        followed = {} if self.design is None else {"sequential": dict(self.design.pins)}
        left_out = getattr(self.adapter, "left_out", {})
        if left_out:  # samples of the data that cannot be asked, each with the reason
            followed["left_out"] = dict(left_out)
        return followed | {
            "format": FORMAT,
            "suite": pinned_suite(suite),
            "protocol": {
                "name": protocol.name, "summary": protocol.summary, "variant": protocol.variant,
                "grader": self.grader, "k": protocol.k, "params": dict(protocol.params),
                "settings": dict(protocol.settings), "options": dict(protocol.options),
                "changed": list(self.changed),
            },
            "model": self.endpoint.model,
            "model_canonical": self.endpoint.settings.get("model_canonical"),
            "endpoint": pinned_endpoint(self.endpoint),
            "roles": {name: pinned_endpoint(role) for name, role in self.roles.items()},
            "data": {
                "origin": self.rows.origin, "revision": self.rows.revision,
                "sha256": self.rows.sha256, "fingerprint": self.rows.fingerprint,
                "rows": self.available, "selected": len(self.samples), "limit": self.limit,
                "ids_sha256": hashlib.sha256(ids).hexdigest(),
            },
            "prompts": {
                name: {"sha256": text.sha256, "origin": text.origin}
                for name, text in self.prompts.items()
            },
        }  # fmt: skip

    def run_id(self) -> str:
        """16 hex digits that stand for the pins: the same plan has the same id."""
        content = orjson.dumps(self.pins(), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return hashlib.sha256(content).hexdigest()[:16]

    def scope(self) -> str:
        """What observations of a trajectory belong to: all pins but which attempts are made."""
        pins = self.pins()
        parts = {key: pins[key] for key in ("model", "endpoint", "roles", "prompts")}
        parts["suite"] = pins["suite"]["digest"]
        parts["protocol"] = {
            key: pins["protocol"][key] for key in ("name", "params", "settings", "options")
        }
        content = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return hashlib.sha256(content).hexdigest()

    def folder_name(self) -> str:
        """``suite--model--protocol--id``, safe as a file name."""
        parts = (self.suite.name, self.endpoint.model, self.protocol.name, self.run_id()[:8])
        return "--".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in parts)


def make_plan(
    suite: Suite,
    endpoint: EndpointSettings,
    options: RunOptions,
    roles: Mapping[str, EndpointSettings] | None = None,
) -> RunPlan:
    """Settle everything; reads files (or the hub) but sends nothing to the endpoint.

    Raises:
        SuiteError: unknown protocol or grader, or a prompt that does not fit.
        DataError: the data cannot be had, is empty, or lacks a column.
        GraderError: the grader cannot work here (an extra is not installed).
    """
    protocol = choose_protocol(suite, options.protocol)
    if options.window is not None:
        options = replace(options, options={**options.options, "window": options.window})
    protocol, changed = _with_changes(suite, protocol, options)
    if "window" in changed or "release" in changed:
        protocol = _dated(suite, protocol)
    prompts = load_prompts(suite, protocol, options.mirror, own=options.data)
    grader = choose_grader(suite, protocol, options.grader)
    adapter = make_adapter(
        suite, protocol,
        prompt=prompts["prompt"].text if "prompt" in prompts else None,
        system=prompts["system"].text if "system" in prompts else None,
        grader=grader, k=protocol.k,
        texts={name: prompts[name].text for name in protocol.texts},
    )  # fmt: skip
    ready = getattr(adapter, "ready", None)
    if ready is not None:
        ready()
    rows = load_rows(
        suite.data_of(protocol), folder=suite.folder, override=options.data, mirror=options.mirror,
        assemble=getattr(style_of(suite), "assemble", None),
    )  # fmt: skip
    samples = tuple(adapter.samples(rows.rows))
    if not samples:
        raise DataError(f"The data of {suite.name} ({rows.origin}) holds no samples.")
    selected = samples if options.limit is None else samples[: options.limit]
    return RunPlan(
        suite, protocol, adapter, selected, len(samples), rows, prompts, endpoint,
        _asked(adapter, roles or {}), grader, options.limit, changed,
    )  # fmt: skip


def _asked(adapter: Adapter, roles: Mapping[str, EndpointSettings]) -> dict[str, EndpointSettings]:
    """The roles that the adapter needs: one that nobody asks is no setting of the run."""
    needs = getattr(adapter, "needs", ())
    return {
        name: role for name, role in roles.items() if ("judge" if name in JUDGES else name) in needs
    }


def choose_protocol(suite: Suite, name: str | None) -> SuiteProtocol:
    """The named protocol or the suite's default.

    Raises:
        SuiteError: the suite has no protocol of that name.
    """
    name = name or suite.default_protocol
    if name not in suite.protocols:
        raise SuiteError(
            f"Suite {suite.name!r} has no protocol {name!r}; it has {', '.join(suite.protocols)}."
        )
    return suite.protocols[name]


def load_prompts(
    suite: Suite, protocol: SuiteProtocol, mirror: Path | None, *, own: Path | None = None
) -> dict[str, PinnedText]:
    """The protocol's prompt texts, loaded and digested; ``own`` is the person's data folder."""
    return {
        name: load_text(source, folder=suite.folder, mirror=mirror, own=own)
        for name, source in protocol.sources().items()
    }


def pinned_suite(suite: Suite) -> dict[str, Any]:
    """The suite as ``run.json`` has it."""
    ends = {} if suite.best is None else {"best": suite.best, "worst": suite.worst}
    return {
        "name": suite.name, "version": suite.version, "digest": suite.digest,
        "benchmark": suite.benchmark, "title": suite.title, "metric": suite.metric,
        "unit": suite.unit, **ends, "items": suite.items, "margin": suite.margin,
        "protected": suite.protected, "style": suite.style,
    }  # fmt: skip


def pinned_endpoint(endpoint: EndpointSettings) -> dict[str, Any]:
    """What is recorded of an endpoint: everything that can move a score, never a key."""
    return {
        "name": endpoint.name,
        "model": endpoint.model,
        # The port of a local server says nothing; its identity says everything.
        "base_url": None if endpoint.identity else endpoint.base_url,
        "identity": endpoint.identity,
        "stream": endpoint.stream,
        "token_param": endpoint.token_param,
        "extra_body": dict(endpoint.extra_body),
        "headers": sorted(endpoint.headers),
        "settings": dict(endpoint.settings),
    }


def surroundings() -> dict[str, Any]:
    """Versions and machine, recorded beside the pins (they do not change the run's id)."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": packages,
        "command": ["evalkit", *sys.argv[1:]],
    }


def _dated(suite: Suite, protocol: SuiteProtocol) -> SuiteProtocol:
    """A protocol over other dates or another release says so in what a comparison reads."""
    options = {**suite.options, **protocol.options}
    said = [str(options[name]) for name in ("release", "window") if name in options]
    return replace(protocol, settings={**protocol.settings, "data_version": " ".join(said)})


def _with_changes(
    suite: Suite, protocol: SuiteProtocol, options: RunOptions
) -> tuple[SuiteProtocol, tuple[str, ...]]:
    if options.k is not None and options.k < 1:
        raise SuiteError(f"-k must be at least 1, not {options.k}.")
    if options.limit is not None and options.limit < 1:
        raise SuiteError(f"--limit must be at least 1, not {options.limit}.")
    params = dict(protocol.params) | dict(options.params)
    params = {key: value for key, value in params.items() if value is not None}
    changed = [key for key in options.params if params.get(key) != protocol.params.get(key)]
    own = dict(protocol.options) | dict(options.options)
    declared = {**suite.options, **protocol.options}
    changed += [key for key in options.options if own[key] != declared.get(key)]
    k = options.k or protocol.k
    if k != protocol.k:
        changed.append("k")
    if options.grader is not None and options.grader != protocol.grader:
        changed.append("grader")
    return replace(protocol, params=params, k=k, options=own), tuple(sorted(changed))
