"""The diagnosis from a shell: tables for a person, JSON in a pipe, an exit code for a CI job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from mcp_types import CallToolResult
from pydantic_core import to_json
from rich.console import Console
from rich.text import Text
from starlette.types import ASGIApp

from errtrack_mcp.cli.call import answer_of
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import embedded_sandbox, env_file_option, json_option, run, stop
from errtrack_mcp.cli.output import EXIT_CODES, fits, is_terminal, progress, screen, table
from errtrack_mcp.settings import Settings
from errtrack_mcp.tools.advice import ISSUES_OF_REF, LOOK_INTO_IT, NOTHING_HERE

TOOL = "error-tracking-symbol-sets-diagnose"
ISSUE_TOOL = "error-tracking-issues-diagnose"
ISSUE_PAGE = "/error_tracking/"  # in the address of an issue's page, and of no script
STYLES = {True: "ok", False: "failed", None: "warning"}
STATES = ("complete", "never_loaded", "no_file")
# What a tool says to an assistant, for a person at a shell.
AT_A_SHELL = {
    LOOK_INTO_IT: "Run this again with --verify, and with --line and --column of a minified frame: that looks into the "
    "file itself.",
    ISSUES_OF_REF: "Issues of a ref: errtrack-mcp call query-error-tracking-issues-list search=REF status=all; then "
    "errtrack-mcp diagnose --issue ID",
    NOTHING_HERE: "Nothing to do here. An issue's errors: errtrack-mcp diagnose --issue ID",
}
COVERAGE = ("created_at", "project", "version", *STATES)


@click.command(short_help="Say why stack traces are minified, and what fixes it.")
@env_file_option
@json_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Diagnose a made-up project; needs no key and no network.")
@click.option("--release-id", help="Only the symbol sets of this release.")
@click.option("--project", help="Only those of the release of this app ...")
@click.option("--version", help="... and this version.")
@click.option(
    "--expiring-within-days",
    type=click.IntRange(0, 30),
    help="Count what retention removes so soon: 7 unless you say otherwise.",
)
@click.option("--verify", is_flag=True, help="Look into the file of REF (needs the extra symbolicate) ...")
@click.option("--line", type=click.IntRange(1), help="... and whether its map knows this line ...")
@click.option("--column", type=click.IntRange(1), help="... and column of the deployed script.")
@click.option("--issue", help="An issue: its id, or the address of its page in PostHog.")
@click.option("--date-from", help="Events of an issue since then: 2026-09-18, -24h, -7d (the default).")
@click.argument("ref", required=False)
def command(env_file: Path | None, *, as_json: bool, in_sandbox: bool, **given: str | int | None) -> None:
    """Say why stack traces are minified: for REF, an issue, a release, or the whole project.

    REF is a chunk id, the URL of a script, or the address of an issue's page in PostHog.

    Exits with 0 when they are readable, 1 when not, 2 when that is not known. A release or project exits with 1 or 2:
    PostHog keeps nothing of a chunk that was never uploaded, so only --issue or REF can show that traces are readable.
    """
    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    if empty := [name for name, value in given.items() if value == ""]:
        stop([f"{', '.join(empty)} must not be empty: leave it out to diagnose the whole project."])
    tool, arguments = asked({name: value for name, value in given.items() if value not in {None, False}})
    run(env_file, lambda settings: diagnose(settings, app, tool, arguments, as_json=as_json), fixed, needs_key=True)


def asked(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the tool that answers what was given on the command line, and its arguments."""
    if ISSUE_PAGE in given.get("ref", ""):
        given = {"issue": given["ref"], **{name: value for name, value in given.items() if name != "ref"}}
    if "issue" not in given:
        if "date_from" in given:
            stop(["--date-from is about the events of an issue: give --issue too."])
        return TOOL, given
    if others := given.keys() - {"issue", "date_from"}:
        stop([f"Give an issue, or {', '.join(sorted(others)).replace('_', '-')}, not both."])
    dates = {name: given[name] for name in ("date_from",) if name in given}
    return ISSUE_TOOL, {"issue_id": given["issue"], **dates}


async def diagnose(
    settings: Settings, sandbox: ASGIApp | None, tool: str, arguments: Mapping[str, Any], *, as_json: bool
) -> int:
    """Call a tool, print its answer, and return the exit code: 0 readable, 1 not, 2 could not tell.

    Raises ConfigurationError for settings that cannot be used.
    """
    answer = await answer_of(_called(settings, sandbox, tool, arguments))
    if answer is None:
        return EXIT_CODES[None]
    if as_json or not is_terminal():
        click.echo(to_json(answer, indent=2))
    else:
        (_print_issue if tool == ISSUE_TOOL else _print)(screen(), answer)
    return EXIT_CODES[answer["readable"]]


