"""One entry put into TOML, or taken out of it, with everything else left as it was."""

import tomllib
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from errtrack_mcp.client_config.jsonc import UnreadableError


def parse(text: str) -> dict[str, Any]:
    """Read TOML. Raises UnreadableError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(str(error)) from None


def put(text: str, container: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with `entry` as the table `[container.name]`; of one that is there, only what differs changes."""
    document = _read(text)
    if container not in document:
        document[container] = tomlkit.table(is_super_table=True)
    servers = document[container]
    if not isinstance(servers, dict):
        raise UnreadableError(f"its {container} is no table")
    present = servers.get(name)
    if not isinstance(present, dict):
        servers[name] = _table(entry)
        return _dumped(document, text)
    _renew(present, entry)
    return _dumped(document, text)


def take(text: str, container: str, name: str) -> str:
    """Return the text without the table `[container.name]`, and without an empty table around it."""
    document = _read(text)
    servers = document.get(container)
    if isinstance(servers, dict) and name in servers:
        del servers[name]
        if not servers and isinstance(servers, Table) and servers.is_super_table():
            del document[container]
    return _dumped(document, text)


def _renew(present: Any, entry: dict[str, Any]) -> None:
    """Change a table where it differs; what is a table of its own within it stays one."""
    for key in [key for key in present if key not in entry]:
        del present[key]
    for key, value in entry.items():
        if isinstance(value, dict) and isinstance(present.get(key), Table):
            _renew(present[key], value)
        elif present.get(key) != value:
            present[key] = _item(value)


def _table(entry: dict[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in entry.items():
        table[key] = _item(value)
    return table


def _item(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline


def _read(text: str) -> tomlkit.TOMLDocument:
    """Read line ends as one character, the way that new lines are written; `_dumped` gives them back."""
    unix = text.replace("\r\n", "\n")
    if len(text) - len(unix) not in {0, unix.count("\n")}:
        raise UnreadableError("some of its lines end in CRLF and others in LF; let all end in one of them")
    try:
        return tomlkit.parse(unix)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except (TOMLKitError, ValueError) as error:
        raise UnreadableError(str(error)) from None


def _dumped(document: tomlkit.TOMLDocument, like: str) -> str:
    written = tomlkit.dumps(document)
    return written.replace("\n", "\r\n") if "\r\n" in like else written
