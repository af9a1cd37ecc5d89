"""One tool called as a client calls it: a table on a terminal, JSON in a pipe, an exit code."""

import signal
import traceback
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import click
from mcp.client.context import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, TextContent
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text
from starlette.types import ASGIApp

from errtrack_mcp.cli.arguments import from_json, from_pairs
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import embedded_sandbox, env_file_option, run
from errtrack_mcp.cli.output import can_ask, fits, is_terminal, screen, table
from errtrack_mcp.server.calls import ERROR_META
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.server.catalog.untrusted import NOTICE
from errtrack_mcp.settings import ConfigurationError, Settings

DONE, FAILED, MISUSED = 0, 1, 2
EXAMINED = frozenset(
    {
        *("host_not_found", "connection_failed", "proxy_failed", "tls_failed", "timed_out", "not_json", "redirected"),
        *("unauthenticated", "forbidden", "missing_scope"),
    }
)
MISUSES = frozenset({"unknown_tool", "invalid_arguments"})  # refused before anything was sent

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A command line: a tool, and its arguments as `key=value` pairs or as one JSON object."""

    tool: str
    pairs: Sequence[str] = ()
    json: str = ""


def names_starting_with(_context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    """Return the tools of every toolset whose names begin so, for a shell to complete."""
    return [tool.name for tools in EVERY_TOOLSET.values() for tool in tools if tool.name.startswith(start)]


@click.command(short_help="Call one tool just as a client does.")
@click.argument("tool", shell_complete=names_starting_with)
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "arguments", default="", help="All arguments as one JSON object.")
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Call on a project made up for this call; needs no key.")
@env_file_option
def command(tool: str, pairs: tuple[str, ...], arguments: str, env_file: Path | None, *, in_sandbox: bool) -> None:
    """Call one tool just as a client does: a table on a terminal, JSON in a pipe.

    Exits with 0 on success, 1 if the call failed or changed nothing, 2 if it was called wrongly. A change that cannot
    be undone needs the confirm of its preview, and on a terminal asks first.
    """
    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    asked = ToolCall(tool, pairs, arguments)
    run(env_file, lambda settings: call(settings, app, asked), fixed, needs_key=True)


async def call(settings: Settings, sandbox: ASGIApp | None, asked: ToolCall) -> int:
    """Call a tool, print what it says, and return the exit code: 0 done, 1 it failed, 2 it was called wrongly.

    Raises ConfigurationError for arguments that cannot be read.
    """
    if asked.json and asked.pairs:
        raise ConfigurationError(["Give the arguments as key=value or with --json, not both."])
    tools = Catalog(settings, local=True).whole.tools
    schemas = {name: offered.listed.input_schema for name, offered in tools.items()}
    arguments = from_json(asked.json) if asked.json else from_pairs(asked.pairs, schemas.get(asked.tool, {}))
    done = ""

    async def note(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        nonlocal done
        done = message or done

    if settings.build_root is None:  # as a client offers the folder that is open
        settings = settings.model_copy(update={"build_root": Path.cwd()})
    async with connected(settings, sandbox, _ask_on_terminal if can_ask() else None) as client:
        try:
            result = await client.call_tool(asked.tool, arguments, progress_callback=note)
        except anyio.get_cancelled_exc_class():  # Ctrl-C
            click.echo(f"errtrack-mcp: Stopped. {done}{' ' if done else ''}What was done stays done.", err=True)
            raise
    code = show(result)
    return FAILED if code == DONE and _was_confirmed_in_vain(arguments, result.structured_content or {}) else code


def _was_confirmed_in_vain(arguments: Row, answer: Row) -> bool:
    """Return whether a change that came with its confirm was not made all the same."""
    return bool(arguments.get("confirm")) and False in (answer.get("deleted"), answer.get("changed"))


async def _ask_on_terminal(
    context: ClientRequestContext,  # noqa: ARG001 - the SDK passes it by name
    params: ElicitRequestParams,
) -> ElicitResult:
    """Put a question that is answered by yes or no; anything but yes, Ctrl-C included, is no."""
    if not isinstance(params, ElicitRequestFormParams):
        return ElicitResult(action="decline")
    waiting = signal.signal(signal.SIGINT, signal.default_int_handler)  # the event loop's would wait for Enter
    try:
        agreed = click.confirm(params.message, default=False, err=True)
    except click.Abort:
        click.echo(err=True)
        return ElicitResult(action="cancel")
    finally:
        signal.signal(signal.SIGINT, waiting)
    fields = params.requested_schema.get("properties", {})
    return (
        ElicitResult(action="accept", content=dict.fromkeys(fields, True)) if agreed else ElicitResult(action="decline")
    )


async def answer_of(calling: Awaitable[CallToolResult]) -> dict[str, Any] | None:
    """Return what a tool answers to a command whose exit code is a verdict; None where it failed, once that is printed.

    A crash is one of these failures: Python's own exit code for it would say no. Raises ConfigurationError.
    """
    try:
        result = await calling
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001 - see above
        traceback.print_exc()
        return None
    if result.is_error or result.structured_content is None:
        show(result)
        return None
    answer: dict[str, Any] = result.structured_content
    return answer


def show(result: CallToolResult) -> int:
    """Print a result where it belongs and return the exit code."""
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        click.echo(f"errtrack-mcp: {text}", err=True)
        code = (result.meta or {}).get(ERROR_META, {}).get("code")
        if code in EXAMINED:
            click.echo("See what is wrong with: errtrack-mcp doctor", err=True)
        return MISUSED if code in MISUSES else FAILED
    answer = result.structured_content
    if answer is None:
        click.echo(text)
    elif is_terminal():
        _print_answer(answer)
    else:
        click.echo(to_json(answer, indent=2))
    return DONE


def _print_answer(answer: Row) -> None:
    """Print each list as a table and the rest of the answer as lines below it; the notice is for models."""
    console = screen()
    rest = {name: value for name, value in answer.items() if name != NOTICE}
    for name in [name for name, value in rest.items() if _is_rows(value)]:
        _print_list(console, rest.pop(name))
        console.print()
    console.print(_fields(rest))


def _print_list(console: Console, rows: Sequence[Row]) -> None:
    """Print rows as a table with every column that one of them has; where that is too wide, one block for each row."""
    flat = [dict(_flat(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    shown = table(*columns)
    for row in flat:
        shown.add_row(*(Text(row.get(name, "")) for name in columns))
    if fits(console, shown):
        console.print(shown)
        return
    for number, whole in enumerate(rows):
        if number:
            console.print()
        console.print(_fields(whole))


def _fields(row: Row) -> Table:
    """Lay an object out as one line for each of its fields."""
    shown = table("", "")
    for name, value in _flat(row):
        shown.add_row(Text(name, style="name"), Text(value))
    return shown


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _flat(row: Row, above: str = "") -> list[tuple[str, str]]:
    """Return the fields of an object as text, those of objects inside under their full names."""
    fields: list[tuple[str, str]] = []
    for name, value in row.items():
        if isinstance(value, dict) and value:
            fields += _flat(value, f"{above}{name}.")
        else:
            fields.append((above + name, _cell(value)))
    return fields


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else to_json(value).decode()