async def _called(
    settings: Settings, sandbox: ASGIApp | None, tool: str, arguments: Mapping[str, Any]
) -> CallToolResult:
    """Call the tool, with a progress bar where a person can see it."""
    async with connected(settings, sandbox) as client:
        with progress("Asking PostHog.") as report:
            return await client.call_tool(tool, dict(arguments), progress_callback=report)


def _print(console: Console, answer: Mapping[str, Any]) -> None:
    """Print what is wrong, where, and what to do; the notice is for models."""
    console.print(Text(answer["summary"], style=STYLES[answer["readable"]]))
    if problem := answer.get("file", {}).get("problem"):
        console.print(Text(f"The file: {problem}."), soft_wrap=True)
    console.print(
        f"{answer['unbound']:,} belong to no release; {answer['expiring']:,} will soon be removed by retention."
    )
    if answer["failures"]:
        console.print()
        _print_failures(console, answer["failures"])
    if answer["newest_releases"]:
        console.print()
        _print_coverage(console, answer["newest_releases"])
    _print_lines(console, "What to do", [AT_A_SHELL.get(step, step) for step in answer["next_steps"]])
    _print_lines(console, "What cannot be known", answer["cannot_know"])
    if answer.get("not_seen"):
        console.print()
        console.print(Text(answer["not_seen"], style="warning"))


def _print_issue(console: Console, answer: Mapping[str, Any]) -> None:
    """Print whether an issue is readable, and for each cause an example, what is true of it by now, and what to do."""
    console.print(Text(answer["summary"], style=STYLES[answer["readable"]]), soft_wrap=True)
    for cause in answer["causes"]:
        console.print()
        console.print(Text(f"{cause['kind'].replace('_', ' ')}: {cause['frames']:,} frames", style="name"))
        console.print(Text(f"    {_place(cause)}"), soft_wrap=True)
        if ref := cause.get("ref"):
            console.print(Text(f"    symbol set {_short(ref)}"), soft_wrap=True)
        for text in (cause["meaning"], cause.get("now"), cause["remedy"]):
            if text:
                console.print(Text(f"    {text[0].upper()}{text[1:]}"), soft_wrap=True)
    _print_lines(console, "What cannot be known", answer["cannot_know"])


def _place(cause: Mapping[str, Any]) -> str:
    """Return where one of the frames is: `qe at /assets/checkout.js:1:88213`."""
    position = [str(cause[name]) for name in ("line", "column") if cause.get(name) is not None]
    where = ":".join([_short(cause.get("source", "an unknown script")), *position])
    return f"{_short(cause.get('function', 'no frame'))} at {where}"


def _print_lines(console: Console, heading: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print()
    console.print(Text(heading, style="name"))
    for number, line in enumerate(lines, 1):
        console.print(Text(f"{number}. {line}"), soft_wrap=True)


def _print_failures(console: Console, failures: list[dict[str, Any]]) -> None:
    """Print how many have no file, and why; where a table would cut something off, two lines for each reason."""
    cells = [(f"{row['symbol_sets']:,}", _reason(row), _short(row["ref"]), row["meaning"]) for row in failures]
    shown = table("no file", "reason", "for example", "what happened")
    for row in cells:
        shown.add_row(*map(Text, row))
    if fits(console, shown):
        console.print(shown)
        return
    for number, reason, ref, meaning in cells:
        console.print(Text(f"{number} without a file: {reason}: {meaning}"), soft_wrap=True)
        console.print(Text(f"    for example {ref}"), soft_wrap=True)


def _print_coverage(console: Console, releases: list[dict[str, Any]]) -> None:
    """Print what each release has; where a table would cut something off, a line for each."""
    shown = table(*(name.replace("_", " ") for name in COVERAGE))
    for row in releases:
        shown.add_row(*(Text(str(row[name])[:40]) for name in COVERAGE))
    if fits(console, shown):
        console.print(shown)
        return
    for row in releases:
        counts = ", ".join(f"{row[name]:,} {name.replace('_', ' ')}" for name in STATES)
        line = f"{row['version'][:40]} of {row['project'][:40]}, {row['created_at'][:10]}: {counts}"
        console.print(Text(line), soft_wrap=True)


def _reason(row: Mapping[str, Any]) -> str:
    """Return the kind of failure, and how many had which HTTP status or what PostHog says."""
    statuses = ", ".join(f"{number:,} with {status}" for status, number in row.get("statuses", {}).items())
    known = statuses or _short(row.get("failure_reason", ""))
    return f"{row['failure']} ({known})" if known else row["failure"]


def _short(text: str) -> str:
    return text[:60] + ("…" if len(text) > 60 else "")
