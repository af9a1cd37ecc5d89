"""Forget a key that `errtrack-mcp login` has stored, and say where to delete it for good."""

import os
import sys

import anyio
import click
from pydantic import TypeAdapter, ValidationError

from errtrack_mcp.api.posthog import key_page
from errtrack_mcp.cli.login import KEY, chosen_host
from errtrack_mcp.cli.options import stop
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.login.keyring import KeyringUnusable, delete_key
from errtrack_mcp.login.stored_logins import StoredLogin, change_logins, file_path, read_logins, without_logins
from errtrack_mcp.settings import Origin

MISSING = 1


@click.command(short_help="Forget a key that login has stored.")
@click.option("--host", help="Forget only what was stored for this PostHog.")
@click.option("--project", help="Forget only what was stored for the project of this number.")
@click.option("--all", "everything", is_flag=True, help="Forget every key, if there are several.")
def command(host: str | None, project: str | None, *, everything: bool) -> None:
    """Forget a stored key, and say where it can be deleted: PostHog lets no key delete itself."""
    try:
        sys.exit(log_out(_origin(host), project, everything=everything))
    except RefusedError as error:
        stop([str(error)])


def log_out(host: str | None, project: str | None, *, everything: bool) -> int:
    """Forget the logins that are meant, and return the exit code. Raises RefusedError."""
    path = file_path()
    stored = read_logins(path)
    meant = [login for login in stored if host in {None, login.host} and project in {None, login.project}]
    if not meant:
        known = "; ".join(login.title for login in stored)
        _say(f"Nothing is stored for that. There is: {known}." if stored else "No key is stored.")
        _name_environment()
        return MISSING if stored else 0
    if len(meant) > 1 and not everything:
        stop(["There are several: " + "; ".join(login.title for login in meant) + ". Name one, or add --all."])
    for login in meant:
        _take_from_keyring(login)
    change_logins(path, without_logins({login.name for login in meant}))
    for login in meant:
        _say(
            f"Forgot the key for {login.title}. It stays good until you delete it: {login.label!r} at "
            f"{key_page(login.host)}"
        )
    _name_environment()
    return 0


def _take_from_keyring(login: StoredLogin) -> None:
    if login.key is not None:
        return
    try:
        anyio.run(delete_key, login.name)
    except KeyringUnusable as error:
        _say(
            f"The system's keyring still holds the key for {login.title}, since it cannot be used: {error}. "
            "Delete it in PostHog."
        )


def _name_environment() -> None:
    if os.environ.get(KEY):
        _say(f"{KEY} is still set in this environment.")


def _origin(host: str | None) -> str | None:
    """Read a host as login does. Raises RefusedError."""
    if not host:
        return None
    try:
        return str(TypeAdapter(Origin).validate_python(chosen_host(host)["POSTHOG_HOST"]))
    except ValidationError as error:
        raise RefusedError(f"--host {error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
