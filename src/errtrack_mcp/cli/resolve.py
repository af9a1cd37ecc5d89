"""A stack trace from a shell, made readable: colours on a terminal, plain text in a pipe, an exit code for a script."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO

import click
from mcp_types import CallToolResult
from pydantic_core import to_json
from rich.console import Console
from rich.text import Text
from starlette.types import ASGIApp

from errtrack_mcp.cli.call import answer_of
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import embedded_sandbox, env_file_option, json_option, run, stop
from errtrack_mcp.cli.output import EXIT_CODES, is_terminal, progress, screen
from errtrack_mcp.settings import Settings
from errtrack_mcp.symbolication.process import GET_IT, is_installed

MAX_BYTES = 1_000_000  # of a file; the tool takes fewer characters, and says so
TOOL = "error-tracking-stack-traces-resolve"
MAX_DETAILS = 3  # that are shown with one reason
STYLES = {True: "ok", False: "failed", None: "warning"}
NOT_INSTALLED = f"This needs an extra: {GET_IT}."


@click.command(short_help="Make a minified stack trace readable.")
@env_file_option
@json_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Use a made-up project; needs no key and no network.")
@click.option("--issue", "issue_id", help="Resolve the newest event of this issue: its id, or the address of its page.")
@click.option("--event", "event_uuid", help="Resolve this event of the issue.")
@click.option(
    "--ref", "refs", multiple=True, help="A symbol set: the chunk id in a script's last line, or its URL. Repeatable."
)
@click.option("--project", help="Look through the symbol sets of the release of this app ...")
@click.option("--version", help="... and this version.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Use the maps of this local build; needs no key.",
)
@click.argument("file", type=click.File("rb"), required=False)
def command(
    env_file: Path | None,
    *,
    file: BinaryIO | None,
    directory: Path | None,
    as_json: bool,
    in_sandbox: bool,
    **given: str | tuple[str, ...] | None,
) -> None:
    """Make a minified stack trace readable, from FILE, standard input or an issue.

    Exits with 0 when every frame of the app is readable, 1 when not, 2 when that is not known.
    """
    if not is_installed():
        stop([NOT_INSTALLED])
    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    arguments: dict[str, Any] = {name: value for name, value in given.items() if value}
    if "issue_id" not in arguments:
        arguments["trace"] = _read(file)
    root = {"build_root": directory.resolve()} if directory else {}
    if directory is not None:
        arguments["directory"] = "."

    async def resolve_there(settings: Settings) -> int:
        return await resolve(settings.model_copy(update=root), app, arguments, as_json=as_json)

    run(env_file, resolve_there, fixed, needs_key=directory is None or "issue_id" in arguments)


def _read(file: BinaryIO | None) -> str:
    """Read the trace, from standard input where no file is named; ends with 2 where there is none."""
    if file is None and sys.stdin.isatty():
        click.echo("Paste the stack trace, then press Ctrl-D on a line of its own.", err=True)
    text = (file or sys.stdin.buffer).read(MAX_BYTES).decode(errors="replace")
    if not text.strip():
        stop(["There is no stack trace: name a FILE, send one on standard input, or name an --issue."])
    return text


async def resolve(settings: Settings, sandbox: ASGIApp | None, arguments: Mapping[str, Any], *, as_json: bool) -> int:
    """Call the tool, print its answer, and return the exit code: 0 readable, 1 not, 2 could not tell.

    Raises ConfigurationError for settings that cannot be used.
    """
    answer = await answer_of(_called(settings, sandbox, arguments))
    if answer is None:
        return EXIT_CODES[None]
    if as_json:
        click.echo(to_json(answer, indent=2))
    elif is_terminal():
        _print(screen(), answer)
    else:
        click.echo(answer["stack_trace"])
        _print_why(answer)
    if answer["readable"] is not True and "issue_id" in arguments and not as_json:
        options = "--sandbox " if sandbox else ""
        click.echo(f"What fixes it: errtrack-mcp diagnose {options}--issue {quote(arguments['issue_id'])}", err=True)
    return EXIT_CODES[answer["readable"]]


async def _called(settings: Settings, sandbox: ASGIApp | None, arguments: Mapping[str, Any]) -> CallToolResult:
    """Call the tool, with a progress bar where a person can see it."""
    async with connected(settings, sandbox) as client:
        with progress("Reading maps.") as report:
            return await client.call_tool(TOOL, dict(arguments), progress_callback=report)


def _print(console: Console, answer: Mapping[str, Any]) -> None:
    """Print the trace in colours: places of the app stand out, source code is pale but for the line that threw."""
    for line in answer["stack_trace"].splitlines():
        console.print(Text(line, style=_style(line)), soft_wrap=True)
    console.print(Text(answer["summary"], style=STYLES[answer["readable"]]))
    for sentence in _explained(answer):
        console.print(Text(sentence), soft_wrap=True)


def _style(line: str) -> str:
    if line.startswith("      >"):
        return "bold"
    if line.startswith(("       ", "    ...")):
        return "skipped"
    return "name" if line.startswith("    at ") else "failed"


def _print_why(answer: Mapping[str, Any]) -> None:
    """Say on standard error what is not readable: standard output holds the trace alone."""
    click.echo(f"errtrack-mcp: {answer['summary']}", err=True)
    for sentence in _explained(answer):
        click.echo(f"errtrack-mcp: {sentence}", err=True)


def _explained(answer: Mapping[str, Any]) -> Iterator[str]:
    """Return which event it was, and what each reason means with what is known of the first frames that have it."""
    if answer.get("timestamp"):
        yield f"This is the event {answer['event_uuid']}, of {answer['timestamp']}."
    frames = [frame for trace in answer["traces"] for frame in trace["frames"]]
    for reason, meaning in answer["reasons"].items():
        held = (frame["detail"] for frame in frames if frame.get("reason") == reason and frame.get("detail"))
        details = list(dict.fromkeys(held))[:MAX_DETAILS]
        yield " ".join([f"{reason}: {meaning}", *(f"({detail})" for detail in details)])
