"""Show what would change in a client's configuration, ask, and change it."""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

import click

from errtrack_mcp.cli.install_difference import show_difference
from errtrack_mcp.cli.install_link import print_link
from errtrack_mcp.cli.output import can_ask
from errtrack_mcp.client_config.address import checked
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.edit import Change, installing, uninstalling
from errtrack_mcp.client_config.entries import KEY, NAME, WRITTEN_OUT, Client
from errtrack_mcp.client_config.ours import entries_of_ours
from errtrack_mcp.client_config.paths import Configuration, own_configuration
from errtrack_mcp.login.stored_logins import file_path, read_logins
from errtrack_mcp.python_module import command_of_module
from errtrack_mcp.settings import ConfigurationError, load_settings

LOG_IN = "Or have no key there at all: errtrack-mcp login, and then run this again."


@click.command(short_help="Add this server to the configuration of an MCP client.")
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--print", "print_only", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Take this server out again.")
@click.option("--yes", is_flag=True, help="Change it without asking.")
@click.option("--url", metavar="ADDRESS", help="Use a team's server at this address; the client logs in there.")
@click.option("--send-key", is_flag=True, help=f"With --url: send {KEY} of the client's environment, without login.")
@click.option("--link", is_flag=True, help="Print a link that adds this server, for others to open; change nothing.")
def command(
    client: str, *, print_only: bool, uninstall: bool, yes: bool, url: str | None, send_key: bool, link: bool
) -> None:
    """Add this server to CLIENT's own configuration, after showing the difference.

    Everything else in the file stays as it is, with a backup next to it. The key stays in the environment, or where
    errtrack-mcp login has put it: no option takes it.
    """
    if (send_key and url is None) or (uninstall and url is not None):
        raise click.UsageError("--send-key goes with --url, and --uninstall with neither.")
    if link and (uninstall or yes or print_only):
        raise click.UsageError("--link changes nothing: of the other options it takes --url and --send-key.")
    if link:
        sys.exit(print_link(client, url, send_key=send_key))
    sys.exit(install(client, print_only=print_only, uninstall=uninstall, agreed=yes, url=url, send_key=send_key))


def install(slug: str, *, print_only: bool, uninstall: bool, agreed: bool, url: str | None, send_key: bool) -> int:
    """Add this server to a client's configuration or take it out, and return the exit code.

    1 means that nothing was changed although it was asked for: refused, declined, or nobody there to ask.
    """
    client = CLIENTS[slug]
    path = own_configuration(client.name)
    try:
        if uninstall:
            change, left_to_do = uninstalling(client, path), [f"Start {client.name} again to be rid of it."]
        else:
            entry, left_to_do = _at(client, checked(url), send_key=send_key) if url is not None else _here(client)
            change = installing(client, path, entry)
        others = _by_other_names(client, path)
        if change.before == change.after:
            _say(f"{path} {'holds no entry' if uninstall else 'already holds the entry'} {NAME}; nothing to change.")
            _say_all(others)
            return 0
        show_difference(change)
        if print_only:
            _say("Nothing was changed. Without --print it is, after a question.")
            return 0
        if not agreed and not _asked(path):
            return 1
        change.apply()
    except RefusedError as error:
        _say(str(error))
        return 1
    _conclude(change)
    if change.given_back:
        left_to_do = ["The entry that was there before is back. To take that out too, run this again."]
    _say_all([*left_to_do, *others])
    return 0


def _here(client: Client) -> tuple[dict[str, Any], list[str]]:
    """Return the entry that starts this installation, and what is left to do. Raises RefusedError."""
    try:
        load_settings()
    except ConfigurationError as error:
        raise RefusedError(f"{' '.join(error.problems)} Nothing was changed.") from None
    logged_in = is_logged_in()
    key = f"The key comes from errtrack-mcp login. Start {client.name} again." if logged_in else client.about_key
    said = [key, "" if logged_in else LOG_IN, client.note, "Then see whether a call would work: errtrack-mcp doctor"]
    return client.entry(_command(), os.environ, logged_in=logged_in), [sentence for sentence in said if sentence]


def _at(client: Client, url: str, *, send_key: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the entry for a server at an address, and what is left to do. Raises RefusedError."""
    remote = client.reaching(send_key=send_key)
    if send_key:
        said = [f"Set {KEY} where {client.name} is started from, and start it again."]
    else:
        said = [
            f"Start {client.name} again. {remote.log_in}",
            "Whoever runs that server could use what you log in with: log in only where you trust them.",
            "If it knows no login, run this again with --send-key." if remote.key_variable or client.reference else "",
        ]
    if ignored := [name for name in WRITTEN_OUT if os.environ.get(name)]:
        said.append(f"What is set here does not hold there: {', '.join(ignored)}. A path narrows it: docs/remote.md")
    entry = client.remote_entry(url, send_key=send_key)
    return entry, [sentence for sentence in [*said, client.note] if sentence]


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


def _conclude(change: Change) -> None:
    """Say what has happened."""
    if change.after is None:
        _say(f"Removed {change.path}, which held nothing else.")
    elif change.backup_spent:
        _say(f"{change.path} is again what it was.")
    else:
        _say(f"Changed {change.path}." + (f" Before: {change.backup}" if change.keep_backup and change.before else ""))


def _command() -> list[str]:
    """Return what starts this very installation, by its full path: programs with windows have another PATH."""
    script = Path(sysconfig.get_path("scripts")) / ("errtrack-mcp.exe" if sys.platform == "win32" else "errtrack-mcp")
    if {"archive-v0", ".cache", "Caches", "cache"} & set(script.parts):
        _say(f"{script} may be swept away; install for good first, as with: pipx install errtrack-mcp")
    return [str(script)] if script.exists() else command_of_module("errtrack_mcp")


def _by_other_names(client: Client, path: Path) -> list[str]:
    """Return what to say of entries that a person has given another name. Raises RefusedError."""
    if not path.exists():
        return []
    entries = entries_of_ours(Configuration(client.name, path), path.read_text(encoding="utf-8"))
    names = [entry.name for entry in entries if entry.name != NAME and entry.on]
    verb, them = ("starts", "it") if len(names) == 1 else ("start", "them")
    return [f"{', '.join(names)} there {verb} this server too; take {them} out by hand."] if names else []


def _say_all(sentences: list[str]) -> None:
    for sentence in sentences:
        _say(sentence)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
