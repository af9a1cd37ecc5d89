"""One source map: where a script's map lies, and whether it maps anything."""

import math
import os
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from errtrack_mcp.builds.json_scan import LateError, events
from errtrack_mcp.builds.script import MAX_BYTES, Script, Unread, open_regular

MAX_SECONDS = 8.0
MAX_VALUES = 5_000_000
MAX_DEPTH = 64
# What the parser must find in each place of a source map; a place that is not here may hold anything.
EXPECTED = {
    (): "start_map",
    ("mappings",): "string",
    ("sources",): "start_array",
    ("sections",): "start_array",
    ("sections", "item"): "start_map",
}
HARMLESS_BELOW = 2048  # bytes of a script: PostHog's CLI passes over smaller ones whose map is empty


class MapState(StrEnum):
    """The result of the search for a script's map."""

    PRESENT = "present"
    MISSING = "missing"
    INLINE = "inline"
    EXTERNAL = "external"
    OUTSIDE = "outside"
    EMPTY = "empty"
    NOT_JSON = "not_json"
    NOT_A_MAP = "not_a_map"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


def find_map(path: Path, script: Script, root: Path, deadline: float = math.inf) -> MapState:
    """Find the map of the script at `path` and look into it."""
    found = map_file(path, script, root)
    return found if isinstance(found, MapState) else look_into_map(found, deadline)


def map_file(path: Path, script: Script, root: Path) -> Path | MapState:
    """Return the map of the script at `path`, as PostHog's CLI finds it but never outside `root`, or why there is none.

    First where the script says, then next to it; `path` and `root` are free of links, and so is what is returned.
    """
    inline = script.map_url.lower().startswith("data:")
    remote = inline or script.map_url.lower().startswith(("http:", "https:", "//"))
    candidates = [path.with_name(f"{path.name}.map")]
    if script.map_url and not remote:
        candidates.insert(0, path.parent / unquote(script.map_url))
    outside = False
    for candidate in candidates:
        try:
            real = Path(os.path.realpath(candidate))
            if not real.is_relative_to(root):
                outside = True
            elif real.exists():
                return real
        except (OSError, ValueError):
            continue  # a name that no file can have
    if outside:
        return MapState.OUTSIDE
    if not remote:
        return MapState.MISSING
    return MapState.INLINE if inline else MapState.EXTERNAL


def look_into_map(path: Path, deadline: float = math.inf) -> MapState:
    """Return whether a file is a source map that maps something.

    The file is read in blocks; at most 128 MB, five million values and eight seconds of it, and not beyond `deadline`,
    a moment of `time.monotonic`.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                return MapState.TOO_LARGE
            return _state_of(events(file, min(deadline, time.monotonic() + MAX_SECONDS)))
    except (Unread, OSError):
        return MapState.UNREADABLE
    except LateError:
        return MapState.TOO_LARGE
    except ValueError:
        return MapState.NOT_JSON


def _state_of(found: Iterator[tuple[str, str]]) -> MapState:
    """Follow the structure of JSON. A map inside a section counts as one of its own."""
    path: list[str] = []  # the keys that lead to the value; an item of a list has the key "item"
    has_mappings = has_sources = maps_something = False
    for number, (event, value) in enumerate(found):
        if number >= MAX_VALUES:
            return MapState.TOO_LARGE
        if event in {"end_map", "end_array"}:
            path.pop()
            if event == "end_map" and _within_map(path) == ():
                maps_something = maps_something or (has_mappings and has_sources)
                has_mappings = has_sources = False
        elif event == "map_key":
            path[-1] = value
        else:
            place = _within_map(path)
            if event != EXPECTED.get(place, event) or len(path) >= MAX_DEPTH:
                return MapState.NOT_A_MAP
            has_mappings = has_mappings or (place == ("mappings",) and bool(value))
            has_sources = has_sources or place == ("sources", "item")
        if event in {"start_map", "start_array"}:
            path.append("item")
    return MapState.PRESENT if maps_something else MapState.EMPTY


def _within_map(path: list[str]) -> tuple[str, ...]:
    """Return the part of a path that lies within the innermost map."""
    start = 0
    while path[start : start + 3] == ["sections", "item", "map"]:
        start += 3
    return tuple(path[start:])
