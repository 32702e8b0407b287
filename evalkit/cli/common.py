"""What several commands share: parsing of values, and where messages go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from evalkit.reported.claim import Claim
    from evalkit.run.record import RunRecord
    from evalkit.settings import EndpointSettings, Settings

LOCAL: Final = "local/"  # of the names of embedded models
Command = TypeVar("Command", bound=Callable[..., Any])

EPILOG_ENDPOINTS: Final = (
    "The key is taken from the environment: MOONSHOT_API_KEY for api.moonshot.ai, "
    "OPENROUTER_API_KEY for openrouter.ai, OPENAI_API_KEY for api.openai.com, else "
    "EVALKIT_API_KEY, or the variable that evalkit.toml names."
)


def say(text: str) -> None:
    """A message to the person, on standard error: standard output is for results."""
    click.echo(text, err=True)


def _sandbox(_: object, __: object, value: str | None) -> str | None:
    """Refuse an unknown sandbox at once, not after answers were paid for."""
    from evalkit.sandbox.choose import split_name

    if value is not None:
        split_name(value)
    return value


sandbox_option: Final = click.option(
    "--sandbox", metavar="NAME", callback=_sandbox,
    help="Where code runs: bwrap, docker, podman (or docker:IMAGE, podman:IMAGE) or unsafe.",
)  # fmt: skip


def claim_options(command: Command) -> Command:
    """The flags of commands that set runs beside claims: sources, margin, aliases."""
    for option in (
        click.option(
            "--model-alias", "aliases", multiple=True, metavar="A=B",
            help="The run's model A is what the ledger calls B; may be given again.",
        ),
        click.option(
            "--margin", type=float, callback=_positive,
            help="Points that count as the same.  [default: the suite's]",
        ),
        click.option(
            "--reported", "sources", multiple=True, metavar="LEDGER|SOURCE",
            help="Ledger (.jsonl file or folder), or a document, address or hf:org/model that "
            "claims are extracted from; may be given again.  [default: results/reported]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def embedded(model: str, concurrency: int | None) -> EndpointSettings:
    """The endpoint of ``local/NAME`` before it is started, under the name that runs record.

    Raises:
        UsageError: there is no such model.
    """
    from evalkit.local.weights import find
    from evalkit.settings import EndpointSettings

    weights = find(model)
    return EndpointSettings(
        "local:", weights.model, name="local", concurrency=concurrency or 1,
        settings={"quantisation": weights.quantisation},
    )  # fmt: skip


def one_run(name: str) -> RunRecord:
    """The one run that a person names: a run folder, or a name under results/runs.

    Raises:
        UsageError: the name matches nothing, or several runs.
        DataError: the folder's record cannot be read.
    """
    from evalkit.run.record import find_runs
    from evalkit.settings import load_settings

    records = find_runs([name], Path(load_settings()["out"]))
    if len(records) > 1:
        names = ", ".join(record.folder.name for record in records[:5])
        raise click.UsageError(f"{name} holds {len(records)} runs; name one of them: {names}.")
    return records[0]


def claims_from(sources: Sequence[str], settings: Settings) -> tuple[Claim, ...]:
    """The claims of what was named, or of the default ledger where it is there.

    Raises:
        DataError: a ledger or document that was named cannot be read.
    """
    from evalkit.compare.sources import load_reported

    default = Path(settings["reported"])
    if not sources and not default.exists():
        say(
            f"There is no ledger at {default}, so nothing is compared. Name one with --reported, "
            "or make one with: evalkit reported add SOURCE"
        )
        return ()
    reported = load_reported(sources or (str(default),))
    for note in reported.notes:
        say(note)
    return reported.claims


def _positive(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """A distance within which scores count as the same cannot be 0, nor less."""
    if value is not None and not value > 0:
        raise click.BadParameter(f"must be greater than 0, not {value:g}.")
    return value


def parse_json(text: str | None, flag: str, kind: type) -> Any:
    """The value of a flag that takes JSON.

    Raises:
        click.BadParameter: it is not JSON of that kind.
    """
    import orjson

    if text is None:
        return kind()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"{flag} is not JSON: {error}.") from None
    if not isinstance(value, kind):
        raise click.BadParameter(f"{flag} must be a JSON {kind.__name__}, not {text}.")
    return value


def request_params(pairs: tuple[str, ...], flag: str = "--param") -> dict[str, Any]:
    """``KEY=JSON`` pairs that go into requests: what must be a number is one.

    Raises:
        click.BadParameter: a pair without ``=``.
        SettingsError: a number that is none.
    """
    from evalkit.checks import check_params

    params = parse_params(pairs, flag)
    check_params(params, flag)
    return params


def request_body(text: str | None, flag: str = "--extra-body") -> dict[str, Any]:
    """The value of a flag that is merged into request bodies, held to the same.

    Raises:
        click.BadParameter: it is no JSON object.
        SettingsError: a number that is none.
    """
    from evalkit.checks import check_params

    body: dict[str, Any] = parse_json(text, flag, dict)
    check_params(body, flag)
    return body


def parse_params(pairs: tuple[str, ...], flag: str = "--param") -> dict[str, Any]:
    """``KEY=JSON`` pairs; a value that is not JSON counts as text.

    Raises:
        click.BadParameter: a pair without ``=``.
    """
    import orjson

    params: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{flag} {pair!r} is not KEY=JSON.")
        try:
            params[key] = orjson.loads(text)
        except orjson.JSONDecodeError:
            params[key] = text
    return params
