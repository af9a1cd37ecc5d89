"""The diagnosis from a shell: tables for a person, JSON in a pipe, an exit code for a CI job."""

import traceback
from collections.abc import Mapping
from typing import Any

import click
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import CallToolResult
from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from starlette.types import ASGIApp

from errtrack_mcp.settings import ConfigurationError, Settings
from errtrack_mcp.shell.call import show
from errtrack_mcp.shell.screen import is_terminal, screen, table
from errtrack_mcp.shell.session import connected

TOOL = "error-tracking-symbol-sets-diagnose"
EXIT_CODES = {True: 0, False: 1, None: 2}
STYLES = {True: "ok", False: "failed", None: "warning"}
COVERAGE = ("created_at", "project", "version", "complete", "never_loaded", "failed")


async def diagnose(settings: Settings, sandbox: ASGIApp | None, arguments: Mapping[str, Any], *, as_json: bool) -> int:
    """Call the tool, print its answer, and return the exit code: 0 readable, 1 not, 2 could not tell.

    Raises ConfigurationError for settings that cannot be used.
    """
    try:
        result = await _called(settings, sandbox, arguments)
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001 - Python's own exit code for it would say "not readable"
        traceback.print_exc()
        return EXIT_CODES[None]
    answer = result.structured_content
    if result.is_error or answer is None:
        show(result)
        return EXIT_CODES[None]
    if as_json or not is_terminal():
        click.echo(to_json(answer, indent=2))
    else:
        _print(screen(), answer)
    return EXIT_CODES[answer["readable"]]


async def _called(settings: Settings, sandbox: ASGIApp | None, arguments: Mapping[str, Any]) -> CallToolResult:
    """Call the tool, with a progress bar where a person can see it."""
    said = Console(stderr=True)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=said, transient=True)
    async with connected(settings, sandbox) as client:
        if not said.is_terminal:
            return await client.call_tool(TOOL, dict(arguments))
        with bar:
            return await client.call_tool(TOOL, dict(arguments), progress_callback=_reporting_to(bar))


def _reporting_to(bar: Progress) -> ProgressFnT:
    task = bar.add_task("Asking PostHog.", total=None)

    async def report(progress: float, total: float | None, message: str | None) -> None:
        bar.update(task, completed=progress, total=total, description=message or "")

    return report


def _print(console: Console, answer: Mapping[str, Any]) -> None:
    """Print what is wrong, where, and what to do; the notice is for models."""
    console.print(Text(answer["summary"], style=STYLES[answer["readable"]]))
    console.print(
        f"{answer['unbound']:,} belong to no release; {answer['expiring']:,} will soon be removed by retention."
    )
    if answer["failures"]:
        failures = table("failed", "reason", "for example", "what happened")
        for row in answer["failures"]:
            ref = Text(row["ref"][:60] + ("…" if len(row["ref"]) > 60 else ""))
            failures.add_row(f"{row['symbol_sets']:,}", Text(row["failure"]), ref, Text(row["meaning"]))
        console.print()
        console.print(failures)
    if answer["newest_releases"]:
        coverage = table(*(name.replace("_", " ") for name in COVERAGE))
        for row in answer["newest_releases"]:
            coverage.add_row(*(Text(str(row[name])[:40]) for name in COVERAGE))
        console.print()
        console.print(coverage)
    for heading, lines in (("What to do", answer["next_steps"]), ("What cannot be known", answer["cannot_know"])):
        if lines:
            console.print()
            console.print(Text(heading, style="name"))
            for number, line in enumerate(lines, 1):
                console.print(Text(f"{number}. {line}"), soft_wrap=True)
    if answer.get("not_seen"):
        console.print()
        console.print(Text(answer["not_seen"], style="warning"))
