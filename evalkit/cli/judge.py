"""``evalkit judge``: hold a judge to labels, compare runs pairwise, probe with injections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalkit.cli.common import one_run, request_params
from evalkit.settings import CACHE_MODES

if TYPE_CHECKING:
    from evalkit.run.judging import Bench

Command = TypeVar("Command", bound=Callable[..., Any])


def judge_options(command: Command) -> Command:
    """The flags that say who judges and how."""
    options = (
        click.option("--judge-model", metavar="MODEL", help="Judge model, or local/NAME."),
        click.option("--judge-base-url", metavar="URL", help="The judge's address."),
        click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True,
                     help="Independent judgements by each judge."),
        click.option("--param", multiple=True, metavar="KEY=JSON",
                     help="Request parameter of the judge (temperature=0)."),
        click.option("--cache", type=click.Choice(CACHE_MODES), help="Use of the response cache."),
        click.option("--cache-dir", metavar="DIR", help="Folder of the response cache."),
        click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight."),
        click.option("--budget-usd", type=float, help="Stop before more dollars are spent."),
        click.option("--budget-tokens", type=int, help="Stop before more tokens are used."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )  # fmt: skip
    for option in reversed(options):  # as decorators stand: the first is the outermost
        command = option(command)
    return command


@click.group()
def judge() -> None:
    """Check judges: against labels, against each other, against texts that talk to them.

    The judge is the one of a run: --judge-model and --judge-base-url, or [roles.judge] of
    evalkit.toml; [roles.judge2] and on make a panel.
    """


@judge.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pattern", metavar="REGEX", help="Its first group is the verdict; the last match "
              "of a judge's answer counts [SCORE: or VERDICT: at a line's beginning].")  # fmt: skip
@click.option("--prompt", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Template with {text}, for lines with a text.")  # fmt: skip
@click.option("--suite", metavar="NAME", help="Grade as this suite does, for lines with responses.")
@click.option("--protocol", metavar="NAME", help="The suite's protocol.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@judge_options
def calibrate(file: Path, as_json: bool, **options: Any) -> None:
    """Compare a judge with human or official labels.

    FILE is JSONL; a line has "label" (a number, a text, or true/false) and one of: "prompt" (sent
    to the judge as it stands), "text" (put into --prompt), "sample_id" with "response" (graded as
    --suite does), or "said" (what a judge said before: a value, a list of repeats, null for a
    failure; nothing is asked). "id" names a line.

    Printed by judge: agreement, kappa and alpha, and for numbers bias and correlation, each with a
    95 % interval over items; answers that could not be read are counted and are no values.
    """
    import asyncio

    from evalkit.run.calibrate import PATTERN, Asking, judge_item, read_labels, summarise

    items = read_labels(file)
    plan = _plan(options) if options["suite"] else None
    template = options["prompt"].read_text(encoding="utf-8") if options["prompt"] else None
    asking = Asking(
        options["pattern"] or PATTERN, template, plan, options["repeats"],
        request_params(options["param"]),
    )  # fmt: skip

    async def work(bench: Bench | None) -> list[Any]:
        slots = asyncio.Semaphore(options["concurrency"] or 8)
        judges = bench.judges if bench is not None else lambda item: ()

        async def one(item: Any) -> Any:
            async with slots:
                return await judge_item(item, judges, asking)

        found = await asyncio.gather(*map(one, items))
        return [verdict for of_item in found for verdict in of_item]

    asks = any("said" not in item.row for item in items)
    protected = plan is not None and plan.suite.protected
    verdicts, spent = (
        _judged(options, work, protected=protected) if asks else (asyncio.run(work(None)), {})
    )
    names = dict.fromkeys(one.judge for one in verdicts)
    report = {name: summarise([v for v in verdicts if v.judge == name]) for name in names}
    if protected:  # a problem may quote what the judge said of a question
        report = {name: {**one, "last_problem": None} for name, one in report.items()}
    _print({"judges": report, "spent": spent}, as_json, lambda: _calibration_text(report))


@judge.command()
@click.argument("first", metavar="FIRST")
@click.argument("second", metavar="SECOND")
@click.option("--suite", metavar="NAME", help="The suite [that of the run].")
@click.option("--protocol", metavar="NAME", help="The suite's protocol [the run's].")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@click.option("--names", metavar="A,B", help="What the sides are called [the models].")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N pairs.")
@click.option("--comparisons", type=click.Path(path_type=Path), metavar="FILE",
              help="Comparisons to rate with: official leaderboard file, or JSONL.")  # fmt: skip
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE",
              help="Write this comparison's verdicts as JSONL.")  # fmt: skip
@judge_options
def pairwise(first: str, second: str, as_json: bool, **options: Any) -> None:
    """Compare two runs pairwise, each pair in both orders.

    FIRST and SECOND are run folders, names (or beginnings of names) under results/runs, or JSONL
    files of outputs (sample_id, attempt, response). A
    winner that changes with the order is a tie and counts as a flip. With --comparisons both are
    rated in that pool by the benchmark's solver; ratings of different pools are not comparable.
    """
    from evalkit.grade.pairwise_files import read_comparisons, write_comparisons
    from evalkit.run.pairing import compare_sides, read_side

    paths = (_output(first), _output(second))
    options["suite"], options["protocol"] = _suite_of(paths, options)
    plan = _plan(options)
    names = (options["names"] or ",").split(",")
    if len(names) != 2:
        raise click.UsageError("--names takes two names with a comma between them.")
    sides = [read_side(path, plan, name or None) for path, name in zip(paths, names,
             strict=True)]  # fmt: skip

    async def work(bench: Bench) -> Any:
        return await compare_sides(
            plan, sides[0], sides[1], bench, limit=options["limit"],
            concurrency=options["concurrency"] or 8,
        )  # fmt: skip

    found, spent = _judged(options, work)
    if options["write"]:
        write_comparisons(options["write"], found.comparisons)
    report = {"first": sides[0].name, "second": sides[1].name, **found.summary()}
    if options["comparisons"]:
        pool = read_comparisons(options["comparisons"])
        report["ratings"] = _ratings(plan, [*pool, *found.comparisons], [s.name for s in sides])
    _print({**report, "spent": spent}, as_json, lambda: _pairwise_text(report))


@judge.command()
@judge_options
def probe(as_json: bool, **options: Any) -> None:
    """Measure how many points an injection moves a judge, with and without a fence.

    Twelve short texts (three, with four injections each) are rated from 0 to 20, with the text set
    in as it is and between lines that it cannot contain.
    """
    from evalkit.run.probing import probe as measure

    params = request_params(options["param"])

    async def work(bench: Bench) -> Any:
        return await measure(bench, repeats=options["repeats"], **params)

    found, spent = _judged(options, work)
    _print({"judges": found, "spent": spent}, as_json, lambda: _probe_text(found))


def _judged(
    options: dict[str, Any], work: Callable[[Bench], Any], *, protected: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Do the work with open judges; what they spent comes second."""
    import asyncio

    from evalkit.run.command import RunCommand
    from evalkit.run.judging import open_judges

    names = ("judge_model", "judge_base_url", "cache", "cache_dir", "concurrency", "budget_usd",
             "budget_tokens", "mirror")  # fmt: skip
    given: dict[str, Any] = {name: options.get(name) for name in names}
    command = RunCommand((), **given)

    async def run() -> tuple[Any, dict[str, Any]]:
        async with open_judges(command, open_local=_open_local, protected=protected) as bench:
            return await work(bench), {"by_role": bench.spent(), "cost_usd": bench.cost_usd()}

    return asyncio.run(run())


