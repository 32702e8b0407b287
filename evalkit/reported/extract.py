"""From a document to claims: the package's public verb.

Deterministic: the same bytes give the same claims. Tables are read by their axes, prose by its
sentences, filed results as data; pictures that seem to hold scores are named apart. Example::

    for source in read_sources("report.md"):
        extraction = extract(source)
        for claim in extraction.claims:
            print(claim.model, claim.benchmark, claim.value, claim.span)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from evalkit.errors import DataError
from evalkit.reported import who
from evalkit.reported.claim import Claim
from evalkit.reported.conditions import Condition, conditions
from evalkit.reported.document import Block, Kind, Part, Table
from evalkit.reported.finding import Finding
from evalkit.reported.footnotes import Note, meaning, notes_near, reported_in_brackets
from evalkit.reported.language import detect
from evalkit.reported.ledger import claim_id
from evalkit.reported.linking import Linker
from evalkit.reported.parse import parse, readable
from evalkit.reported.pictures import Picture, score_pictures
from evalkit.reported.prose import Prose
from evalkit.reported.qualitative import UNSPECIFIED
from evalkit.reported.reading import Reading
from evalkit.reported.scope import only_benchmark
from evalkit.reported.shortnames import ShortNames
from evalkit.reported.source import Media, Source
from evalkit.reported.structured import read_eval_results, read_model_index
from evalkit.reported.tables import Around, read_table
from evalkit.reported.topic import main_model
from evalkit.reported.vocabulary import Vocabulary

EXTRACTOR: Final = "evalkit.reported 3"
"""Name and version of the rules; the version changes when their output does."""

MAX_CLAIMS: Final = 20_000
"""Of one document. The longest technical reports have about 2,000."""

_PIECE: Final = 20_000  # characters of a paragraph that are read at once

_UNITS: Final = {"%": "percent", None: "points"}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in one document.

    Attributes:
        source: The document, with its text.
        claims: In the order of their place.
        pictures: Pictures that seem to hold scores: present, not extractable.
        language: ISO 639-1 code.
    """

    source: Source
    claims: tuple[Claim, ...]
    pictures: tuple[Picture, ...]
    language: str


