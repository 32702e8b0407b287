"""``evalkit show``: one run, or one attempt of it."""

from __future__ import annotations

import click

from evalkit.cli.common import one_run


@click.command("show")
@click.argument("run", metavar="RUN")
@click.option("--sample", metavar="ID", help="Show an attempt of this sample in full.")
@click.option("--attempt", type=int, default=0, show_default=True, help="Which attempt of it.")
@click.option("--json", "as_json", is_flag=True, help="Print run.json.")
def show(run: str, sample: str | None, attempt: int, as_json: bool) -> None:
    """Summarise one run: score, settings, what it ran on, which samples it missed.

    RUN is a run folder, or a name (or the beginning of one) under results/runs. With --sample the
    whole transcript of one attempt is printed, with control characters made visible.
    """
    import orjson

    from evalkit.publish.overview import attempt_lines, show_lines

    record = one_run(run)
    if sample is not None:
        lines = attempt_lines(record, sample, attempt)
    elif as_json:
        lines = [orjson.dumps(record.fields, option=orjson.OPT_INDENT_2).decode()]
    else:
        lines = show_lines(record)
    for line in lines:
        click.echo(line)
