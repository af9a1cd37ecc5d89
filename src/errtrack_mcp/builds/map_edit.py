"""A source map that follows its script: positions move, and marks say which chunk it belongs to. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from errtrack_mcp.builds.inject import Place

MAX_DEPTH = 8  # of index maps in index maps; the specification knows of one
MAX_OFFSET = 2**31 - 1  # of a section; readers of maps keep 32 bits

# PostHog's CLI writes these first (docs/posthog-api.md, section 6.1).
MARKS = ("release_id", "chunk_id", "debugId")

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_GOES_ON, _FIVE_BITS = 32, 31

SourceMap = dict[str, Any]


class DamagedMap(ValueError):  # noqa: N818 - named after what it is
    """A source map whose positions cannot be moved; the message says why."""


def read_map(data: bytes) -> SourceMap:
    """Read a source map. Raises DamagedMap. It was looked into before, so its depth and its values are bounded."""
    try:
        read = from_json(data)
    except ValueError:
        raise DamagedMap("it is not JSON in UTF-8, or one of its numbers is too long to be read") from None
    if not isinstance(read, dict):
        raise DamagedMap("it is not a source map")
    return read


def written(source_map: Mapping[str, Any]) -> bytes:
    """Write a source map as PostHog's CLI does: compact, its marks first, then the other keys in their order."""
    marks = {name: source_map[name] for name in MARKS if source_map.get(name) is not None}
    rest = {name: value for name, value in sorted(source_map.items()) if name not in MARKS}
    return to_json({**marks, **rest}, inf_nan_mode="null")  # JSON has numbers that no float can hold


def inserted(source_map: SourceMap, place: Place) -> SourceMap:
    """Return the map of a script into which a snippet was inserted. Raises DamagedMap."""
    return _moved(source_map, place.line, place.column, place.width)


def removed(source_map: SourceMap, place: Place) -> SourceMap:
    """Return the map of a script from which a snippet was removed. Raises DamagedMap."""
    return _moved(source_map, place.line, place.column + place.width, -place.width)


def _moved(source_map: SourceMap, line: int, column: int, by: int, depth: int = 0) -> SourceMap:
    """Move every position on a line, from a column on."""
    if depth > MAX_DEPTH:
        raise DamagedMap("its sections are nested too deeply")
    sections = source_map.get("sections")
    if isinstance(sections, list):
        moved = [_moved_section(section, line, column, by, depth) for section in sections]
        return {**source_map, "sections": moved}
    mappings = source_map.get("mappings")
    if not isinstance(mappings, str):
        raise DamagedMap("it has no mappings")
    return {**source_map, "mappings": _moved_mappings(mappings, line, column, by)}


def _moved_section(section: Any, line: int, column: int, by: int, depth: int) -> Any:
    """Move one section of an index map: its beginning where that lies behind the place, otherwise what is in it."""
    try:
        offset = section["offset"]
        begins_at, begins_in = offset["line"], offset["column"]
    except (TypeError, KeyError):
        raise DamagedMap("one of its sections has no offset") from None
    if not (_is_offset(begins_at) and _is_offset(begins_in)):
        raise DamagedMap("one of its sections has no offset in whole numbers that a script could have")
    if begins_at == line and begins_in >= column:
        return {**section, "offset": {**offset, "column": begins_in + by}}
    inner = section.get("map")
    if begins_at > line:
        return section
    if not isinstance(inner, dict):
        raise DamagedMap("one of its sections is in another file")
    inner_column = column - begins_in if begins_at == line else column
    return {**section, "map": _moved(inner, line - begins_at, inner_column, by, depth + 1)}


def _is_offset(number: Any) -> bool:
    return type(number) is int and 0 <= number <= MAX_OFFSET  # true is an int, too


def _moved_mappings(mappings: str, line: int, column: int, by: int) -> str:
    """Move the first segment of a line at or behind a column: the others tell their distance to the one before."""
    start = 0
    for _ in range(line):
        start = mappings.find(";", start) + 1
        if not start:
            return mappings
    end = mappings.find(";", start)
    end = len(mappings) if end < 0 else end
    at, generated = start, 0
    while at < end:
        following = mappings.find(",", at, end)
        following = end if following < 0 else following
        if following > at:
            delta, behind = _decoded(mappings, at, following)
            generated += delta
            if generated >= column:
                return mappings[:at] + _encoded(delta + by) + mappings[behind:]
        at = following + 1
    return mappings


def _decoded(text: str, at: int, end: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends. Raises DamagedMap."""
    value = shift = 0
    while at < end:
        digit = _VALUES.get(text[at])
        if digit is None or shift > 60:
            break
        at += 1
        value |= (digit & _FIVE_BITS) << shift
        shift += 5
        if digit < _GOES_ON:
            return (-(value >> 1) if value & 1 else value >> 1), at
    raise DamagedMap("its mappings are damaged")


def _encoded(number: int) -> str:
    value = (-number << 1) | 1 if number < 0 else number << 1
    text = ""
    while True:
        value, digit = value >> 5, value & _FIVE_BITS
        text += _DIGITS[digit | (_GOES_ON if value else 0)]
        if not value:
            return text
