"""The build check from a shell: a table for a person, plain lines or JSON for a script, an exit code for a CI job."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from mcp_types import CallToolResult
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from errtrack_mcp.builds.verdict import OUTLOOKS
from errtrack_mcp.cli.call import answer_of
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import env_file_option, has_key, json_option, run
from errtrack_mcp.cli.output import EXIT_CODES, lines_of_states, progress
from errtrack_mcp.settings import Settings

TOOL = "error-tracking-build-check"
EVERY_SCRIPT = 1_000_000  # max_tokens that no build reaches
MAX_ROWS = 60
STYLES = {True: "green", False: "red", None: "yellow"}
NO_KEY = "There is no key (errtrack-mcp login), so the project was not asked: no script can be called readable."


@click.command("build-check", short_help="Say whether errors from a build will be readable.")
@env_file_option
@json_option
@click.option("--exclude", multiple=True, help="Leave out scripts whose path below DIRECTORY fits this glob.")
@click.option("--script", help="Say where a position comes from: in the script of this path or address ...")
@click.option("--line", type=click.IntRange(1), help="... at this line ...")
@click.option("--column", type=click.IntRange(1), help="... and column (needs the extra symbolicate).")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(
    env_file: Path | None, *, as_json: bool, exclude: tuple[str, ...], directory: Path, **position: str | int | None
) -> None:
    """Say whether errors from the build in DIRECTORY will be readable: exit 0 yes, 1 no, 2 not known."""
    asked = {name: value for name, value in position.items() if value is not None} | {"exclude": ",".join(exclude)}
    run(env_file, lambda settings: check(settings, directory.resolve(), asked, as_json=as_json), {}, needs_key=False)


async def check(settings: Settings, directory: Path, asked: Mapping[str, Any], *, as_json: bool) -> int:
    """Check a directory, print the answer, and return the exit code: 0 readable, 1 not, 2 could not tell.

    Raises ConfigurationError for settings that cannot be used.
    """
    answer = await answer_of(_called(settings.model_copy(update={"build_root": directory}), asked))
    if answer is None:
        return EXIT_CODES[None]
    if not has_key(settings):
        click.echo(f"errtrack-mcp: {NO_KEY}", err=True)
    console = Console(highlight=False)
    if as_json:
        click.echo(to_json(answer))
    elif console.is_terminal:
        _print_table(console, answer)
    else:
        _print_lines(answer)
    return EXIT_CODES[answer["readable"]]


async def _called(settings: Settings, asked: Mapping[str, Any]) -> CallToolResult:
    """Call the tool, with a progress bar where a person can see it."""
    arguments = {**asked, "max_tokens": EVERY_SCRIPT}
    async with connected(settings) as client:
        with progress("Reading scripts.") as report:
            return await client.call_tool(TOOL, arguments, progress_callback=report)


def _print_table(console: Console, answer: Mapping[str, Any]) -> None:
    scripts = answer["scripts"]
    table = Table("state", "script", "chunk id", "map")
    for script in scripts[:MAX_ROWS]:
        state, path, chunk_id, detail = _fields(script)
        table.add_row(Text(state, style=STYLES[OUTLOOKS[state].readable]), Text(path), Text(chunk_id), Text(detail))
    if scripts:
        console.print(table)
    if len(scripts) > MAX_ROWS:
        console.print(Text(f"... and {len(scripts) - MAX_ROWS} more, none worse; --json lists all."))
    _print_rest(answer, lambda line, style: console.print(Text(line, style=style), soft_wrap=True))


def _print_lines(answer: Mapping[str, Any]) -> None:
    """Print a line of fields separated by tabs for each script, then the rest."""
    for script in answer["scripts"]:
        click.echo("\t".join(_fields(script)))
    _print_rest(answer, lambda line, _style: click.echo(line))


def _fields(script: Mapping[str, str]) -> tuple[str, str, str, str]:
    detail = script.get("map") or script.get("detail", "")
    return script["state"], script["path"], script.get("chunk_id", ""), detail


def _place(position: Mapping[str, Any]) -> str:
    """Say where a position comes from: `Position: total at src/cart.ts:8:41 (app.js)`, or why that is not known."""
    if not position["known"]:
        return f"Position: {position['problem']} ({position['script']})"
    place = ":".join(str(position[part]) for part in ("source", "line", "column") if position.get(part))
    return f"Position: {position.get('function', 'no function')} at {place} ({position['script']})"


def _print_rest(answer: Mapping[str, Any], say: Callable[[str, str], None]) -> None:
    say(answer["summary"], f"bold {STYLES[answer['readable']]}")
    for line in lines_of_states(answer["states"]):
        say(line, "")
    if position := answer.get("position"):
        say(_place(position), "")
    for note in answer["notes"]:
        say(note, "")
    for line in answer["commands"]:
        say(f"    {line}", "cyan")
    sys.stdout.flush()
