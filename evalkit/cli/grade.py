"""``evalkit grade``: grade given responses without any model."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.common import sandbox_option, say


@click.command("grade")
@click.argument("suite")
@click.option("--responses", type=click.Path(path_type=Path), metavar="FILE",
              help='JSONL: {"sample_id", "attempt", "response"} a line.')  # fmt: skip
@click.option("--predictions", type=click.Path(path_type=Path), metavar="FILE",
              help="Patches in SWE-bench's format: preds.json or JSONL.")  # fmt: skip
@click.option("--protocol", metavar="NAME", help="Protocol; default: the suite's.")
@click.option("--grader", metavar="NAME", help="Answer rule; default: the protocol's.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@sandbox_option
@click.option("--json", "as_json", is_flag=True, help="One verdict a line on stdout, as JSON.")
def grade(
    suite: str,
    responses: Path | None,
    predictions: Path | None,
    protocol: str | None,
    grader: str | None,
    data: Path | None,
    mirror: str | None,
    sandbox: str | None,
    as_json: bool,
) -> int:
    """Grade responses that somebody else produced for SUITE; nothing is sent anywhere.

    Each line of FILE is an object with "sample_id" (or "sample"), "response", and optionally
    "attempt" (0) and "finish_reason" ("length" marks a cut answer). Verdicts come in that order.
    Suites of repository repair take --predictions instead: a JSON object, list or lines with
    "instance_id" and "model_patch". Responses that could not be graded make the exit code 1.
    """
    import orjson

    from evalkit.run import grade_responses
    from evalkit.settings import load_settings

    given = responses or predictions
    if given is None or (responses and predictions):
        raise click.UsageError("give either --responses FILE or --predictions FILE")
    settings = load_settings({"mirror": mirror, "sandbox": sandbox})
    graded = grade_responses(
        suite,
        given,
        protocol=protocol,
        grader=grader,
        data=data,
        mirror=Path(settings["mirror"]) if settings["mirror"] else None,
        sandbox=settings["sandbox"],
        predictions=predictions is not None,
    )
    for verdict in graded.verdicts:
        if as_json:
            click.echo(orjson.dumps(verdict).decode())
        else:
            value = "no verdict" if verdict["value"] is None else f"{verdict['value']:g}"
            said = verdict["answer"] if verdict["answer"] is not None else verdict["missing"]
            if predictions is not None:
                said = verdict["explanation"]
            click.echo(f"{verdict['sample_id']} #{verdict['attempt']}: {value}  {said}")
    say(graded.text())
    return 1 if any(verdict["value"] is None for verdict in graded.verdicts) else 0