def _open_local(model: str, concurrency: int | None, *, start: bool) -> Any:
    from evalkit.local.resolve import open_local

    return open_local(model, parallel=concurrency or 1, start=start)


def _plan(options: dict[str, Any]) -> Any:
    from evalkit.adapters import find_suite
    from evalkit.run.plan import RunOptions, make_plan
    from evalkit.settings import EndpointSettings, load_settings

    mirror = load_settings({"mirror": options["mirror"]})["mirror"]
    return make_plan(
        find_suite(options["suite"]), EndpointSettings("none:", "none"),
        RunOptions(protocol=options["protocol"], data=options["data"],
                   mirror=Path(mirror) if mirror else None),
    )  # fmt: skip


def _output(name: str) -> Path:
    """A file of outputs, or the folder of the run of that name."""
    return Path(name) if Path(name).is_file() else one_run(name).folder


def _suite_of(paths: tuple[Path, Path], options: dict[str, Any]) -> tuple[str, str | None]:
    """The suite and protocol that were named, or those of the first run folder."""
    from evalkit.run.record import RECORD, load_record

    if options["suite"]:
        return options["suite"], options["protocol"]
    for path in paths:
        if (path / RECORD).is_file():
            record = load_record(path)
            return record["suite"]["name"], options["protocol"] or record["protocol"]["name"]
    raise click.UsageError("Two files of outputs do not say their suite: name it with --suite.")


