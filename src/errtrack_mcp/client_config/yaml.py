"""One entry put into a list in YAML, or taken out of it, with every other character left where it was.

The client's servers are a list of mappings, each with its `name`. The functions here speak of them as the other
formats do: as a mapping from names to entries.
"""

import math
from typing import Any

import yaml

from errtrack_mcp.client_config.jsonc import UnreadableError

WITHOUT_NAME = ""
"""Where `parse` puts what such a list holds without a name, as a list: a client may fetch a server from elsewhere."""
LARGEST = 100_000
"""Characters that are read: a change reads the text some five times, and each time takes a second for so many."""


def parse(text: str, container: str) -> dict[str, Any]:
    """Read a mapping whose `container` is a list of servers; blank text is an empty one. Raises UnreadableError."""
    if len(text) > LARGEST:
        raise UnreadableError(f"it is longer than {LARGEST:,} characters, which this command reads")
    try:
        parsed = yaml.safe_load(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(" ".join(str(error).split())) from None
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise UnreadableError("it holds no mapping")
    return {**parsed, container: _by_name(parsed[container], container)} if container in parsed else parsed


def put(text: str, container: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with `entry` as the item of that name in the list `container`."""
    text, newline = text.replace("\r\n", "\n"), "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, yaml.SafeLoader)
    servers = _value(root, container)
    if servers is None:
        indent = root.start_mark.column if root is not None else 0
        changed = _add(text, len(text.rstrip()), _lines({container: [{"name": name, **entry}]}, indent))
    elif isinstance(servers, yaml.ScalarNode) and not servers.value:
        changed = _add(text, servers.start_mark.index, _lines([{"name": name, **entry}], root.start_mark.column + 2))
    elif not isinstance(servers, yaml.SequenceNode) or servers.flow_style:
        raise UnreadableError(f'its {container} is no list with a "-" before each server')
    elif (item := _item(servers, name)) is None:
        lines = _lines([{"name": name, **entry}], servers.start_mark.column)
        changed = _add(text, _end(servers), lines)
    else:
        lines = _lines({"name": name, **entry}, item.start_mark.column)
        changed = text[: item.start_mark.index] + lines.strip() + text[_end(item) :]
    return changed.replace("\n", newline)


def take(text: str, container: str, name: str) -> str:
    """Return the text without the item of that name in the list `container`, and without a list left empty."""
    text, newline = text.replace("\r\n", "\n"), "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, yaml.SafeLoader)
    servers = _value(root, container)
    item = _item(servers, name) if isinstance(servers, yaml.SequenceNode) else None
    if item is None:
        return text.replace("\n", newline)
    if len(servers.value) == 1:
        key = next(key for key, value in root.value if value is servers)
        start = text.rindex("\n", 0, key.start_mark.index) + 1 if "\n" in text[: key.start_mark.index] else 0
    else:
        start = text.rindex("-", 0, item.start_mark.index)
        start = text.rfind("\n", 0, start) + 1
    end = _end_of_line(text, _end(item))
    return (text[:start] + text[end:]).replace("\n", newline)


def _by_name(servers: Any, container: str) -> dict[str, Any]:
    if servers is None:
        return {}
    if not isinstance(servers, list):
        raise UnreadableError(f"its {container} is no list")
    found: dict[str, Any] = {}
    for server in servers:
        name = server.get("name") if isinstance(server, dict) else None
        if not isinstance(name, str) or not name:
            found.setdefault(WITHOUT_NAME, []).append(server)
        elif name in found:
            raise UnreadableError(f"its {container} holds two servers of the name {name}")
        else:
            found[name] = {key: value for key, value in server.items() if key != "name"}
    return found


def _value(root: Any, key: str) -> Any:
    """Return the node that stands behind a key of the document's mapping."""
    if root is None:
        return None
    if root.flow_style:
        raise UnreadableError("it is written in braces; write its members in lines of their own")
    return next((value for name, value in root.value if name.value == key), None)


def _item(servers: Any, name: str) -> Any:
    """Return the node of the server of that name."""
    return next((item for item in servers.value if _is_called(item, name)), None)


def _is_called(item: Any, name: str) -> bool:
    return isinstance(item, yaml.MappingNode) and any(
        key.value == "name" and value.value == name for key, value in item.value
    )


def _end(node: Any) -> int:
    """Return where the last thing in a node ends: the marks of a list or a mapping take in the blanks behind it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    end: int = node.end_mark.index
    return end


def _add(text: str, after: int, lines: str) -> str:
    """Return the text with lines more below the line of this place."""
    end = _end_of_line(text, after)
    before = text[:end]
    return before + ("\n" if before and not before.endswith("\n") else "") + lines + text[end:]


def _end_of_line(text: str, place: int) -> int:
    """Return where the line of a place ends, behind its line end; a block of text ends behind it already."""
    if text[:place].endswith("\n"):
        return place
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _lines(value: Any, indent: int) -> str:
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)
    return "".join(" " * indent + line for line in written.splitlines(keepends=True))


class _Dumper(yaml.SafeDumper):
    """Writes the items of a list two columns further in than its name, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        """Never put a list below its name without an indentation."""
        del indentless
        super().increase_indent(flow, indentless=False)
