"""Carries out one plan: pins, engine, score, record."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalkit.blots import blotted
from evalkit.endpoint.check.keep import newest
from evalkit.errors import EvalkitError
from evalkit.run.engine import Engine, Stop
from evalkit.run.folder import FINISHED, RunFolder
from evalkit.run.interval import over_items
from evalkit.run.outcome import RunOutcome
from evalkit.run.plan import RunPlan, pinned_suite, surroundings
from evalkit.run.progress import progress
from evalkit.run.pulse import pulse
from evalkit.run.record import ATTEMPTS
from evalkit.run.sink import AttemptSink
from evalkit.types import Score

if TYPE_CHECKING:
    from evalkit.run.world import Outside

Say = Callable[[str], None]
STATUS: Final = {None: "complete", "settled": "settled", "budget": "budget",
                 "failed": "failed", "interrupted": "stopped"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Execution:
    """How a plan is carried out.

    Attributes:
        root: Folder of run folders.
        concurrency: Attempts in flight.
        show: Progress: True, False, or None for "as the terminal allows".
        say: Takes messages to the person.
        extra: Further facts for the record (sandbox, cache mode, transport).
        secrets: Texts that must not reach a file.
    """

    root: Path
    concurrency: int
    show: bool | None
    say: Say
    extra: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


async def execute(plan: RunPlan, outside: Outside, how: Execution) -> RunOutcome:
    """Run the plan and leave its folder behind; an early end is part of the outcome.

    Raises:
        EvalkitError: only when there is nothing to keep; otherwise the outcome holds the error.
    """
    folder = RunFolder(how.root / blotted(plan.folder_name(), how.secrets), how.secrets)
    with folder.claimed():
        pins = plan.pins() | {"run_id": plan.run_id(), "created": _now()} | _surroundings(how)
        pins |= _checked(plan)
        folder.begin(pins)
        sink = AttemptSink(folder.path / ATTEMPTS, encrypt=_encryption(plan), secrets=how.secrets)
        engine = Engine(
            plan.adapter, plan.samples, plan.protocol.k, outside, sink,
            concurrency=how.concurrency, graders=max(2, os.cpu_count() or 2), design=plan.design,
        )  # fmt: skip
        start = time.monotonic()
        try:
            async with pulse(folder.path, engine.tally, outside.model.tally):
                error = await _drive(plan, engine, outside, how)
        except BaseException:
            sink.abandon()
            folder.drop()
            raise
        status = _status(engine)
        fields = pins | _results(plan, engine, outside) | {
            "status": status,
            "finished": _now(),
            "wall_s": round(time.monotonic() - start, 3),
            "stop": None if error is None else str(error),
        }  # fmt: skip
        return _keep(folder, sink, engine, RunOutcome(folder.path, fields, error))


def _keep(folder: RunFolder, sink: AttemptSink, engine: Engine, outcome: RunOutcome) -> RunOutcome:
    """Put the attempts and the record in place, unless there are none or better ones are there."""
    tally, error = engine.tally, outcome.error
    if tally.done == 0 or (tally.answered == 0 and error is not None):
        sink.abandon()
        folder.drop()
        if error is not None:
            raise error
        return dataclasses.replace(outcome, kept="nothing")
    if folder.earlier and outcome.fields["status"] not in FINISHED:
        sink.abandon()
        folder.drop()
        return dataclasses.replace(outcome, kept="earlier")
    sink.close()
    folder.finish(outcome.fields)
    return outcome


def _status(engine: Engine) -> str:
    """How the run ended; one that was asked to stop after its last attempt is complete."""
    reason = engine.stop.reason
    if reason == "interrupted" and engine.tally.done == engine.tally.planned:
        return "complete"
    return STATUS[reason]


async def _drive(
    plan: RunPlan, engine: Engine, outside: Outside, how: Execution
) -> EvalkitError | None:
    """Work until the end or a reason to stop; whatever was answered is committed after it."""

    def halt() -> None:
        for factory in outside.roles().values():
            factory.stop()

    with _signals(engine.stop, how.say, halt):
        try:
            async with progress(plan.suite.name, engine.tally, outside.model.tally, show=how.show):
                await engine.run()
        except EvalkitError as error:
            engine.stop.ask("failed", error)
        except (asyncio.CancelledError, KeyboardInterrupt):
            engine.stop.ask("interrupted")
        try:
            outside.cache.flush()
        except EvalkitError as error:  # the rows are kept all the same: they hold every answer
            engine.stop.ask("failed", error)
            return error
    reason = engine.stop.error
    return reason if isinstance(reason, EvalkitError) else None


def _results(plan: RunPlan, engine: Engine, outside: Outside) -> dict[str, Any]:
    """The part of the record that is known after the last attempt."""
    score, tally = _score(plan, engine), engine.tally
    design = plan.design
    followed = {} if design is None else {"sequential": {**design.pins, **design.result()}}
    return followed | {
        "plan": {"attempts": tally.planned, "done": len(engine.graded)},
        "score": {
            "metric": score.metric, "value": score.value, "items": score.items,
            "attempts": score.attempts, "counts": dict(score.counts), "extra": dict(score.extra),
            "interval": _interval(plan, engine),
        },
        "tokens": {
            "prompt": tally.prompt_tokens, "completion": tally.completion_tokens,
            "unmetered_answers": tally.unmetered,
        },
        "failures": dict(tally.causes),
        "last_failure": tally.last_failure and tally.last_failure.detail,
        "effective": {
            "served_models": dict(tally.served), "fingerprints": dict(tally.fingerprints),
        },
        "usage": {
            role: dataclasses.asdict(chats.tally) for role, chats in outside.roles().items()
        },
        "cost_usd": _cost(outside),
    }  # fmt: skip


def _score(plan: RunPlan, engine: Engine) -> Score:
    """The adapter's score; a run that its design stopped has as many draws as rounds it began."""
    score = plan.adapter.score(engine.graded)
    if engine.stop.reason != "settled":
        return score
    begun = 1 + max(index for _, index, _ in engine.graded)
    metric = score.metric.replace(f"@{score.attempts}", f"@{begun}")
    return dataclasses.replace(score, metric=metric, attempts=begun)


