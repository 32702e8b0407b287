"""``evalkit data``: make an offline mirror."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.common import say


@click.group("data")
def data() -> None:
    """Make an offline mirror of a suite's data and prompts."""


@data.command("pull")
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
@click.option("--to", "to", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="The mirror's folder; made or extended.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Copy from another mirror where it has a file.")
def pull(suites: tuple[str, ...], to: Path, mirror: str | None) -> None:
    """Fetch the data and the official prompt texts of SUITEs into DIR, with their digests.

    Runs then work without network: set EVALKIT_MIRROR=DIR.
    """
    from evalkit.adapters import find_suite
    from evalkit.data import pull as pull_sources
    from evalkit.errors import DataError
    from evalkit.settings import load_settings

    settings = load_settings({"mirror": mirror})
    found = [find_suite(name) for name in suites]
    texts = [
        text
        for suite in found
        for protocol in suite.protocols.values()
        for text in protocol.sources().values()
        if text.source is not None
    ]
    report = pull_sources(
        [spec for suite in found for spec in suite.all_data() if spec.file is None],
        texts,
        to,
        mirror=Path(settings["mirror"]) if settings["mirror"] else None,
    )
    if not report.written and not report.present and not report.missing:
        say("These suites bring their own files: there is nothing to pull, and no mirror was made.")
        return
    for key in report.written:
        click.echo(f"fetched  {key}")
    for key in report.present:
        click.echo(f"present  {key}")
    for key in report.local:
        click.echo(f"local    {key}")
    for key in report.missing:
        click.echo(f"missing  {key}")
    if report.missing:
        first, *rest = report.missing.values()
        more = f" {len(rest)} more of the sources above could not be had." if rest else ""
        raise DataError(f"{first}{more} What was fetched is kept: run the same again for the rest.")
    say(f"Use it with EVALKIT_MIRROR={to}")
