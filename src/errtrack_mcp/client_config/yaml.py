"""One entry put into a list in YAML, or taken out of it, with every other character left where it was.

The client's servers are a list of mappings, each with its `name`. The functions here speak of them as the other
formats do: as a mapping from names to entries.
"""

import math
import re
from typing import Any

import yaml

from errtrack_mcp.client_config.jsonc import UnreadableError

WITHOUT_NAME = ""
"""Where `parse` puts what such a list holds without a name, as a list: a client may fetch a server from elsewhere."""
_QUOTED = re.compile(r"'[^']{3,}'|\"[^\"]{3,}\"")
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
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_problem(error)) from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError):  # a value that does not fit its tag
        raise UnreadableError("it holds a character or a value that YAML does not have") from None
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise UnreadableError("it holds no mapping")
    return {**parsed, container: _by_name(parsed[container], container)} if container in parsed else parsed


def put(text: str, container: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with `entry` as the item of that name in the list `container`. Raises UnreadableError."""
    root: Any = yaml.compose(text, yaml.SafeLoader)
    servers = _value(root, container)
    item = {"name": name, **entry}
    if servers is None:
        indent = root.start_mark.column if isinstance(root, yaml.MappingNode) else 0
        return _add(text, len(text.rstrip()), _lines({container: [item]}, indent, text))
    if _is_nothing(servers):
        kept = text[: servers.start_mark.index].rstrip(" ") + text[servers.end_mark.index :]
        return _add(kept, servers.start_mark.index, _lines([item], root.start_mark.column + 2, text))
    present = _item(servers, container, name)
    if present is None:
        return _add(text, _end(servers), _lines([item], servers.start_mark.column, text))
    lines = _lines(item, present.start_mark.column, text)
    return text[: present.start_mark.index] + lines.strip() + text[_end(present) :]


def take(text: str, container: str, name: str) -> str:
    """Return the text without the item of that name in the list `container`, and without a list left empty.

    Raises UnreadableError.
    """
    root: Any = yaml.compose(text, yaml.SafeLoader)
    servers = _value(root, container)
    item = None if servers is None or _is_nothing(servers) else _item(servers, container, name)
    if item is None:
        return text
    if len(servers.value) == 1:
        start = next(key for key, value in root.value if value is servers).start_mark.index
    else:
        start = text.rindex("-", 0, item.start_mark.index)
    return text[: text.rfind("\n", 0, start) + 1] + text[_end_of_line(text, _end(item)) :]


def _problem(error: yaml.MarkedYAMLError) -> str:
    """Say what is wrong and where, without a word of the text: it may be a secret."""
    mark = error.problem_mark
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{_QUOTED.sub('...', error.problem or 'it cannot be read')}{where}"


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
    if not isinstance(root, yaml.MappingNode):
        return None
    if root.flow_style:
        raise UnreadableError("it is written in braces; write its members in lines of their own")
    return next((value for name, value in root.value if name.value == key), None)


def _is_nothing(servers: Any) -> bool:
    """Return whether a list is empty or not there: nothing, null or []."""
    if isinstance(servers, yaml.SequenceNode):
        return not servers.value
    return isinstance(servers, yaml.ScalarNode) and servers.tag == "tag:yaml.org,2002:null"


def _item(servers: Any, container: str, name: str) -> Any:
    """Return the node of the server of that name in a list that is not empty."""
    if not isinstance(servers, yaml.SequenceNode) or servers.flow_style:
        raise UnreadableError(f'its {container} is no list with a "-" before each server')
    return next((item for item in servers.value if _is_called(item, name)), None)


def _is_called(item: Any, name: str) -> bool:
    return isinstance(item, yaml.MappingNode) and any(
        key.value == "name" and value.value == name for key, value in item.value
    )


def _end(node: Any) -> int:
    """Return where the last thing in a node ends: the marks of a list or a mapping take in the blanks behind it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        last = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
        if last.start_mark.index < node.start_mark.index:
            raise UnreadableError("a server in it ends with an alias (*name), whose place is not known")
        node = last
    end: int = node.end_mark.index
    return end


def _add(text: str, after: int, lines: str) -> str:
    """Return the text with lines more below the line of this place."""
    end = _end_of_line(text, after)
    before = text[:end]
    joint = "" if not before or before.endswith("\n") else "\r\n" if "\r\n" in text else "\n"
    return before + joint + lines + text[end:]


def _end_of_line(text: str, place: int) -> int:
    """Return where the line of a place ends, behind its line end; a block of text ends behind it already."""
    if text[:place].endswith("\n"):
        return place
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _lines(value: Any, indent: int, like: str) -> str:
    """Write lines that end as those of a text do."""
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)
    end = "\r\n" if "\r\n" in like else "\n"
    return "".join(f"{' ' * indent}{line}{end}" for line in written.splitlines())


class _Dumper(yaml.SafeDumper):
    """Writes the items of a list two columns further in than its name, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        """Never put a list below its name without an indentation."""
        del indentless
        super().increase_indent(flow, indentless=False)
