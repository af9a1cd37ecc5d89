"""One source map: where a script's map lies, and whether it maps anything."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError

from errtrack_mcp.builds.script import Script, Unread, open_regular

LARGEST_MAP = 128 << 20
HARMLESS_BELOW = 2048  # bytes of a script: PostHog's CLI passes over smaller ones whose map is empty


class MapState(StrEnum):
    """What became of the search for a script's map."""

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


class _Map(BaseModel):
    """As much of a map as tells whether it holds anything."""

    mappings: str = ""
    sources: list[Any] = []
    sections: list["_Section"] = []

    def maps_something(self) -> bool:
        return bool(self.mappings and self.sources) or any(section.map.maps_something() for section in self.sections)


class _Section(BaseModel):
    map: _Map


def find_map(path: Path, script: Script, root: Path) -> MapState:
    """Find the map of the script at `path` as PostHog's CLI does, but never outside `root`, and look into it.

    First where the script says, then beside it; `path` and `root` are free of links.
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
                return look_into_map(real)
        except (OSError, ValueError):
            continue  # a name that no file can have
    if outside:
        return MapState.OUTSIDE
    if not remote:
        return MapState.MISSING
    return MapState.INLINE if inline else MapState.EXTERNAL


def look_into_map(path: Path) -> MapState:
    """Tell whether a file is a source map that maps something; at most 128 MB are read, and held about twice."""
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_MAP + 1)
    except Unread:
        return MapState.UNREADABLE
    if len(content) > LARGEST_MAP:
        return MapState.TOO_LARGE
    try:
        read = _Map.model_validate_json(content)
    except ValidationError as error:
        syntax = any(problem["type"] == "json_invalid" for problem in error.errors(include_input=False))
        return MapState.NOT_JSON if syntax else MapState.NOT_A_MAP
    except RecursionError:
        return MapState.NOT_A_MAP
    return MapState.PRESENT if read.maps_something() else MapState.EMPTY
