"""``evalkit run``: run suites against an endpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.common import (
    EPILOG_ENDPOINTS,
    LOCAL,
    embedded,
    parse_params,
    request_body,
    request_params,
    sandbox_option,
    say,
)
from evalkit.settings import CACHE_MODES

if TYPE_CHECKING:
    from evalkit.run import RunOutcome
    from evalkit.run.command import Until
    from evalkit.run.plan import RunPlan
    from evalkit.run.stopping import StopDesign


@click.command("run", epilog=EPILOG_ENDPOINTS)
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
@click.option("-m", "--model", help="Model name at the endpoint, or local/NAME (embedded).")
@click.option("--base-url", metavar="URL", help="OpenAI-compatible address, up to /v1.")
@click.option("--endpoint", metavar="NAME", help="An endpoint of evalkit.toml.")
@click.option("--protocol", metavar="NAME", help="Recipe of settings; default: the suite's.")
@click.option("--grader", metavar="NAME", help="Answer rule; default: the protocol's.")
@click.option("-k", type=click.IntRange(min=1), help="Attempts a sample.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--window", metavar="FROM..TO",
              help="Contest dates, both ends included: 2024-08..2025-05.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight.")
@click.option("--rpm", type=float, help="Requests a minute at most.")
@click.option("--tpm", type=float, help="Tokens a minute at most.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Total deadline of a request.")
@click.option("--retries", type=click.IntRange(min=0), help="Further tries of a request.")
@click.option("--stream/--no-stream", default=None, help="Ask for streamed answers.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Token limit of an answer.")
@click.option("--token-param", type=click.Choice(["max_tokens", "max_completion_tokens"]),
              help="Name under which the limit is sent.")  # fmt: skip
@click.option("--temperature", type=float, help="Sampling temperature.")
@click.option("--param", multiple=True, metavar="KEY=JSON",
              help="Any request parameter; KEY=null leaves one out.")  # fmt: skip
@click.option("--option", "style_options", multiple=True, metavar="KEY=JSON",
              help="Any option of the suite's style (judge_repeats=3).")  # fmt: skip
@click.option("--extra-body", metavar="JSON", help="Object merged into each request body.")
@click.option("--cache", type=click.Choice(CACHE_MODES), help="Use of the response cache.")
@click.option("--cache-dir", metavar="DIR", help="Folder of the response cache.")
@click.option(
    "--until-verdict", is_flag=True, help="Stop as soon as the verdict on a claim is settled."
)
@click.option("--against", metavar="CLAIM", help="The claim's id, or how it begins.")
@click.option("--margin", type=float, help="Points that count as the same [the suite's].")
@click.option("--alpha", type=float, help="Greatest probability of a false verdict [0.05].")
@click.option("--reported", "ledgers", multiple=True, type=click.Path(path_type=Path),
              metavar="PATH", help="Ledger file or folder [results/reported].")  # fmt: skip
@click.option("--model-alias", "aliases", multiple=True, metavar="A=B",
              help="The run's model A is what the ledger calls B.")  # fmt: skip
@click.option("--budget-usd", type=float, help="Stop before more dollars than this are spent.")
@click.option("--budget-tokens", type=int, help="Stop before more tokens than this are used.")
@click.option("--price-input", type=float, help="Dollars for a million input tokens.")
@click.option("--price-output", type=float, help="Dollars for a million output tokens.")
@click.option("--judge-model", metavar="MODEL", help="Judge model, where a suite needs one.")
@click.option("--judge-base-url", metavar="URL", help="The judge's address.")
@click.option("--user-model", metavar="MODEL",
              help="Model of the simulated user, where a suite has one.")  # fmt: skip
@click.option("--user-base-url", metavar="URL", help="The simulated user's address.")
@sandbox_option
@click.option("--transport", type=click.Choice(["auto", "pyreqwest", "aiohttp", "httpx"]),
              help="HTTP transport.")  # fmt: skip
@click.option("--no-preflight", "preflight", flag_value=False, default=True,
              help="Do not ask for the list of models first.")  # fmt: skip
@click.option("--out", metavar="DIR", help="Folder for run folders [results/runs].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def run(suites: tuple[str, ...], as_json: bool, quiet: bool, **options: Any) -> int:
    """Run SUITEs against an endpoint, keep every response, write a run folder each.

    A run that was stopped or killed goes on when the same command is given again: answers come
    from the cache, only what is missing is asked for.

    With --until-verdict the items are attempted in rounds, each in a random order, until the score
    is known well enough to say reproduced, higher or lower of one claim; -k is then the number of
    rounds at most. A false verdict has a probability of at most --alpha, although the results are
    looked at after every attempt.
    """
    from evalkit.run import RunCommand, run_command

    command = RunCommand(
        suites=suites,
        show=False if quiet else None,
        say=say,
        params=_params(options),
        options=parse_params(options.pop("style_options"), "--option"),
        price=_price(options),
        until=_until(options),
        extra_body=request_body(options.pop("extra_body")),
        **options,
    )
    outcomes, error = run_command(command, open_local=_open_local, check_local=_check_local)
    for outcome in outcomes:
        _print(outcome, as_json)
    if error is not None:
        raise error
    return max((outcome.exit_code for outcome in outcomes), default=0)


def _params(options: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for name in ("temperature", "max_tokens"):
        value = options.pop(name)
        if value is not None:
            params[name] = value
    return params | request_params(options.pop("param"))


def _price(options: dict[str, Any]) -> tuple[float, float] | None:
    given, output = options.pop("price_input"), options.pop("price_output")
    if (given is None) != (output is None):
        raise click.UsageError("Give --price-input and --price-output together.")
    return None if given is None else (given, output)


def _until(options: dict[str, Any]) -> Until | None:
    """What makes the design of a run that stops early, with the flags that belong to it."""
    wanted = options.pop("until_verdict")
    names = ("against", "margin", "alpha", "ledgers", "aliases")
    given = {name: options.pop(name) for name in names}
    if not wanted:
        for name, value in given.items():
            if value:
                flag = {"ledgers": "reported", "aliases": "model-alias"}.get(name, name)
                raise click.UsageError(f"--{flag} goes with --until-verdict.")
        return None
    from evalkit.compare.match import parse_aliases
    from evalkit.compare.sequential import ALPHA, sequential_design
    from evalkit.reported.ledger import load_claims
    from evalkit.settings import load_settings

    aliases = parse_aliases(given["aliases"])
    claims = load_claims(given["ledgers"] or [Path(load_settings()["reported"])])
    alpha = ALPHA if given["alpha"] is None else given["alpha"]

    def design(plan: RunPlan) -> StopDesign:
        endpoint = plan.endpoint
        if endpoint.model.startswith(LOCAL):  # claims know it by the name that is recorded
            plan = replace(plan, endpoint=embedded(endpoint.model, endpoint.concurrency))
        return sequential_design(
            plan, claims, against=given["against"], margin=given["margin"], alpha=alpha,
            k=options["k"], aliases=aliases,
        )  # fmt: skip

    return design


def _open_local(model: str, concurrency: int | None, *, start: bool) -> Any:
    from evalkit.local.resolve import open_local

    return open_local(model, parallel=concurrency or 1, start=start)


def _check_local(model: str) -> None:
    from evalkit.local.resolve import check_name

    check_name(model)


def _print(outcome: RunOutcome, as_json: bool) -> None:
    if as_json:
        import orjson

        click.echo(orjson.dumps(outcome.summary()).decode())
        if outcome.error is not None:
            say(f"error: {outcome.error}")
    else:
        click.echo(outcome.text())
