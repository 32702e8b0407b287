"""``evalkit predictions``: the patches of a run in SWE-bench's format."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.common import one_run, say


@click.command("predictions")
@click.argument("run", metavar="RUN")
@click.option(
    "--to", "out", default="preds.json", type=click.Path(path_type=Path), metavar="FILE",
    show_default=True, help="Where to: .json (an object by instance) or .jsonl.",
)  # fmt: skip
@click.option("--attempt", default=0, metavar="N", help="Which attempt, from 0.", show_default=True)
def predictions(run: str, out: Path, attempt: int) -> None:
    """Write the patches of RUN as predictions for SWE-bench's own harness.

    RUN is a run folder, or a name (or the beginning of one) under results/runs.

    `evalkit grade SUITE --predictions FILE` grades such a file, whoever made it.
    """
    from evalkit.run.predictions import write_predictions

    count = write_predictions(one_run(run).folder, out, attempt=attempt)
    say(f"{count} prediction(s) in {out}")
