"""Show what would change in a client's configuration, ask, and change it."""

import difflib
import os
import re
import sys
import sysconfig
from pathlib import Path

import click
from rich.text import Text

from errtrack_mcp.cli.output import can_ask, is_terminal, screen
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.edit import Change, installing, uninstalling
from errtrack_mcp.client_config.entries import Client
from errtrack_mcp.client_config.paths import own_configuration
from errtrack_mcp.login.stored_logins import file_path, read_logins

# The lines around a change may hold others' secrets: a value is hidden by what it is called or by what it looks like.
_CALLED_SECRET = re.compile(
    r"""((?:key|token|secret|password|passwd|authorization|cookie)\w*["']?\s*[:=,]\s*)("(?:[^"\\]|\\.)*"|'[^']*')""",
    re.IGNORECASE,
)
_LOOKS_SECRET = re.compile(
    r"""\b(?:ph[a-z]|sk|ghp|gho|xox[a-z])[_-][\w-]{4,}|(?<=key=|ken=|ret=|ord=)[^\s"'$]+|\bBearer [^\s"'$]+""",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"""["']\$""")
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(short_help="Add this server to the configuration of an MCP client.")
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--print", "print_only", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Take this server out again.")
@click.option("--yes", is_flag=True, help="Change it without asking.")
def command(client: str, *, print_only: bool, uninstall: bool, yes: bool) -> None:
    """Add this server to CLIENT's own configuration, after showing the difference.

    Everything else in the file stays as it is, with a backup next to it. The key stays in the environment, or where
    errtrack-mcp login has put it: no option takes it.
    """
    sys.exit(install(client, print_only=print_only, uninstall=uninstall, agreed=yes))


def install(slug: str, *, print_only: bool, uninstall: bool, agreed: bool) -> int:
    """Add this server to a client's configuration or take it out, and return the exit code.

    1 means that nothing was changed although it was asked for: refused, declined, or nobody there to ask.
    """
    client = CLIENTS[slug]
    path = own_configuration(client.name)
    try:
        logged_in = not uninstall and is_logged_in()
        if uninstall:
            change = uninstalling(client, path)
        else:
            change = installing(client, path, client.entry(_command(), os.environ, logged_in=logged_in))
        if change.before == change.after:
            _say(f"{path} {'does not start' if uninstall else 'already starts'} this server; nothing to change.")
            return 0
        _show(change)
        if print_only:
            _say("Nothing was changed. Without --print it is, after a question.")
            return 0
        if not agreed and not _asked(path):
            return 1
        change.apply()
    except RefusedError as error:
        _say(str(error))
        return 1
    _conclude(client, change, uninstall=uninstall, logged_in=logged_in)
    return 0


def is_logged_in() -> bool:
    """Return whether a login is stored for the host of the environment, or for any where that names none.

    Raises RefusedError for stored logins that cannot be read.
    """
    host = os.environ.get("POSTHOG_HOST", "").strip().rstrip("/").lower()
    return any(host in {"", login.host} for login in read_logins(file_path()))


def _asked(path: Path) -> bool:
    if not can_ask():
        _say("Nothing was changed: there is no terminal to ask on. Add --yes to change it.")
        return False
    if click.confirm(f"Change {path}?", err=True):
        return True
    _say("Nothing was changed.")
    return False


def _conclude(client: Client, change: Change, *, uninstall: bool, logged_in: bool) -> None:
    """Say what has happened and what is left to do."""
    if change.after is None:
        _say(f"Removed {change.path}, which held nothing else.")
    elif change.backup_spent:
        _say(f"{change.path} is again what it was.")
    else:
        _say(f"Changed {change.path}." + (f" Before: {change.backup}" if change.keep_backup and change.before else ""))
    if uninstall:
        _say(f"Start {client.name} again to be rid of it.")
    else:
        _say(f"The key comes from errtrack-mcp login. Start {client.name} again." if logged_in else client.about_key)
        if client.note:
            _say(client.note)
        _say("Then see whether a call would work: errtrack-mcp doctor")


def _command() -> list[str]:
    """Return what starts this very installation, by its full path: programs with windows have another PATH."""
    script = Path(sysconfig.get_path("scripts")) / ("errtrack-mcp.exe" if sys.platform == "win32" else "errtrack-mcp")
    if {"archive-v0", ".cache", "Caches", "cache"} & set(script.parts):
        _say(f"{script} may be swept away; install for good first, as with: pipx install errtrack-mcp")
    return [str(script)] if script.exists() else [sys.executable, "-m", "errtrack_mcp"]


def _show(change: Change) -> None:
    """Print the difference, with secrets hidden."""
    lines = difflib.unified_diff(
        _lines(change.before),
        _lines(change.after),
        str(change.path) if change.before is not None else os.devnull,
        str(change.path) if change.after is not None else os.devnull,
        lineterm="",
    )
    if not is_terminal():
        click.echo("\n".join(lines))
        return
    console = screen()
    for line in lines:
        console.print(Text(line, style=_COLOURS.get(line[:1], "")), soft_wrap=True)


def _lines(data: bytes | None) -> list[str]:
    return hide_secrets((data or b"").decode()).splitlines()


def hide_secrets(text: str) -> str:
    """Return the text with values that are called or look like secrets replaced; references to variables stay."""
    called = _CALLED_SECRET.sub(lambda found: found[0] if _REFERENCE.match(found[2]) else f'{found[1]}"***"', text)
    return _LOOKS_SECRET.sub("***", called)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