def _ratings(plan: Any, comparisons: list[Any], names: list[str]) -> dict[str, Any]:
    from evalkit.grade.ratings import order_spread, solve

    rules = plan.adapter.pair_rules
    ladder = solve(comparisons, rules)
    ratings, intervals = ladder.normalised(rules.anchors), ladder.intervals(rules.anchors)
    spread = order_spread(comparisons, rules)
    return {
        "anchored": all(anchor in ratings for anchor in rules.anchors),
        "models": len(ratings),
        **{
            name: {"rating": ratings[name], "interval": intervals[name],
                   "order_sd": spread[name]}
            for name in names if name in ratings
        },
    }  # fmt: skip


def _print(report: dict[str, Any], as_json: bool, text: Callable[[], str]) -> None:
    if as_json:
        import orjson

        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(text())
    spent = report.get("spent") or {}
    for name, used in spent.get("by_role", {}).items():
        cost = spent["cost_usd"]
        price = "price not known" if cost is None else f"${cost:.4f} for all judges"
        click.echo(
            f"{name}: {used['sent']} answers asked for and {used['cached']} from the cache, "
            f"{used['prompt_tokens']:,} prompt and {used['completion_tokens']:,} completion "
            f"tokens; {price}"
        )


def _figure(value: float | None, interval: list[float] | None = None) -> str:
    if value is None:
        return "not measured"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _calibration_text(report: dict[str, Any]) -> str:
    lines = []
    for name, found in report.items():
        lines.append(
            f"{name}: {found['judged']} of {found['items']} items judged; "
            f"{found['answers_failed']} of {found['answers']} answers failed"
        )
        for figure, one in found["figures"].items():
            lines.append(f"  {figure.replace('_', ' ')}: {_figure(one['value'], one['interval'])}")
        lines.append(f"  flip rate between repeats: {_figure(found['flip_rate'])}")
        if found["repeat_sd"] is not None:
            lines.append(f"  standard deviation between repeats: {_figure(found['repeat_sd'])}")
        if found["last_problem"]:
            lines.append(f"  the last failure: {found['last_problem']}")
    return "\n".join(lines)


def _pairwise_text(report: dict[str, Any]) -> str:
    lines = [
        f"{report['first']} against {report['second']}: {report['pairs']} pairs, "
        f"{report['verdicts_failed']} of {report['verdicts']} verdicts failed",
        f"  win rate of {report['first']}: {_figure(report['win_rate'], report['interval'])} "
        f"({report['wins']} won, {report['ties']} tied, {report['losses']} lost)",
        f"  the winner changed with the order: {_figure(report['flip_rate'])}; the text shown "
        f"first wins: {_figure(report['first_shown_wins'])}",
        f"  correlation with length: {_figure(report['length_correlation'])}",
    ]
    if report["last_problem"]:
        lines.append(f"  the last failure: {report['last_problem']}")
    ratings = report.get("ratings")
    if ratings:
        scale = "normalised to the anchors" if ratings["anchored"] else "not anchored"
        for name in (report["first"], report["second"]):
            if name in ratings:
                one = ratings[name]
                lines.append(
                    f"  {name}: {one['rating']:.1f} ({one['interval'][0]:.1f} to "
                    f"{one['interval'][1]:.1f}), {scale}, pool of {ratings['models']}; other "
                    f"orders of the comparisons move it by {one['order_sd']:.1f}"
                )
    return "\n".join(lines)


def _probe_text(found: dict[str, Any]) -> str:
    lines = []
    for name, one in found.items():
        lines.append(f"{name} ({one['model']}), scale 0 to 20")
        for way, words in (("open", "text set in as it is"), ("fenced", "text fenced")):
            part = one[way]
            lines.append(
                f"  {words}: an injection moves the score by "
                f"{_figure(part['moved'], part['interval'])} over {part['cases']} cases "
                f"({part['at_ceiling']} had the best score already), "
                f"{part['failed']} judgements failed"
            )
    return "\n".join(lines)
