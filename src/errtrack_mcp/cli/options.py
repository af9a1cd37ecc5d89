"""The parts that commands share: options, settings, the embedded sandbox, exit with a message."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import anyio
import click

from errtrack_mcp.api.posthog import SCOPES, US, key_page

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from errtrack_mcp.settings import Settings

Command = TypeVar("Command", bound=Callable[..., object])

KEY_HELP = """\
errtrack-mcp needs a PostHog personal API key. Get one with: errtrack-mcp login{host}
Or create one at {page} with the scopes {scopes}
(the first alone is enough with ERRTRACK_READ_ONLY=1), and set POSTHOG_PERSONAL_API_KEY to it.
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
        if needs_key and not has_key(settings):
            host = "" if settings.host == US else f" --host {settings.host}"
            stop(["There is no key.", KEY_HELP.format(page=key_page(settings.host), scopes=SCOPES, host=host)])
        code = anyio.run(command, settings)
    except ConfigurationError as error:
        stop(error.problems)
    sys.exit(code or 0)


def has_key(settings: "Settings") -> bool:
    """Return whether there is a key: in the settings, or of a login to their host (which may be locked away)."""
    if settings.personal_api_key is not None:
        return True
    from errtrack_mcp.client_config.atomic_write import RefusedError
    from errtrack_mcp.login.stored_logins import file_path, read_logins

    try:
        stored = read_logins(file_path())
    except RefusedError:
        return True  # a call says what is wrong with the file
    return any(login.host == settings.host or "host" not in settings.model_fields_set for login in stored)


def embedded_sandbox() -> tuple["ASGIApp", dict[str, str | None]]:
    """Make a sandbox in memory, and the settings that lead to it whatever the environment holds."""
    from errtrack_mcp.sandbox.app import create_app
    from errtrack_mcp.sandbox.database import Database
    from errtrack_mcp.sandbox.seed import FULL_KEY, seed
    from errtrack_mcp.sandbox.seed_issues import seed_issues

    database, now = Database(), datetime.now(UTC)
    seed(database, now)
    seed_issues(database, now)
    fixed = {
        "POSTHOG_HOST": "http://localhost",
        "POSTHOG_PERSONAL_API_KEY": FULL_KEY,
        "POSTHOG_PROJECT_ID": None,
        "POSTHOG_ENVIRONMENT_ID": None,
    }
    return create_app(database), fixed


def warn_of_unknown_settings() -> None:
    """Say on stderr which variables are ignored: one misspelt may have been meant to keep something out."""
    from errtrack_mcp.settings import meant_by, unknown_variables

    for name in unknown_variables():
        click.echo(f"errtrack-mcp: {name} is no setting, and ignored. {meant_by(name)}", err=True)


def open_socket(host: str, port: int) -> "socket.socket":
    """Listen on an address, port 0 for a free one; stop if that is not possible. Callers wait until it is served."""
    import socket

    # Named TCP, as asyncio wants it before it turns off Nagle's algorithm: 40 ms with each answer on a kept connection.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener: socket.socket | None = None
    try:
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(100)
    except OSError as error:
        if listener is not None:
            listener.close()
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        stop([f"Cannot listen on {in_url(host)}:{port}: {why}. --port 0 takes a free port, --host another address."])
    return listener


def in_url(host: str) -> str:
    """Write a host as URLs have it: a literal IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def stop(problems: list[str]) -> NoReturn:
    """Say what to fix, and exit with 2."""
    for problem in problems:
        click.echo(f"errtrack-mcp: {problem}" if "\n" not in problem else problem, err=True)
    sys.exit(2)
