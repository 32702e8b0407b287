"""``evalkit reported``: extract claims from documents; the ledger is beside, in its own module."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli import reported_ledger
from evalkit.cli.common import say
from evalkit.cli.reported_llm import model_options, model_reader
from evalkit.errors import EvalkitError

if TYPE_CHECKING:
    from evalkit.reported import Claim
    from evalkit.reported.extract import Extraction

COLUMNS = ("model", "benchmark", "variant", "metric", "value", "unit", "reported_by", "setting")


@click.group("reported")
def reported() -> None:
    """Extract and keep reported scores."""


reported_ledger.attach(reported)


@reported.command("extract")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl", "csv", "md"]),
    default="table",
    show_default=True,
    help="What goes to standard output.",
)
@click.option("--show", is_flag=True, help="Print the sentence or cell around each claim.")
@click.option(
    "--language", metavar="CODE", help="Language of the documents (en, de, zh, ...); else detected."
)
@click.option(
    "--vocabulary",
    type=click.Path(exists=True, dir_okay=False),
    help="A vocabulary of your own instead of the shipped one (TOML).",
)
@model_options
def extract(
    sources: tuple[str, ...],
    form: str,
    show: bool,
    language: str | None,
    vocabulary: str | None,
    **asking: Any,
) -> int:
    """Extract reported scores from each SOURCE.

    A SOURCE is a file (txt, md, html, tex, pdf), an address, hf:org/model (its card, model-index
    and filed results) or - for standard input. A document that fails is named on standard error;
    the others go on, and the exit code is 1.

    With --model a model proposes claims as well; what does not stand in the document is dropped,
    and `extractor` says for each claim whether the rules, the model or both found it.
    """
    from pathlib import Path

    from evalkit.reported.source import read_sources
    from evalkit.reported.vocabulary import Vocabulary

    names = Vocabulary.load(Path(vocabulary) if vocabulary else None)
    printer = _Printer(form, show)
    failed = False
    with model_reader(asking, names, language, show=show) as reader:
        for given in sources:
            try:
                for source in read_sources(given):
                    printer.add(reader.read(source))
            except EvalkitError as error:
                say(f"error: {error}")
                failed = True
            except Exception as fault:  # one document's fault keeps no other from being read
                say(
                    f"error: {given}: {type(fault).__name__} while reading it: {fault}. This is a "
                    "fault of evalkit's: please report it with the document. The others are read."
                )
                failed = True
    printer.end()
    if reader.stopped is not None:
        raise reader.stopped
    return 1 if failed or reader.failed else 0


class _Printer:
    """Prints extractions in one form; claims to standard output, everything else to the other."""

    def __init__(self, form: str, show: bool) -> None:
        self._form = form
        self._show = show
        self._rows: list[tuple[Claim, str]] = []
        self._documents = 0

    def add(self, extraction: Extraction) -> None:
        """Take one document's claims; JSON lines go out at once."""
        self._documents += 1
        for picture in extraction.pictures:
            where = f" (under “{picture.heading[:60]}”)" if picture.heading else ""
            say(
                f"{extraction.source.document}: scores present as a picture, not extractable: "
                f"{picture.address}{where}"
            )
        for claim in extraction.claims:
            context = around(extraction.source.text, claim)
            if self._form == "jsonl":
                click.echo(_json(claim))
                if self._show:
                    say(f"  {claim.id}: {context}")
            else:
                self._rows.append((claim, context))

    def end(self) -> None:
        """Print what waits for all documents."""
        if self._form == "csv":
            _csv(claim for claim, _ in self._rows)
        elif self._form == "md":
            _markdown(self._rows, self._show)
        elif self._form == "table":
            _table(self._rows, self._show)
            claims, documents = len(self._rows), self._documents
            say(
                f"{claims} claim{'s' * (claims != 1)} in {documents} "
                f"document{'s' * (documents != 1)}."
            )


def around(text: str, claim: Claim) -> str:
    """The printed number in its sentence or cell, on one line."""
    if claim.span is None:
        return ""
    start, end = claim.span
    if claim.value is None:
        return " ".join(text[start:end].split())[:300]
    left = max(text.rfind("\n", 0, start) + 1, start - 90)
    stop = text.find("\n", end)
    right = min(stop if stop >= 0 else len(text), end + 50)
    return " ".join(f"{text[left:start]}»{text[start:end]}«{text[end:right]}".split())


def _json(claim: Claim) -> str:
    from dataclasses import asdict

    import orjson

    return orjson.dumps(asdict(claim)).decode()


def _cell(claim: Claim, column: str) -> str:
    value = getattr(claim, column)
    if column == "value":
        if value is None:
            return f"{claim.comparator} {claim.versus or ''}".strip()
        sign = "" if claim.comparator == "=" else claim.comparator
        return f"{sign}{value:g}"
    if column == "setting":
        return str(value.get("stated", "")) + (" [quoted]" if value.get("quoted") else "")
    return "" if value is None else str(value)


def _csv(claims: Iterable[Claim]) -> None:
    import csv
    from dataclasses import asdict, fields

    import orjson

    from evalkit.reported import Claim

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([field.name for field in fields(Claim)])
    for claim in claims:
        row = [
            orjson.dumps(value).decode() if isinstance(value, dict | tuple) else value
            for value in asdict(claim).values()
        ]
        writer.writerow(row)


def _markdown(rows: list[tuple[Claim, str]], show: bool) -> None:
    heads = [*COLUMNS, "document"] + (["around"] if show else [])
    click.echo("| " + " | ".join(heads) + " |")
    click.echo("|" + "---|" * len(heads))
    for claim, around in rows:
        cells = [_cell(claim, column) for column in COLUMNS] + [claim.document]
        cells += [around] if show else []
        click.echo("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")


def _table(rows: list[tuple[Claim, str]], show: bool) -> None:
    """Columns as wide as their content, one block a document."""
    document = None
    table = [[_cell(claim, column) for column in COLUMNS] for claim, _ in rows]
    widths = [
        min(36, max([len(name), *(len(row[i]) for row in table)])) for i, name in enumerate(COLUMNS)
    ]
    for (claim, around), row in zip(rows, table, strict=True):
        if claim.document != document:
            document = claim.document
            click.echo(f"\n{document}")
            click.echo(_line(COLUMNS, widths))
        click.echo(_line(row, widths))
        if show:
            click.echo(f"    {around}")


def _line(cells: Iterable[str], widths: list[int]) -> str:
    cut = (c if len(c) <= w else c[: w - 1] + "…" for c, w in zip(cells, widths, strict=True))
    return "  ".join(c.ljust(w) for c, w in zip(cut, widths, strict=True)).rstrip()
