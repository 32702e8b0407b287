"""``evalkit plan``: what a run would take and could decide, before a request is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.common import LOCAL, claim_options, claims_from, embedded

if TYPE_CHECKING:
    from evalkit.compare.match import Aliases
    from evalkit.reported.claim import Claim
    from evalkit.run.plan import RunPlan
    from evalkit.settings import EndpointSettings, Settings


@click.command("plan")
@click.argument("suite", metavar="SUITE")
@click.option(
    "-m", "--model", help="Model name, as it would be asked for, or local/NAME (embedded)."
)
@click.option("--endpoint", metavar="NAME", help="An endpoint of evalkit.toml (price, model).")
@click.option("--protocol", metavar="NAME", help="Recipe of settings; default: the suite's.")
@click.option("-k", type=click.IntRange(min=1), help="Attempts a sample; default: what decides.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@click.option("--against", metavar="CLAIM", help="A claim's id, or how it begins.")
@claim_options
@click.option("--pilot", metavar="RUN", help="An earlier run [the largest of suite and model].")
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight.")
@click.option("--price-input", type=float, help="Dollars for a million input tokens.")
@click.option("--price-output", type=float, help="Dollars for a million output tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(suite: str, as_json: bool, **options: Any) -> None:
    """Say what a run of SUITE would take, and whether it can decide about the reported scores.

    Noise, tokens and time come from an earlier run of the same suite and model where there is one;
    else the noise is a bound and the rest is not known. Nothing is sent.
    """
    from evalkit.adapters import find_suite
    from evalkit.compare.match import parse_aliases
    from evalkit.compare.plan import plan_suite
    from evalkit.compare.plan_text import plan_json, plan_text
    from evalkit.run.plan import RunOptions, make_plan
    from evalkit.settings import load_settings

    settings = load_settings(
        {name: options[name] for name in ("model", "endpoint", "concurrency", "mirror")}
    )
    mirror = Path(settings["mirror"]) if settings["mirror"] else None
    run = make_plan(
        find_suite(suite), _endpoint(settings, options),
        RunOptions(protocol=options["protocol"], limit=options["limit"], data=options["data"],
                   mirror=mirror),
    )  # fmt: skip
    aliases = parse_aliases(options["aliases"])
    claims = claims_from(options["sources"], settings)
    planned = plan_suite(
        run, _claims(run, claims, options["against"], aliases),
        _pilot(run, options["pilot"], settings, aliases),
        margin=options["margin"], k=options["k"],
    )  # fmt: skip
    if as_json:
        import orjson

        click.echo(orjson.dumps(plan_json(planned), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(plan_text(planned))


def _endpoint(settings: Settings, options: dict[str, Any]) -> EndpointSettings:
    """The endpoint that would be asked; without one, only the model's name is needed."""
    from evalkit.settings import EndpointSettings, Price, resolve_endpoint

    given, output = options["price_input"], options["price_output"]
    if (given is None) != (output is None):
        raise click.UsageError("Give --price-input and --price-output together.")
    model = options["model"] or settings["model"]
    if model and model.startswith(LOCAL):
        endpoint = embedded(model, settings["concurrency"])
    elif settings["endpoint"] or settings["base_url"]:
        endpoint = resolve_endpoint(settings, name=options["endpoint"], model=model)
    elif model:
        endpoint = EndpointSettings("none:", model)
        if settings["concurrency"] is not None:
            endpoint = replace(endpoint, concurrency=settings["concurrency"])
    else:
        raise click.UsageError("Name the model with --model, or an --endpoint of evalkit.toml.")
    return endpoint if given is None else replace(endpoint, price=Price(given, output))


def _claims(
    run: RunPlan, claims: Sequence[Claim], against: str | None, aliases: Aliases
) -> list[Claim]:
    """The claim that was named, or those about the model, benchmark and variant."""
    from evalkit.compare.match import matching
    from evalkit.compare.sequential import choose_claim, same_variant

    pins = run.pins()
    if against is not None:
        return [choose_claim(pins, claims, against, aliases)]
    found = [claim for claim in matching(pins, claims, aliases) if same_variant(pins, claim)]
    return [claim for claim in found if claim.value is not None]


def _pilot(run: RunPlan, named: str | None, settings: Settings, aliases: Aliases) -> Any:
    """The run that was named, or the largest one of the same suite and model."""
    from evalkit.compare.pilot import find_pilot, read_pilot
    from evalkit.errors import UsageError
    from evalkit.run.record import find_runs

    root = Path(settings["out"])
    if named is None:
        found = find_pilot(root, run.suite.name, run.endpoint.model, run.protocol.name, aliases)
        return None if found is None else read_pilot(found)
    records = find_runs([named], root)
    if len(records) != 1 or records[0]["suite"]["name"] != run.suite.name:
        names = ", ".join(sorted({record["suite"]["name"] for record in records}))
        raise UsageError(f"--pilot {named} must be one run of {run.suite.name}; it holds {names}.")
    return read_pilot(records[0])
