"""Every check in its order, printed one line each whatever came before it."""

import sys
from dataclasses import asdict
from pathlib import Path

import anyio
import click
from pydantic_core import to_json
from rich.text import Text

from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.cli.doctor.access import ToolsetCheck, check_key, check_project, check_scopes
from errtrack_mcp.cli.doctor.api_version import check_age
from errtrack_mcp.cli.doctor.clients import check_clients
from errtrack_mcp.cli.doctor.connection import (
    check_answer,
    check_clock,
    check_connection,
    check_dns,
    check_proxy,
    check_tls,
)
from errtrack_mcp.cli.doctor.extra import check_extra
from errtrack_mcp.cli.doctor.login import logged_in
from errtrack_mcp.cli.doctor.run import (
    Check,
    DoctorRun,
    Finding,
    Skipped,
    failed,
    redacted,
    take_first_look,
)
from errtrack_mcp.cli.doctor.settings import check_host, check_key_kind, check_settings, given_values
from errtrack_mcp.cli.options import env_file_option, json_option
from errtrack_mcp.cli.output import is_terminal, screen, table
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.settings import ConfigurationError, Settings, load_settings

NOTHING_OFFERED = "ERRTRACK_TOOLSETS, ERRTRACK_TOOLS and the like leave no tool to offer."
CHECKS: dict[str, Check] = {
    "settings": check_settings,
    "key kind": check_key_kind,
    "host": check_host,
    "proxy": check_proxy,
    "dns": check_dns,
    "connection": check_connection,
    "tls": check_tls,
    "answer": check_answer,
    "clock": check_clock,
    "key": check_key,
    "scopes": check_scopes,
    "project": check_project,
    **{f"toolset {name}": ToolsetCheck(name) for name in EVERY_TOOLSET},
    "api age": check_age,
    "symbolicate": check_extra,
    "clients": check_clients,
}


@click.command(short_help="Check what keeps a tool call from working.")
@env_file_option
@json_option
def command(env_file: Path | None, *, as_json: bool) -> None:
    """Check what keeps a tool call from working, and say what to do about it.

    Exits with 0 only if a tool call would work. Changes nothing.
    """
    sys.exit(anyio.run(lambda: examine(env_file, as_json=as_json)))


async def examine(env_file: Path | None, *, as_json: bool) -> int:
    """Make every check, print what each found, and return 0 only if a tool call would work."""
    run = await _begin(env_file)
    try:
        await take_first_look(run)
        for name, check in CHECKS.items():
            run.findings[name] = await _made(check, run)
    finally:
        if run.transport:
            await run.transport.inner.aclose()
    works = _works(run)
    key = given_values(run).get("POSTHOG_PERSONAL_API_KEY", ("", ""))[0].strip()
    findings = {name: _without_key(finding, key) for name, finding in run.findings.items()}
    if as_json:
        checks = [{"name": name, **asdict(finding)} for name, finding in findings.items()]
        click.echo(to_json({"ok": works, "checks": checks}, indent=2))
    elif is_terminal():
        _print_table(findings, works=works)
    else:
        _print_lines(findings)
    return 0 if works else 1


async def _begin(env_file: Path | None) -> DoctorRun:
    try:
        settings = load_settings(env_file)
        problems = [] if Catalog(settings, local=True).whole.tools else [NOTHING_OFFERED]
    except ConfigurationError as error:
        return DoctorRun(env_file, None, error.problems, _without_the_key(env_file))
    if settings.personal_api_key is None:
        return await logged_in(DoctorRun(env_file, settings, problems, settings))
    return DoctorRun(env_file, settings, problems, settings)


def _without_the_key(env_file: Path | None) -> Settings | None:
    """Return the settings where it is only the key that cannot be used."""
    try:
        return load_settings(env_file, POSTHOG_PERSONAL_API_KEY=None)
    except ConfigurationError:
        return None


async def _made(check: Check, run: DoctorRun) -> Finding:
    try:
        return await check(run)
    except Skipped as reason:
        return Finding("skipped", str(reason))
    except ApiError as error:
        return failed(run.message(error))
    except ConfigurationError as error:
        return failed(" ".join(error.problems), "Fix that where your client configures this server.")
    except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others find
        return failed(f"this check broke ({type(error).__name__})", "Please report it, with what you see here.")


def _works(run: DoctorRun) -> bool:
    """Nothing failed, and at least one toolset was seen to be there."""
    findings = run.findings
    toolsets = [finding.status for name, finding in findings.items() if name.startswith("toolset ")]
    return all(finding.status != "failed" for finding in findings.values()) and bool({"ok", "warning"} & {*toolsets})


def _without_key(finding: Finding, key: str) -> Finding:
    details = tuple({name: redacted(value, key) for name, value in detail.items()} for detail in finding.details)
    return Finding(finding.status, redacted(finding.found, key), redacted(finding.remedy, key), details)


def _print_lines(findings: dict[str, Finding]) -> None:
    for name, finding in findings.items():
        click.echo("\t".join((finding.status, name, _one_line(finding))))
        for detail in finding.details:
            click.echo("\t".join(("", name, "  ".join(detail.values()))))


def _print_table(findings: dict[str, Finding], *, works: bool) -> None:
    shown = table("", "check", "what was found, and what to do about it")
    for name, finding in findings.items():
        shown.add_row(Text(finding.status, style=finding.status), Text(name), Text(_one_line(finding)))
        for detail in finding.details:
            shown.add_row("", "", Text("  ".join(detail.values()), style="skipped"))
    console = screen()
    console.print(shown)
    said = "A tool call would work." if works else "A tool call would not work: fix what failed, from the top."
    console.print(f"\n{said}", style="ok" if works else "failed")


def _one_line(finding: Finding) -> str:
    found = " ".join(finding.found.split())
    return f"{found} -> {finding.remedy}" if finding.remedy else found
