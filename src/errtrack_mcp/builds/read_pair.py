"""A script of a local build with its map, read whole: for looking positions up in them."""

import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.script import MAX_BYTES, Unread, open_regular
from errtrack_mcp.builds.source_map import MapState, map_file


class ScriptWithMap(NamedTuple):
    """The bytes of a script and of its map."""

    script: bytes
    source_map: bytes


def script_of(url: str, chunk_id: str, bundles: list[Bundle]) -> list[Bundle]:
    """Return the scripts of a build that a frame may mean: that of its chunk id, or those whose path ends like its URL.

    A script with another chunk id than the frame's is of another build, whatever its name. Of several with one name,
    those that share the most folders with the URL are returned: more than one is no answer.
    """
    readable = [bundle for bundle in bundles if bundle.script is not None]
    if chunk_id and (same := [bundle for bundle in readable if bundle.script and bundle.script.chunk_id == chunk_id]):
        return same[:1]
    wanted = path_parts(url)
    shared = [(common_end(wanted, PurePosixPath(bundle.path).parts), bundle) for bundle in readable]
    most = max((number for number, _ in shared), default=0)
    named = [bundle for number, bundle in shared if number == most] if most else []
    return [bundle for bundle in named if not (chunk_id and bundle.script and bundle.script.chunk_id)]


def read_pair(directory: Path, root: Path, bundle: Bundle) -> ScriptWithMap:
    """Read a script and its map. Raises Unread, with the reason, where one of them is missing or too large."""
    path = directory / bundle.path
    if bundle.script is None:
        raise Unread(bundle.unread)
    found = map_file(path, bundle.script, root)
    if isinstance(found, MapState):
        raise Unread(f"its map is {found.value}")
    return ScriptWithMap(read_whole(path), read_whole(found))


def read_whole(path: Path) -> bytes:
    """Read a file of at most 128 MB. Raises Unread."""
    return read_with_state(path)[0]


def read_with_state(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a file of at most 128 MB, and the state that it had then. Raises Unread."""
    with open_regular(path) as file:
        state = os.fstat(file.fileno())
        if state.st_size > MAX_BYTES:
            raise Unread(f"larger than {MAX_BYTES:,} bytes")
        content = file.read(state.st_size + 1)
    if len(content) > state.st_size:
        raise Unread("it grows while it is read")
    return content, state


def path_parts(url: str) -> tuple[str, ...]:
    """Return the path of an address, in its parts, without query and fragment; Windows' separators count too."""
    path = unquote(url.partition("?")[0].partition("#")[0]).replace("\\", "/")
    return tuple(part for part in path.split("/") if part)


def common_end(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return how many parts two paths share at their ends."""
    number = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        number += 1
    return number