def _interval(plan: RunPlan, engine: Engine) -> dict[str, Any] | None:
    """The interval over items.

    Of a run that looked at its results before it stopped, the one that holds all the same.
    """
    if plan.design is not None and engine.graded:
        found: Any = plan.design.result()
        return {**found["intervals"]["differs"], "over": "draws"}
    return over_items(engine.graded, pinned_suite(plan.suite))


def _cost(outside: Outside) -> float | None:
    """Dollars over all roles; None when a role has no price (an answer of it is not free)."""
    total = 0.0
    for factory in outside.roles().values():
        if factory.client.endpoint.price is None and factory.tally.sent:
            return None
        total += factory.tally.cost_usd
    return total


def _encryption(plan: RunPlan) -> Callable[[str], str] | None:
    if not plan.suite.protected:
        return None
    from evalkit.cache import open_cipher

    return open_cipher().encrypt_text


def _surroundings(how: Execution) -> dict[str, Any]:
    facts = surroundings()
    return {"surroundings": facts | dict(how.extra), "evalkit": facts["packages"].get("evalkit")}


def _checked(plan: RunPlan) -> dict[str, Any]:
    """The newest findings on the endpoint (``evalkit endpoint check``), where there are any."""
    found = newest(plan.endpoint)
    return {} if found is None else {"endpoint_check": found}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _signals(stop: Stop, say: Say, halt: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) finishes what is in flight; a second one ends at once.

    ``halt`` keeps requests that wait (for a rate limit, a retry, the budget) from being sent.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked = False

    def handle() -> None:
        nonlocal asked
        if asked and task is not None:
            task.cancel()
            return
        asked = True
        stop.ask("interrupted")
        halt()
        say("Stopping: the requests in flight are finished first. Press Ctrl-C again to end now.")

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, handle)
    except (NotImplementedError, ValueError, RuntimeError):  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
