"""The flags of ``evalkit reported extract`` that let a model read along, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.common import LOCAL, request_params, say
from evalkit.settings import CACHE_MODES

if TYPE_CHECKING:
    import asyncio

    from evalkit.errors import BudgetStop
    from evalkit.reported.extract import Extraction
    from evalkit.reported.llm import LlmReader, Reading
    from evalkit.reported.merge import Merged
    from evalkit.reported.source import Source
    from evalkit.reported.vocabulary import Vocabulary


_OPTIONS: Final = (
    click.option("-m", "--model", help="Let this model propose claims too, or local/NAME."),
    click.option("--base-url", metavar="URL", help="Its OpenAI-compatible address, up to /v1."),
    click.option("--endpoint", metavar="NAME", help="An endpoint of evalkit.toml."),
    click.option("--param", multiple=True, metavar="KEY=JSON",
                 help="Any request parameter; KEY=null leaves one out."),
    click.option("--cache", type=click.Choice(CACHE_MODES), help="Use of the response cache."),
    click.option("--cache-dir", metavar="DIR", help="Folder of the response cache."),
    click.option("--budget-tokens", type=click.IntRange(min=1),
                 help="Ask no more after so many tokens."),
)  # fmt: skip


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def model_reader(
    flags: dict[str, Any], vocabulary: Vocabulary, language: str | None, *, show: bool
) -> Iterator[ModelReader]:
    """Reads documents by the rules, and with the model where one is named.

    Args:
        flags: Values of :func:`model_options`.
        vocabulary: Canonical names.
        language: Of the documents; None detects it.
        show: Say of every claim how it came about.

    Raises:
        SettingsError: the model, address or key cannot be used.
    """
    import asyncio

    if not (flags["model"] or flags["base_url"] or flags["endpoint"]):
        unused = [name for name in ("param", "cache", "cache_dir", "budget_tokens") if flags[name]]
        if unused:
            given = ", ".join("--" + name.replace("_", "-") for name in unused)
            raise click.UsageError(f"{given}: only with --model, which names who is asked.")
        yield ModelReader(vocabulary, language, show)
        return
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            reader = runner.run(_open(stack, flags))
            yield ModelReader(vocabulary, language, show, reader, runner)
        finally:
            runner.run(stack.aclose())


async def _open(stack: AsyncExitStack, flags: dict[str, Any]) -> LlmReader:
    """The model with its client, cache and budget; the stack closes them."""
    from pathlib import Path

    from evalkit.cache import ResponseCache
    from evalkit.endpoint.budget import Budget
    from evalkit.endpoint.chat import ChatFactory
    from evalkit.endpoint.client import Client
    from evalkit.endpoint.preflight import preflight
    from evalkit.reported.llm import PARAMS, LlmReader
    from evalkit.settings import cache_home, load_settings, resolve_endpoint

    names = ("model", "base_url", "endpoint", "cache", "cache_dir", "budget_tokens")
    settings = load_settings({name: flags[name] for name in names})
    model = flags["model"]
    if model and model.startswith(LOCAL):
        from evalkit.local.resolve import open_local

        start = settings["cache"] != "only"
        endpoint = await stack.enter_async_context(open_local(model, parallel=1, start=start))
    else:
        endpoint = resolve_endpoint(
            settings, name=flags["endpoint"], model=model, base_url=flags["base_url"]
        )
    folder = Path(settings["cache_dir"]) if settings["cache_dir"] else cache_home()
    cache = stack.enter_context(ResponseCache(folder / "responses.db", settings["cache"]))
    client = Client(endpoint, transport=settings["transport"], first=preflight)
    stack.push_async_callback(client.aclose)
    budget = Budget(usd=settings["budget_usd"], tokens=settings["budget_tokens"])
    params = {**PARAMS, **request_params(flags["param"])}
    return LlmReader(ChatFactory(client, cache, budget=budget, params=params))


class ModelReader:
    """Reads one document after the other; what the model could not read is said and remembered.

    Attributes:
        failed: Some part was not read.
        stopped: The budget's end, to be raised when everything found is printed.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        language: str | None,
        show: bool,
        model: LlmReader | None = None,
        runner: asyncio.Runner | None = None,
    ) -> None:
        self._names, self._language, self._show = vocabulary, language, show
        self._model, self._runner = model, runner
        self.failed = False
        self.stopped: BudgetStop | None = None

    def read(self, source: Source) -> Extraction:
        """All claims of one document.

        Raises:
            DataError: it cannot be parsed.
        """
        from evalkit.reported.extract import extract

        extraction = extract(source, self._names, self._language)
        if self._model is None or self._runner is None or self.stopped is not None:
            return extraction
        from evalkit.errors import EndpointError
        from evalkit.reported.merge import merge

        try:
            reading = self._runner.run(self._model.read(extraction.source))
        except EndpointError as error:
            say(f"error: {source.document}: {error} The claims that follow are the rules' alone.")
            self.failed, self._model = True, None
            return extraction
        merged = merge(extraction, reading, self._model.name, self._names)
        self._tell(source.document, reading, merged)
        return merged.extraction

    def _tell(self, document: str, reading: Reading, merged: Merged) -> None:
        if self._show:
            for claim in merged.extraction.claims:
                say(f"  {claim.id}: {merged.reasons[claim.id]}")
        told = ", ".join(f"{count} {how}" for how, count in merged.counts.items())
        say(f"{document}: {reading.parts} parts asked about; {told or 'no claims'}.")
        for why, count in merged.dropped.items():
            say(f"{document}: {count} dropped: {why}.")
        for number, why in sorted(reading.unread.items()):
            say(f"{document}: part {number + 1} of {reading.parts} not read by the model: {why}.")
        self.failed = self.failed or bool(reading.unread)
        self.stopped = reading.stopped
