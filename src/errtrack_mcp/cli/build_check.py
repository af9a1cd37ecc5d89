"""The build check from a shell: a table for a person, plain lines or JSON for a script, an exit code for a CI job."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import anyio
import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.builds.directory import BuildDirectory, Bundle
from errtrack_mcp.builds.verdict import OUTLOOKS
from errtrack_mcp.cli.options import env_file_option, json_option, stop
from errtrack_mcp.cli.output import EXIT_CODES, progress
from errtrack_mcp.server.app import fixed_project
from errtrack_mcp.server.errors import message_for_api_error
from errtrack_mcp.settings import ConfigurationError, Settings, load_settings
from errtrack_mcp.tools.build_check import BuildCheck, Lookup, conclude, environment, look_up, read_bundles
from errtrack_mcp.tools.progress import Report, silent

INTERRUPTED = 130
MAX_ROWS = 60
STYLES = {True: "green", False: "red", None: "yellow"}
NO_KEY = "POSTHOG_PERSONAL_API_KEY is not set, so the project was not asked: no script can be called readable."


@click.command("build-check")
@env_file_option
@json_option
@click.option("--exclude", multiple=True, help="Leave out scripts whose path below DIRECTORY fits this glob.")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(env_file: Path | None, as_json: bool, exclude: tuple[str, ...], directory: Path) -> None:  # noqa: FBT001
    """Say whether errors from the build in DIRECTORY will be readable: exit 0 yes, 1 no, 2 not known."""
    try:
        settings = load_settings(env_file)
    except ConfigurationError as error:
        stop(error.problems)
    sys.exit(run_build_check(settings, directory, exclude, as_json=as_json))


def run_build_check(settings: Settings, directory: Path, exclude: tuple[str, ...], *, as_json: bool) -> int:
    """Check a directory, print the answer, and return the exit code: 0 readable, 1 not, 2 could not tell."""
    path = directory.resolve()
    try:
        check = anyio.run(_check, settings, BuildDirectory(path, path, exclude))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - Python's own exit code for it would say "not readable"
        traceback.print_exc()
        return EXIT_CODES[None]
    console = Console(highlight=False)
    if as_json:
        click.echo(check.model_dump_json(exclude_unset=True))
    elif console.is_terminal:
        _print_table(console, check)
    else:
        _print_lines(check)
    return EXIT_CODES[check.readable]


async def _check(settings: Settings, build: BuildDirectory) -> BuildCheck:
    """Read the build and ask the project, with a progress bar where a person can see it."""
    prefix = fixed_project(settings)
    with progress("Reading scripts.") as moving:
        report = moving or silent
        bundles = await read_bundles(build, report)
        lookup = await _look_up(settings, prefix, bundles, report)
    if settings.personal_api_key is None:
        click.echo(f"errtrack-mcp: {NO_KEY}", err=True)
    if lookup.stopped_by is not None:
        click.echo(f"errtrack-mcp: {message_for_api_error(lookup.stopped_by).text}", err=True)
    return conclude(build, bundles, lookup, environment(settings.host, prefix[1]))


async def _look_up(settings: Settings, prefix: tuple[str, str], bundles: list[Bundle], report: Report) -> Lookup:
    if settings.personal_api_key is None:
        return Lookup({})
    pool = HttpTransport(settings.host)
    retry = RetryPolicy(max_rate_limit_wait=settings.max_retry_wait)
    try:
        api = Client(pool, settings.personal_api_key, prefix, settings.timeout, retry)
        return await look_up(api, bundles, report)
    finally:
        await pool.aclose()


def _print_table(console: Console, check: BuildCheck) -> None:
    table = Table("state", "script", "chunk id", "map")
    for script in check.scripts[:MAX_ROWS]:
        state = Text(script.state, style=STYLES[OUTLOOKS[script.state].readable])
        table.add_row(state, Text(script.path), Text(script.chunk_id), Text(script.map or script.detail))
    if check.scripts:
        console.print(table)
    if len(check.scripts) > MAX_ROWS:
        console.print(Text(f"... and {len(check.scripts) - MAX_ROWS} more, none worse; --json lists all."))
    _print_rest(check, lambda line, style: console.print(Text(line, style=style), soft_wrap=True))


def _print_lines(check: BuildCheck) -> None:
    """Print a line of fields separated by tabs for each script, then the rest."""
    for script in check.scripts:
        click.echo(f"{script.state}\t{script.path}\t{script.chunk_id}\t{script.map or script.detail}")
    _print_rest(check, lambda line, _style: click.echo(line))


def _print_rest(check: BuildCheck, say: Callable[[str, str], None]) -> None:
    say(check.summary, f"bold {STYLES[check.readable]}")
    for state, meaning in check.states.items():
        say(f"  {state}: {meaning}", "")
    for note in check.notes:
        say(note, "")
    for command in check.commands:
        say(f"    {command}", "cyan")
    sys.stdout.flush()
