"""``evalkit suites``: list, show and check suites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.common import sandbox_option, say

if TYPE_CHECKING:
    from evalkit.adapters import Suite
    from evalkit.run.check import CheckReport
    from evalkit.run.check_instances import InstanceReport


@click.group("suites")
def suites() -> None:
    """List, show and check suites."""


@suites.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a suite on stdout.")
def list_(as_json: bool) -> None:
    """List every suite that can be found, in the order of the search."""
    import orjson

    from evalkit.adapters import read_suite, suite_folders
    from evalkit.errors import SuiteError

    seen: dict[Path, Suite] = {}
    broken: list[str] = []
    for folder, origin in suite_folders():
        if folder.resolve() not in seen:
            try:
                seen[folder.resolve()] = read_suite(folder, origin=origin)
            except SuiteError as error:
                broken.append(str(error))
    for suite in sorted(seen.values(), key=lambda s: s.name):
        if as_json:
            click.echo(orjson.dumps(_plain(suite)).decode())
        else:
            items = f"{suite.items} items" if suite.items else "as many items as the data has"
            click.echo(f"{suite.name:<24} {suite.title}: {suite.metric}, {items} ({suite.origin})")
    if broken:
        raise SuiteError(" ".join(broken))


@suites.command("show")
@click.argument("suite")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object on stdout.")
def show(suite: str, as_json: bool) -> None:
    """Show a SUITE: data, protocols with their settings, graders."""
    import orjson

    from evalkit.adapters import find_suite

    found = find_suite(suite)
    if as_json:
        click.echo(orjson.dumps(_plain(found), option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"{found.name} {found.version} – {found.title} ({found.origin}, {found.folder})")
    if found.summary:
        click.echo(f"  {found.summary}")
    click.echo(f"  measures {found.benchmark}; metric {found.metric}; margin {found.margin:g}")
    for source, paths in _sources(found).items():
        click.echo(f"  data {source}" + (f" ({len(paths)} files)" if paths else ""))
    click.echo(f"  graders {', '.join(found.graders) or 'the style’s own'}")
    for protocol in found.protocols.values():
        mark = " (default)" if protocol.name == found.default_protocol else ""
        settings = ", ".join(f"{k} {v}" for k, v in protocol.params.items())
        click.echo(f"  protocol {protocol.name}{mark}: {protocol.summary}")
        click.echo(f"    k {protocol.k}; {settings or 'the endpoint’s own sampling'}")


@suites.command("check")
@click.argument("suite")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Data of your own in place of the suite's source.")  # fmt: skip
@click.option("--mirror", metavar="DIR", help="Offline mirror (also EVALKIT_MIRROR).")
@sandbox_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N",
              help="Of instances with known solutions, only the first N.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As one JSON object on stdout.")
def check(
    suite: str,
    data: Path | None,
    mirror: str | None,
    sandbox: str | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """Check a SUITE: its TOML, prompts and data, and its grading on its own fixtures.

    Of suites of repository repair every instance is tried: its gold patch has to resolve it, and
    no patch must not.
    """
    import orjson

    from evalkit.run.check import check_suite
    from evalkit.run.check_instances import check_instances, has_instances
    from evalkit.settings import load_settings

    settings = load_settings({"mirror": mirror, "sandbox": sandbox})
    given: dict[str, Any] = {
        "data": data,
        "mirror": Path(settings["mirror"]) if settings["mirror"] else None,
        "sandbox": settings["sandbox"],
    }
    instances = has_instances(suite)
    reports: list[CheckReport | InstanceReport] = []
    if not (instances and as_json):
        reports.append(check_suite(suite, **given))
    if instances and all(report.ok for report in reports):
        reports.append(check_instances(suite, limit=limit, say=say, **given))
    if as_json:
        click.echo(orjson.dumps(reports[-1].as_dict()).decode())
    else:
        for line in (line for report in reports for line in report.lines()):
            click.echo(line)
    ok = all(report.ok for report in reports)
    if not as_json:
        say(f"{suite}: {'ok' if ok else 'NOT ok'}")
    return 0 if ok else 1


def _sources(suite: Suite) -> dict[str, set[str]]:
    """Where data comes from, as a mirror's index names it, and which files of it."""
    from evalkit.data.mirror import data_keys, file_key

    sources: dict[str, set[str]] = {}
    for spec in suite.all_data():
        name = file_key(spec, "") if spec.files else (*data_keys(spec), f"file {spec.file}")[0]
        sources.setdefault(name, set()).update(spec.files)
    return sources


def _plain(suite: Suite) -> dict[str, object]:
    """A suite as JSON, with what it was found in."""
    import dataclasses

    plain = dataclasses.asdict(suite)
    plain["folder"] = str(suite.folder)
    return plain
