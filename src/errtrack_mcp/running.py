"""What commands have in common: their options, their settings, the embedded sandbox, and how they stop."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import anyio
import click

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from errtrack_mcp.settings import Settings

Command = TypeVar("Command", bound=Callable[..., object])

KEY_HELP = """\
errtrack-mcp needs a PostHog personal API key.
  1. Create one at {host}/settings/user-api-keys with the scopes error_tracking:read and error_tracking:write
     (the first alone is enough with ERRTRACK_READ_ONLY=1).
  2. Set POSTHOG_PERSONAL_API_KEY to it where your client configures this server.
No account? errtrack-mcp demo shows it at work, and errtrack-mcp serve --sandbox serves a made-up project."""


def env_file_option(command: Command) -> Command:
    """Add `--env-file`."""
    return click.option(
        "--env-file",
        type=click.Path(path_type=Path),
        help="Read settings from this file too; the environment wins over it.",
    )(command)


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def run(
    env_file: Path | None,
    command: Callable[["Settings"], Awaitable[int | None]],
    fixed: Mapping[str, str | None] | None = None,
    *,
    needs_key: bool = False,
) -> None:
    """Run a command with the settings, and exit with the code that it returns."""
    from errtrack_mcp.settings import ConfigurationError, load_settings

    try:
        settings = load_settings(env_file, **(fixed or {}))
        if needs_key and settings.personal_api_key is None:
            stop(["POSTHOG_PERSONAL_API_KEY is not set.", KEY_HELP.format(host=settings.host)])
        code = anyio.run(command, settings)
    except ConfigurationError as error:
        stop(error.problems)
    sys.exit(code or 0)


def embedded_sandbox() -> tuple["ASGIApp", dict[str, str | None]]:
    """Make a sandbox in memory, and the settings that lead to it whatever the environment holds."""
    from errtrack_mcp.sandbox.app import create_app
    from errtrack_mcp.sandbox.database import Database
    from errtrack_mcp.sandbox.seed import FULL_KEY, seed

    database = Database()
    seed(database, datetime.now(UTC))
    fixed = {
        "POSTHOG_HOST": "http://localhost",
        "POSTHOG_PERSONAL_API_KEY": FULL_KEY,
        "POSTHOG_PROJECT_ID": None,
        "POSTHOG_ENVIRONMENT_ID": None,
    }
    return create_app(database), fixed


def stop(problems: list[str]) -> NoReturn:
    """Say what to mend, and exit with 2."""
    for problem in problems:
        click.echo(f"errtrack-mcp: {problem}" if "\n" not in problem else problem, err=True)
    sys.exit(2)
