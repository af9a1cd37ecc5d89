"""Where the key of a new login goes: into the system's keyring or the file, so that none is left where nobody looks."""

from typing import NamedTuple

import anyio
from pydantic import SecretStr

from errtrack_mcp.login.keyring import SECONDS, KeyringUnusable, delete_key, get_keys, set_key
from errtrack_mcp.login.stored_logins import StoredLogin, change_logins, file_path, with_login


class Kept(NamedTuple):
    """Where the key is, the login of the same project before it, and sentences about what did not go as usual."""

    place: str
    replaced: StoredLogin | None
    notes: list[str]


def keep(login: StoredLogin, keyring: str | None) -> Kept:
    """Store a login, its key in the keyring of this name or else in the file. Call it where no event loop runs.

    A keyring that does not take the key, because it stays locked for example, is as good as none. Raises RefusedError
    where the file cannot be changed; then, and where somebody interrupts, the keyring holds what it held before, or a
    note of the exception says that it does not.
    """
    refused = ""
    if keyring and login.key:
        try:
            before = anyio.run(get_keys, [login.name])[login.name]
            return _kept_in_keyring(login, login.key, keyring, before)
        except KeyringUnusable as error:
            refused = str(error)
    replaced = _stored(login)
    notes = [f"The system's keyring did not take the key: {refused}. It is kept in a file instead."] if refused else []
    if replaced and replaced.key is None:
        notes += _forgotten(replaced, refused)
    return Kept(str(file_path()), replaced, notes)


def _kept_in_keyring(login: StoredLogin, key: SecretStr, keyring: str, before: SecretStr | None) -> Kept:
    try:
        anyio.run(set_key, login.name, key)
        replaced = _stored(login.model_copy(update={"key": None}))
    except BaseException as error:
        _put_back(login.name, before, error)
        raise
    return Kept(f"the system's keyring ({keyring})", replaced, [])


def _stored(login: StoredLogin) -> StoredLogin | None:
    """Store a login in the file, and return the one whose place it takes. Raises RefusedError."""
    replaced: list[StoredLogin] = []

    def change(logins: list[StoredLogin]) -> list[StoredLogin]:
        replaced.extend(other for other in logins if other.name == login.name)
        return with_login(login)(logins)

    change_logins(file_path(), change)
    return replaced[0] if replaced else None


def _put_back(name: str, before: SecretStr | None, why: BaseException) -> None:
    try:
        if before is None:
            anyio.run(delete_key, name, SECONDS)
        else:
            anyio.run(set_key, name, before, SECONDS)
    except KeyringUnusable as error:
        why.add_note(f"The system's keyring may still hold the key: {error}.")


def _forgotten(replaced: StoredLogin, refused: str) -> list[str]:
    """Take the key of a login that is replaced out of the keyring, which no command would reach any more.

    Return what to say where that fails; one that has just refused is not waited for again.
    """
    try:
        if not refused:
            anyio.run(delete_key, replaced.name)
            return []
    except KeyringUnusable as error:
        refused = str(error)
    except KeyboardInterrupt:
        refused = "you stopped it"
    return [f"The system's keyring still holds the key {replaced.label!r} of before: {refused}. Delete it in PostHog."]
