"""The change that `install` or `--uninstall` makes in a client's file; decided before anything is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errtrack_mcp.client_config import jsonc, toml, yaml
from errtrack_mcp.client_config.atomic_write import RefusedError, read, replace, write
from errtrack_mcp.client_config.entries import NAME, Client

BACKUP = ".before-errtrack"


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is and as it would be; None stands for no file at all.

    `keep_backup` says that a copy of what was there is still due; `backup_spent`, that the copy has been given back;
    `given_back`, that an entry of a person's own which `install` had renewed is there again.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    keep_backup: bool = False
    backup_spent: bool = False
    given_back: bool = False

    @property
    def backup(self) -> Path:
        """Return where the copy is kept: next to the file."""
        return self.path.with_name(self.path.name + BACKUP)

    def apply(self) -> None:
        """Write it. Raises RefusedError."""
        if self.before == self.after:
            return
        if self.keep_backup and self.before is not None:
            try:
                write(self.backup, self.before, like=self.path)
            except OSError as error:
                raise RefusedError(f"No backup can be kept at {self.backup}: {error.strerror}.") from None
        replace(self.path, self.before, self.after)
        if self.backup_spent:
            self.backup.unlink(missing_ok=True)


def installing(client: Client, path: Path, entry: dict[str, Any]) -> Change:
    """Return what adds this server to a client's file. Raises RefusedError for a file that is not what it should be."""
    before = read(path)
    if before is None and client.without_file:
        raise RefusedError(f"{path} is not there. {client.without_file}")
    text = _text(path, before)
    parsed = contents(client, path, text)
    present = _servers(client, path, parsed).get(NAME)
    wanted = client.renewed(present, entry) if isinstance(present, dict) else entry
    if present == wanted:
        return Change(path, before, before)
    after = _put(client, path, text, wanted).encode()
    change = Change(path, before, after)
    known = isinstance(present, dict) and _knows_what_was_before(client, change.backup, text, present)
    return Change(path, before, after, keep_backup=not known)


def uninstalling(client: Client, path: Path) -> Change:
    """Return what takes this server out, or gives back an entry of a person's own that `install` had renewed.

    That is the very file from before where nothing else has changed since. Raises RefusedError.
    """
    before = read(path)
    text = _text(path, before)
    parsed = contents(client, path, text)
    servers = _servers(client, path, parsed)
    if NAME not in servers:
        return Change(path, before, before)
    entry = servers[NAME]
    change = Change(path, before, before)
    earlier = (_servers_in(client, change.backup) or {}).get(NAME)
    own = earlier if isinstance(earlier, dict) and not client.may_have_written(earlier) else None
    original = _untouched(client, change.backup, text, entry) if earlier is None or own else None
    if original is not None:
        return Change(path, before, original, backup_spent=True, given_back=own is not None)
    if own is not None and own != entry:
        return Change(path, before, _put(client, path, text, own).encode(), backup_spent=True, given_back=True)
    if isinstance(entry, dict) and text == _module(client).put("", client.container, NAME, entry):
        return Change(path, before, None, backup_spent=earlier is not None)
    with _by_hand(path):
        after = _module(client).take(text, client.container, NAME)
    del servers[NAME]
    left = _contents_of_ours(client, path, after)
    _verify(path, {**left, client.container: left.get(client.container, {})}, parsed)
    return Change(path, before, after.encode(), keep_backup=True)


def contents(client: Client, path: Path, text: str) -> dict[str, Any]:
    """Return what a client's file holds, in which the servers are a mapping by name.

    Raises RefusedError where the client could not read it either.
    """
    try:
        if client.format == "toml":
            return toml.parse(text)
        if client.format == "yaml":
            return yaml.parse(text, client.container)
        return jsonc.parse(text, comments=client.format != "json", trailing_commas=client.format == "jsonc")
    except jsonc.UnreadableError as error:
        kind = {"toml": "TOML", "yaml": "YAML"}.get(client.format, "JSON")
        raise RefusedError(
            f"{path} could not be read as {kind}: {error}. It was left as it is; fix it and run this again, or edit it "
            "by hand."
        ) from None


def _knows_what_was_before(client: Client, backup: Path, text: str, present: dict[str, Any]) -> bool:
    """Return whether `--uninstall` will find what was there before this server, with no new backup.

    There was no file at all, or the backup is of a file without this server, or nothing else has changed since.
    """
    if not backup.exists():
        from_nothing: bool = text == _module(client).put("", client.container, NAME, present)
        return from_nothing and client.may_have_written(present)
    kept = _servers_in(client, backup)
    return (kept is not None and NAME not in kept) or _untouched(client, backup, text, present) is not None


def _module(client: Client) -> Any:
    return {"toml": toml, "yaml": yaml}.get(client.format, jsonc)


def _put(client: Client, path: Path, text: str, entry: dict[str, Any]) -> str:
    expected = contents(client, path, text)
    expected.setdefault(client.container, {})[NAME] = entry
    with _by_hand(path):
        after: str = _module(client).put(text, client.container, NAME, entry)
    _verify(path, _contents_of_ours(client, path, after), expected)
    return after


@contextmanager
def _by_hand(path: Path) -> Iterator[None]:
    """Refuse what can be read and is not written so that an entry can be put in or taken out."""
    try:
        yield
    except jsonc.UnreadableError as error:
        raise RefusedError(f"{path} was left as it is: {error}. Edit it by hand.") from None


def _contents_of_ours(client: Client, path: Path, text: str) -> dict[str, Any]:
    """Return what a file would hold after a change of ours. Raises RefusedError where that could not be read."""
    try:
        return contents(client, path, text)
    except RefusedError:
        raise _not_alone(path) from None


def _verify(path: Path, parsed: dict[str, Any], expected: dict[str, Any]) -> None:
    try:
        same = parsed == expected
    except RecursionError:  # YAML can hold what holds itself
        same = False
    if not same:
        raise _not_alone(path)


def _not_alone(path: Path) -> RefusedError:
    return RefusedError(f"{path} could not be changed without changing something else; edit it by hand.")


def _untouched(client: Client, backup: Path, text: str, entry: dict[str, Any]) -> bytes | None:
    """Return the backup if adding `entry` to it gives `text`: then nothing else has been changed since."""
    try:
        original = backup.read_bytes()
        kept = original.decode()
        return original if _put(client, backup, kept, entry) == text else None
    except (OSError, UnicodeDecodeError, RefusedError):
        return None


def _servers_in(client: Client, backup: Path) -> dict[str, Any] | None:
    """Return the servers that were there when a backup was kept, or None where it cannot be read."""
    try:
        return _servers(client, backup, contents(client, backup, backup.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, RefusedError):
        return None


def _text(path: Path, data: bytes | None) -> str:
    try:
        return (data or b"").decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{path} is not UTF-8 text; it was left as it is. Save it as UTF-8, or edit it.") from None


def _servers(client: Client, path: Path, parsed: dict[str, Any]) -> dict[str, Any]:
    servers = parsed.get(client.container, {})
    if not isinstance(servers, dict):
        raise RefusedError(f"{path} holds a {client.container} that is no object; it was left as it is. Fix it first.")
    return servers