def extract(
    source: Source,
    vocabulary: Vocabulary | None = None,
    language: str | None = None,
    linker: Linker | None = None,
) -> Extraction:
    """All claims of one document.

    Args:
        source: The document.
        vocabulary: Names; the shipped ones by default.
        language: ISO 639-1 code; detected by default.
        linker: Decides which numbers in prose are whose scores; by default what was learned.

    Raises:
        DataError: The document cannot be parsed; the message names it.
    """
    names = vocabulary or Vocabulary.load()
    source = readable(source)
    tongue = language or detect(source.text)
    if source.media is Media.RESULTS:
        filed = read_eval_results(source.text, source.document, source.model or "", names)
        return _extraction(source, [_Found(f, None) for f in filed], [], tongue, names)
    parts = parse(source, names, tongue)
    main = source.model or main_model(parts, names)
    owner = who.owner(parts, source.address, main, names)
    relayed = owner or who.common_reporter(parts, names, main)
    findings = [_Found(f, relayed) for f in read_model_index(source.text, source.document, names)]
    for one in _read(parts, names, tongue, main, owner, relayed, linker):
        findings.append(one)
        if len(findings) > MAX_CLAIMS:
            raise DataError(
                f"{source.document}: more than {MAX_CLAIMS:,} scores, which no report has; "
                "give the pages that hold the scores one by one."
            )
    return _extraction(source, findings, score_pictures(parts), tongue, names)


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding with who reports it and what its marks mean."""

    finding: Finding
    reporter: str | None
    notes: tuple[Note, ...] = ()
    compiled: bool = False
    own: bool = False
    general: tuple[Condition, ...] = ()


def _read(
    parts: list[Part],
    names: Vocabulary,
    language: str,
    main: str | None,
    owner: str | None,
    relayed: str | None,
    linker: Linker | None,
) -> Iterator[_Found]:
    short = ShortNames(names, parts)
    reading = Reading(names, language, main, only_benchmark(parts, names), short)
    prose = Prose(reading, names, linker)
    headings: dict[int, str] = {}
    before = ""
    for i, part in enumerate(parts):
        if isinstance(part, Block):
            if part.kind is Kind.CODE:
                continue
            if part.kind is Kind.HEADING:
                headings = {k: v for k, v in headings.items() if k < part.level}
                headings[part.level] = part.text.text
                prose.heading(part.text.text, part.level)
            before = part.text.text
            for at in range(0, len(part.text.text), _PIECE):
                for finding in prose.paragraph(part.text.cut(at, at + _PIECE), part.kind):
                    said = who.named_reporter(finding.quote, names, finding.model.name)
                    yield _Found(finding, owner or said or relayed)
        elif isinstance(part, Table):
            heading = " | ".join(headings[k] for k in sorted(headings))
            around = Around(heading, before if len(before) < 400 else "", main)
            notes, general = notes_near(parts, i), conditions(parts, i, names)
            found = read_table(part, around, names, language)
            makers = {names.developer_of(f.model.name) for f in found} - {None}
            for finding in found:
                marked = tuple(meaning(finding.marks, notes))
                # Models of many makers in a document of none of them: somebody else's table.
                compiled = relayed is None and len(makers) >= 3
                own = any(n.own for n in marked) or (
                    finding.second and reported_in_brackets(parts, i)
                )
                quoted = any(n.quoted for n in marked)  # measured elsewhere, in another way
                shared = tuple(c for c in general if not quoted and c.holds(finding, names))
                yield _Found(finding, relayed, marked, compiled, own, shared)


def _extraction(
    source: Source,
    findings: list[_Found],
    pictures: list[Picture],
    language: str,
    names: Vocabulary,
) -> Extraction:
    claims: dict[str, Claim] = {}
    for found in findings:
        claim = _claim(source, found, language, names)
        claims.setdefault(claim.id, claim)
    ordered = sorted(claims.values(), key=lambda c: (c.span or (0, 0), c.benchmark))
    return Extraction(source, tuple(ordered), tuple(pictures), language)


def _claim(source: Source, found: _Found, language: str, names: Vocabulary) -> Claim:
    finding = found.finding
    benchmark = finding.benchmark
    reporter = who.judge(finding.model.name, found.reporter, names)
    setting: dict[str, object] = {}
    stated = list(finding.settings)
    quoted = False
    for note in found.notes:
        quoted = quoted or note.quoted
        if note.setting:
            stated.append(note.setting)
    stated += [note.setting for note in found.general]
    if stated:
        setting["stated"] = "; ".join(dict.fromkeys(stated))
    if quoted:
        setting["quoted"] = True
    if found.notes:
        setting["footnote"] = list(found.notes[0].span)
    if finding.spread is not None:
        setting["spread"] = finding.spread
    if finding.second:
        setting["second_figure"] = True
    unknown = [
        key
        for key, label in (("model", finding.model), ("benchmark", benchmark))
        if label is not None and not label.known
    ]
    if unknown:
        setting["unknown_name"] = unknown
    if found.own:
        maker = names.developer_of(finding.model.name)
        reporter = who.Reporter("vendor" if maker else "unknown", maker)
    elif quoted and reporter.by == "third party":
        reporter = who.Reporter("unknown", None)
    elif found.compiled:
        reporter = who.Reporter("third party", None)
    claim = Claim(
        id="",
        document=source.document,
        model=finding.model.name,
        model_raw=finding.model.raw,
        benchmark=benchmark.name if benchmark else UNSPECIFIED,
        benchmark_raw=benchmark.raw if benchmark else UNSPECIFIED,
        variant=benchmark.variant if benchmark else None,
        metric=finding.metric,
        value=finding.value,
        unit=None if finding.value is None else _UNITS.get(finding.unit, finding.unit),
        setting=setting,
        reported_by=reporter.by,
        reporter=reporter.name,
        comparator=finding.comparator,
        versus=finding.versus,
        span=finding.span,
        quote_sha256=hashlib.sha256(finding.quote.encode()).hexdigest(),
        source=source.provenance(language),
        extractor=EXTRACTOR,
        confidence=finding.confidence,
    )
    return replace(claim, id=claim_id(claim))
