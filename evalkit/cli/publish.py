"""``evalkit publish``: result tables, pages and records from runs and the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.common import claim_options, claims_from, say


def _forms(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """The forms of a list with commas."""
    from evalkit.publish.write import FORMS

    forms = tuple(part.strip() for part in value.split(",") if part.strip())
    for form in forms:
        if form not in FORMS:
            raise click.BadParameter(f"no form {form!r}; there are {', '.join(FORMS)}.")
    if not forms:
        raise click.BadParameter("name at least one form.")
    return forms


def _plots(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The kinds of picture of a list with commas."""
    from evalkit.publish.plots import KINDS

    kinds = tuple(part.strip() for part in (value or "").split(",") if part.strip())
    for kind in kinds:
        if kind not in KINDS:
            raise click.BadParameter(f"no plot {kind!r}; there are {', '.join(KINDS)}.")
    return kinds


@click.command("publish")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--format", "forms", default="md", show_default=True, callback=_forms, metavar="FORM,...",
    help="Forms to write: md, html, latex, csv, parquet, hub, eee, inspect, lm-eval.",
)  # fmt: skip
@click.option("--to", default="-", metavar="DIR|-",
              help="Folder to write to, or - for one Markdown table on stdout [-].")  # fmt: skip
@click.option("--plots", is_flag=False, flag_value="svg", callback=_plots, metavar="[svg,png]",
              help="Also write plots, each with its data as CSV and JSON [svg].")  # fmt: skip
@claim_options
def publish(
    runs: tuple[str, ...],
    forms: tuple[str, ...],
    to: str,
    plots: tuple[str, ...],
    sources: tuple[str, ...],
    margin: float | None,
    aliases: tuple[str, ...],
) -> None:
    """Write runs beside what was reported about them, in one or several forms.

    RUN is a run folder, a folder of run folders, or a name under results/runs. A number without n,
    k, interval and settings is refused. The same runs and claims give the same bytes.
    """
    from evalkit.compare.match import parse_aliases
    from evalkit.compare.report import finished, report_run
    from evalkit.errors import DataError
    from evalkit.publish.markdown import markdown
    from evalkit.publish.write import make_publication, write_publication
    from evalkit.run.record import find_runs
    from evalkit.settings import load_settings

    if to == "-" and plots:
        raise click.UsageError("--plots are written to a folder: name --to DIR.")
    if to == "-" and forms != ("md",):
        raise click.UsageError(f"--format {','.join(forms)} is written to a folder: name --to DIR.")
    settings = load_settings()
    names = parse_aliases(aliases)
    claims = claims_from(sources, settings)
    records, unfinished = finished(find_runs(runs, Path(settings["out"])))
    for record in unfinished:
        say(f"{record.folder} is left out: it is {record['status']} and has no score yet.")
    for record in [r for r in records if r["score"]["value"] is None]:
        say(f"{record.folder} is left out: no attempt of it has a verdict.")
        records.remove(record)
    publication = make_publication(
        [report_run(r, claims, margin=margin, aliases=names) for r in records]
    )
    if to == "-":
        click.echo(markdown(publication.rows), nl=False)
        return
    written, refused = [], []
    for form in forms:  # one that these runs cannot have does not keep the others back
        try:
            written += write_publication(publication, Path(to), [form])
        except DataError as error:
            refused.append(f"{form} was not written: {error}")
    if plots:
        from evalkit.publish.plots import write_plots

        written += write_plots(publication.reports, Path(to), plots)
    for path in written:
        say(f"wrote {path}")
    if refused:
        raise DataError(" ".join(refused))
