"""``evalkit endpoint``: does an endpoint do what it is asked?"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.common import EPILOG_ENDPOINTS, LOCAL, request_body, say

if TYPE_CHECKING:
    from evalkit.endpoint.check.checking import CheckOptions
    from evalkit.endpoint.check.finding import CheckReport
    from evalkit.endpoint.check.reference import Recorded
    from evalkit.settings import EndpointSettings

GATES: Final = ("dropped", "refused", "inconsistent", "cannot-tell")


@click.group()
def endpoint() -> None:
    """Look into an endpoint before its numbers are believed."""


@endpoint.command(epilog=EPILOG_ENDPOINTS)
@click.option("-m", "--model", help="Model name at the endpoint, or local/NAME (embedded).")
@click.option("--base-url", metavar="URL", help="OpenAI-compatible address, up to /v1.")
@click.option("-e", "--endpoint", "name", metavar="NAME", help="An endpoint of evalkit.toml.")
@click.option("--only", multiple=True, metavar="PROBE", help="Only this probe; may be repeated.")
@click.option("--requests", type=click.Path(path_type=Path), metavar="FILE",
              help="Chat requests with tools, a line of JSON each.")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path), metavar="FILE",
              help="The official endpoint's answers to them.")  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the answers to them, as a reference for others.")  # fmt: skip
@click.option("--context-tokens", type=click.IntRange(min=0), default=2000, show_default=True,
              help="Length of the long prompt; 0 leaves it out.")  # fmt: skip
@click.option("--answer-tokens", type=click.IntRange(min=32), default=256, show_default=True,
              help="Limit of an answer that has to come to its end.")  # fmt: skip
@click.option("--budget-tokens", type=click.IntRange(min=1), default=100_000, show_default=True,
              help="Begin no probe that could take more than is left.")  # fmt: skip
@click.option("--level", type=click.FloatRange(0, 0.5, min_open=True), default=0.01,
              show_default=True, help="Greatest chance of a conclusion by luck.")  # fmt: skip
@click.option("--extra-body", metavar="JSON", help="Object merged into each request body.")
@click.option("--token-param", type=click.Choice(["max_tokens", "max_completion_tokens"]),
              help="Name under which the limit is sent.")  # fmt: skip
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight (at most 4).")
@click.option("--rpm", type=float, help="Requests a minute at most.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Total deadline of a request.")
@click.option("--save/--no-save", default=True, show_default=True,
              help="Keep the findings; later runs on the endpoint carry them.")  # fmt: skip
@click.option("--fail-on", multiple=True, type=click.Choice(GATES),
              help="Exit with 3 where a finding says so; may be repeated.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def check(quiet: bool, as_json: bool, fail_on: tuple[str, ...], **flags: Any) -> None:
    """Probe an endpoint: what does it honour, drop, refuse, and misreport?

    Each probe is bounded in tokens and says so. With --requests the share of tool calls that keep
    to their tool's schema is measured, and with --reference also how often the endpoint calls
    tools where the reference did.
    """
    import asyncio

    import orjson

    from evalkit.endpoint.check.finding import Outcome
    from evalkit.endpoint.check.keep import keep, plain
    from evalkit.endpoint.check.text import table
    from evalkit.errors import GateError

    report, checked = asyncio.run(_check(flags, quiet))
    found = plain(report, checked)
    click.echo(orjson.dumps(found).decode() if as_json else table(report))
    if flags["save"]:
        path = keep(report, checked, partial=bool(flags["only"]))
        say(f"Kept for later runs on this endpoint: {path}")
    failing = report.of(*(Outcome(gate.replace("-", " ")) for gate in fail_on))
    if failing:
        names = ", ".join(f"{one.name} ({one.outcome.value})" for one in failing)
        raise GateError(f"--fail-on {' '.join(fail_on)}: {names}.")


async def _check(flags: dict[str, Any], quiet: bool) -> tuple[CheckReport, EndpointSettings]:
    """The report, and the endpoint as it was asked."""
    from evalkit.endpoint.check.checking import check_endpoint
    from evalkit.endpoint.check.reference import write_recorded
    from evalkit.endpoint.client import Client
    from evalkit.endpoint.preflight import preflight

    options, requests, recorded = _options(flags)
    async with AsyncExitStack() as stack:
        asked = await _open(flags, stack)
        client = Client(asked, first=preflight)
        stack.push_async_callback(client.aclose)
        report = await check_endpoint(
            client, options, say=(lambda text: None) if quiet else say
        )  # fmt: skip
    if flags["record"] is not None:
        if recorded.documents:
            write_recorded(flags["record"], requests, recorded)
            say(f"Recorded {len(requests)} answers: {flags['record']}")
        else:
            say(f"{flags['record']} was not written: the requests were not asked (see the table).")
    return report, asked


def _options(flags: dict[str, Any]) -> tuple[CheckOptions, list[dict[str, Any]], Recorded]:
    """The options, the request set, and where its answers will be.

    Raises:
        click.UsageError: a flag without the one it belongs to, or an unknown probe.
        DataError: a file cannot be used.
    """
    from evalkit.endpoint.check import checking, reference
    from evalkit.endpoint.check.schema import MISSING, can_validate

    requests, recorded = [], reference.Recorded()
    extra = {}
    if flags["requests"] is not None:
        if not can_validate():
            raise click.UsageError(MISSING)
        requests = reference.load_requests(flags["requests"])
        theirs = None
        if flags["reference"] is not None:
            theirs = reference.load_reference(flags["reference"], requests)
        run = partial(
            reference.probe_requests, requests=requests, reference=theirs, recorded=recorded
        )
        most = reference.bound(requests, flags["answer_tokens"])
        extra["requests"] = checking.Probe(run, prompt=most)
    elif flags["reference"] is not None or flags["record"] is not None:
        raise click.UsageError("--reference and --record go with --requests.")
    options = checking.CheckOptions(
        only=flags["only"], level=flags["level"], answer_tokens=flags["answer_tokens"],
        context_tokens=flags["context_tokens"], budget_tokens=flags["budget_tokens"], extra=extra,
    )  # fmt: skip
    known = checking.probes(options)
    for name in options.only:
        if name not in known:
            raise click.UsageError(f"There is no probe {name!r}; there are {', '.join(known)}.")
    return options, requests, recorded


async def _open(flags: dict[str, Any], stack: AsyncExitStack) -> EndpointSettings:
    """The endpoint that is named, its embedded server started where it has one."""
    from evalkit.settings import load_settings, resolve_endpoint

    settings = load_settings({key: flags[key] for key in ("model", "base_url")})
    model = flags["model"] or settings["model"]
    if model and model.startswith(LOCAL):
        from evalkit.local.resolve import open_local

        asked = await stack.enter_async_context(open_local(model))
    else:
        asked = resolve_endpoint(
            settings, name=flags["name"], model=flags["model"], base_url=flags["base_url"]
        )
    named = {"token_param": "token_param", "timeout_s": "timeout", "rpm": "rpm",
             "concurrency": "concurrency"}  # fmt: skip
    changes = {key: flags[flag] for key, flag in named.items() if flags[flag] is not None}
    changes["retries"] = min(asked.retries, 3)  # what fails always is a finding
    extra = request_body(flags["extra_body"])
    return replace(asked, extra_body={**asked.extra_body, **extra}, **changes)
