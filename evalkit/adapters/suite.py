"""A suite as data: what ``suite.toml`` says, checked (see :mod:`evalkit.adapters.load`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.data.spec import DataSpec, TextSource
from evalkit.types import JSON


@dataclass(frozen=True, slots=True)
class SuiteProtocol:
    """A named recipe of settings for a suite (``[protocols.NAME]``).

    Attributes:
        name: Its name.
        summary: One line: whose recipe it is.
        prompt: The template of the user turn.
        system: The system turn, where the recipe has one.
        k: Attempts a sample.
        params: Sampling parameters sent with each request (temperature, top_p, max_tokens, ...).
        grader: The answer rule, one of the suite's graders.
        variant: What tables call it (``with tools``, ``agentic``); matched with a claim's variant.
        settings: Settings that matter for a comparison but are not request parameters
            (scaffold, tools, judge, quantisation, ...).
        options: Options of the adapter.
        texts: Further official or own texts by name (a judge's prompt, a grading template).
        data: Where this recipe's rows come from, where it is not the suite's (another release).
    """

    name: str
    summary: str
    prompt: TextSource | None = None
    system: TextSource | None = None
    k: int = 1
    params: Mapping[str, JSON] = field(default_factory=dict)
    grader: str | None = None
    variant: str | None = None
    settings: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    texts: Mapping[str, TextSource] = field(default_factory=dict)
    data: DataSpec | None = None

    def sources(self) -> dict[str, TextSource]:
        """All texts of the protocol by name, ``prompt`` and ``system`` among them."""
        named = {"prompt": self.prompt, "system": self.system}
        return {name: text for name, text in named.items() if text is not None} | dict(self.texts)


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark as it is run here.

    Attributes:
        name: Unique name, lower case with dashes.
        version: Raised when samples, prompts or grading change.
        title: For tables.
        summary: One line: what is measured.
        style: A style of evalkit (``exact-answer``, ``multiple-choice``, ``code-tests``, ...) or
            ``module:Class`` of an installed package.
        benchmark: The canonical benchmark, as the ledger names it.
        metric: Primary metric, with ``k`` standing for the number of attempts (``avg@k``).
        unit: ``percent`` (values are 0..1 and shown times 100) or ``points``.
        best: Greatest value that an attempt can have, of a suite in points; None where there is
            none.
        worst: The least, where ``best`` is declared.
        items: Samples of the official set, for plausibility and settings; None if open.
        margin: Points within which a claim counts as reproduced.
        protected: Questions must never be readable at rest or published.
        default_protocol: Used when none is named.
        graders: Answer rules offered by name; the first is the default.
        data: Where rows come from.
        protocols: Recipes by name.
        options: Options of the adapter for all protocols.
        folder: Where suite.toml lies.
        digest: sha256 over the suite's folder (names and bytes of all of its files).
        origin: How it was found (``path``, ``./suites``, ``$EVALKIT_SUITES``,
            ``entry point NAME``, ``shipped``).
    """

    name: str
    version: str
    title: str
    summary: str
    style: str
    benchmark: str
    metric: str
    data: DataSpec
    protocols: Mapping[str, SuiteProtocol]
    default_protocol: str
    folder: Path
    digest: str
    origin: str
    unit: str = "percent"
    best: float | None = None
    worst: float = 0.0
    items: int | None = None
    margin: float = 3.0
    protected: bool = False
    graders: tuple[str, ...] = ()
    options: Mapping[str, JSON] = field(default_factory=dict)

    def data_of(self, protocol: SuiteProtocol) -> DataSpec:
        """Where the rows of a protocol come from: its own source, else the suite's."""
        return self.data if protocol.data is None else protocol.data

    def all_data(self) -> tuple[DataSpec, ...]:
        """The suite's data and that of protocols which have their own, each once."""
        own = [protocol.data for protocol in self.protocols.values() if protocol.data is not None]
        found: list[DataSpec] = []
        for spec in (self.data, *own):
            if spec not in found:
                found.append(spec)
        return tuple(found)
