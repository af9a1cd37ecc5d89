"""Get a key from PostHog by its login for command lines, and keep it for every client of this user."""

import os
import sys
import time
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime

import anyio
import click

from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.posthog import READ_SCOPE, WRITE_SCOPE, key_page
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.cli.options import stop
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.login.device_flow import (
    DeviceAnswer,
    DeviceCode,
    LoginFailed,
    anonymous_client,
    ask_for_code,
    wait_for_key,
)
from errtrack_mcp.login.keeping import Kept, keep
from errtrack_mcp.login.keyring import KeyringUnusable, find_backend
from errtrack_mcp.login.stored_logins import StoredLogin, file_path, read_logins
from errtrack_mcp.server.errors import message_for_api_error
from errtrack_mcp.settings import ConfigurationError, Settings, load_settings

FAILED, INTERRUPTED = 1, 130
KEY = "POSTHOG_PERSONAL_API_KEY"


@click.command(short_help="Get a key from PostHog and keep it, without pasting one.")
@click.option("--host", help="https://eu.posthog.com, or your own PostHog; else POSTHOG_HOST, else PostHog Cloud US.")
@click.option("--file", "in_file", is_flag=True, help="Keep the key in a file, even where there is a keyring.")
@click.option("--no-browser", is_flag=True, help="Only show the address to open.")
def command(host: str | None, *, in_file: bool, no_browser: bool) -> None:
    """Log in to one project of PostHog: shows a code, waits until you allow it in a browser, and keeps the key.

    The browser may be on another machine. The key is kept in the system's keyring where there is one (with the extra
    keyring), else in a file that only you can read. A key from the environment or an --env-file goes before it.
    """
    try:
        settings = load_settings(None, POSTHOG_PERSONAL_API_KEY=None, **chosen_host(host))
    except ConfigurationError as error:
        stop(error.problems)
    sys.exit(log_in(settings, in_file=in_file, no_browser=no_browser))


def chosen_host(host: str | None) -> dict[str, str | None]:
    """Return the setting for a host as a person types it: https:// may be left out."""
    if not host:
        return {}
    return {"POSTHOG_HOST": host if "://" in host else f"https://{host}"}


def log_in(settings: Settings, *, in_file: bool, no_browser: bool) -> int:
    """Log in, say what has to be done and what was done, and return the exit code."""
    try:
        read_logins(file_path())  # what is wrong with it is better known before there is a key
        keyring = None if in_file else anyio.run(find_keyring)
        login = _made(settings.host, anyio.run(_allowed, settings, no_browser))
    except (LoginFailed, RefusedError) as error:
        _say(f"errtrack-mcp: {error}")
        return FAILED
    except ApiError as error:
        _say(f"errtrack-mcp: {message_for_api_error(error).text}")
        return FAILED
    except KeyboardInterrupt:
        _say(
            "\nStopped; nothing was stored. If you have allowed the code already, delete the key that this made at "
            f"{key_page(settings.host)} (its name begins with CLI)."
        )
        return INTERRUPTED
    try:
        kept = keep(login, keyring)
    except (RefusedError, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        why = " ".join(["Stopped." if stopped else str(error), *getattr(error, "__notes__", [])])
        _say(f"errtrack-mcp: {why} The key could not be kept: delete it at {key_page(login.host)} ({login.label}).")
        return INTERRUPTED if stopped else FAILED
    _conclude(login, kept)
    return 0


async def _allowed(settings: Settings, no_browser: bool) -> DeviceAnswer:  # noqa: FBT001 - anyio passes no names
    """Ask for a code, show it, and return the answer once somebody has allowed it. Raises LoginFailed and ApiError."""
    transport = HttpTransport(settings.host)
    api = anonymous_client(transport, settings.timeout)
    try:
        code = await ask_for_code(api)
        _show(code, settings.host, no_browser=no_browser)
        return await wait_for_key(api, code)
    finally:
        await transport.aclose()


async def find_keyring() -> str | None:
    """Return the name of the system's keyring, None where there is none that can be used."""
    try:
        return await find_backend()
    except KeyringUnusable:
        return None


def _show(code: DeviceCode, host: str, *, no_browser: bool) -> None:
    until = time.strftime("%H:%M", time.localtime(time.time() + code.seconds))
    _say(
        f"Open this page, and see that it shows the code {clean(code.user_code, 40)}:\n\n    {clean(code.page, 500)}\n"
    )
    if not code.is_at(host):
        _say(f"Mind that this page is not at {host}: open it only if you know that it belongs to your PostHog.")
    elif not no_browser and has_browser(os.environ, sys.platform):
        webbrowser.open(code.page)
    _say(
        "Pick the project there. The scope for error tracking is ticked; query:read as well shows in which releases an "
        f"issue occurs.\nWaiting until {until}; Ctrl-C stops."
    )


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Return whether a browser would open in front of this person: not over SSH, not without a display. Pure."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return platform in {"darwin", "win32"} or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _made(host: str, answer: DeviceAnswer) -> StoredLogin:
    return StoredLogin(
        host=host,
        project=answer.project_id or "@current",
        label=clean(answer.label, 80),
        scopes=None if answer.scopes is None else tuple(clean(scope, 60) for scope in answer.scopes[:100]),
        made_at=datetime.now(UTC),
        key=answer.personal_api_key,
    )


def _conclude(login: StoredLogin, kept: Kept) -> None:
    """Say what has happened, what is missing, and what comes next."""
    for note in kept.notes:
        _say(note)
    page = key_page(login.host)
    _say(f"Logged in to {login.title}. The key is kept in {kept.place}.")
    _say(f"It never expires, and is called {login.label!r} at {page}, where you can delete it.")
    for lacking in lacking_scopes(login.scopes):
        _say(f"It lacks the scope {lacking}: add it there, or log in again and tick it.")
    if kept.replaced:
        _say(f"It takes the place of the key {kept.replaced.label!r}, which stays good until you delete it there.")
    if os.environ.get(KEY):
        _say(f"{KEY} is set in this environment, and goes before it wherever a client passes it on.")
    _say("Calls go to this project unless they name another one; log in again to have a key for that.")
    _say("Next: errtrack-mcp install CLIENT; errtrack-mcp doctor says whether a call would work.")


def lacking_scopes(scopes: tuple[str, ...] | None) -> list[str]:
    """Return the scopes of error tracking that a key lacks, where PostHog has said what it has. Pure."""
    if scopes is None or {"*", WRITE_SCOPE} & set(scopes):
        return []
    return [WRITE_SCOPE] if READ_SCOPE in scopes else [READ_SCOPE, WRITE_SCOPE]


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
