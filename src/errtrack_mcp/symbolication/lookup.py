"""Looks places up in one file with symbolic, the engine that PostHog's own ingestion uses. Runs in the worker only."""

import re
import tempfile
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json
from symbolic.exceptions import SymbolicError
from symbolic.proguard import ProguardMapper
from symbolic.sourcemapcache import SourceMapCache

from errtrack_mcp.symbolication.containers import Container, Kind, UnusableFile
from errtrack_mcp.symbolication.places import FileKind, LookUp, Original, Place

MAX_CODE_LENGTH = 300  # characters of a line of source code
MAX_NAME_LENGTH = 1_000
MAX_DEPTH = 3  # sections within sections
GUARD = b")]}"
CHUNK_COMMENT = b"//# chunkId="
MAP_COMMENT = b"//# sourceMappingURL="
MAX_COMMENT_LENGTH = 300

_POSITION = re.compile(r"line [0-9]{1,10},? column [0-9]{1,10}$")
_LINE_ENDS = (b"\n", b"\r", "\u2028".encode(), "\u2029".encode())
_NO_NAME = "<unknown>"
_NOT_YET = {Kind.DSYM: "a dSYM", Kind.ELF: "an ELF file"}
_KINDS: dict[Kind, FileKind] = {Kind.JAVASCRIPT: "javascript", Kind.HERMES: "hermes", Kind.PROGUARD: "proguard"}


def look_up(container: Container, places: Sequence[Place], lines_around: int) -> LookUp:
    """Look places up in an unpacked file. Raises UnusableFile."""
    if container.kind in _NOT_YET:
        raise UnusableFile(f"it is {_NOT_YET[container.kind]}, which this server cannot read yet")
    try:
        if container.kind is Kind.PROGUARD:
            return LookUp("proguard", _in_proguard(container.mapping, places))
        cache = SourceMapCache.from_bytes(container.script, container.mapping)
        originals = tuple(_in_source_map(cache, place, lines_around) for place in places)
        source_map = from_json(_json_of(container.mapping))
        sources, has_source_text = _sources(source_map, MAX_DEPTH)
    except (SymbolicError, ValueError) as error:
        raise UnusableFile(f"its map cannot be read{_where(str(error))}") from None
    script = container.script
    return LookUp(
        _KINDS[container.kind],
        originals,
        sources,
        has_source_text,
        chunk_id=_comment(script, CHUNK_COMMENT),
        script_paths=_script_paths(script, source_map),
        beyond=_beyond(script, places) if script else (),
    )


def _json_of(mapping: bytes) -> bytes:
    """Return a map without the first line that keeps a page from running it as a script, which symbolic passes over."""
    return mapping.partition(b"\n")[2] if mapping.startswith(GUARD) else mapping


def _where(error: str) -> str:
    """Return only where a map is wrong: what else an error says may quote source code."""
    found = _POSITION.search(error)
    return f": it is no source map in JSON at {found[0]}" if found else ""


def _in_source_map(cache: SourceMapCache, place: Place, lines_around: int) -> tuple[Original, ...]:
    found = cache.lookup(place.line, place.column, lines_around)
    if found is None or not found.src:
        return ()
    name = found.function_name or ""
    original = Original(
        function="" if name == _NO_NAME else name[:MAX_NAME_LENGTH],
        source=found.src[:MAX_NAME_LENGTH],
        line=found.line,
        column=found.col,
        code=_cut(found.context_line or ""),
        before=tuple(map(_cut, found.pre_context)),
        after=tuple(map(_cut, found.post_context)),
    )
    return (original,)


def _in_proguard(mapping: bytes, places: Sequence[Place]) -> tuple[tuple[Original, ...], ...]:
    with tempfile.NamedTemporaryFile() as file:  # symbolic reads a mapping from a file alone
        file.write(mapping)
        file.flush()
        mapper = ProguardMapper.open(file.name)
        return tuple(_java_originals(mapper, place) for place in places)


def _java_originals(mapper: ProguardMapper, place: Place) -> tuple[Original, ...]:
    name, _, method = place.function.rpartition(".")
    frames = mapper.remap_frame(name, method, place.line)
    return tuple(
        Original(
            f"{frame.class_name}.{frame.method}"[:MAX_NAME_LENGTH],
            (frame.file or frame.class_name)[:MAX_NAME_LENGTH],
            frame.line,
        )
        for frame in frames
    )


def _sources(source_map: Any, depth: int) -> tuple[int, bool]:
    """Count the sources of a map and of the maps in its sections, and say whether there is text of any of them."""
    if not isinstance(source_map, dict):
        return 0, False
    sources, texts = source_map.get("sources"), source_map.get("sourcesContent")
    number = len(sources) if isinstance(sources, list) else 0
    has_text = isinstance(texts, list) and any(isinstance(text, str) and text for text in texts)
    sections = source_map.get("sections")
    for section in sections if isinstance(sections, list) and depth else ():
        inner, inner_has_text = _sources(section.get("map") if isinstance(section, dict) else None, depth - 1)
        number, has_text = number + inner, has_text or inner_has_text
    return number, has_text


def _beyond(script: bytes, places: Sequence[Place]) -> tuple[int, ...]:
    """Return the numbers of the places in lines that a script does not have; lines end as in JavaScript."""
    lines = 1 + sum(script.count(end) for end in _LINE_ENDS) - script.count(b"\r\n")
    return tuple(number for number, place in enumerate(places) if place.line > lines)


def _comment(script: bytes, mark: bytes) -> str:
    """Return the text in the last line that begins with a mark, as the tools write it."""
    at = script.rfind(b"\n" + mark)
    line = script[at + 1 + len(mark) :][:MAX_COMMENT_LENGTH].splitlines() if at >= 0 else []
    return line[0].decode(errors="replace").strip() if line else ""


def _script_paths(script: bytes, source_map: Any) -> tuple[str, ...]:
    """Return the paths of its script that a map names itself, and that follow from the name of its own file."""
    named = source_map.get("file") if isinstance(source_map, dict) else None
    own_file = _comment(script, MAP_COMMENT).partition("?")[0]
    paths = (
        named[:MAX_NAME_LENGTH] if isinstance(named, str) else "",
        own_file.removesuffix(".map") if own_file.endswith(".map") and not own_file.startswith("data:") else "",
    )
    return tuple(dict.fromkeys(path for path in paths if path))


def _cut(code: str) -> str:
    code = code.rstrip("\r\n")
    return code if len(code) <= MAX_CODE_LENGTH else code[:MAX_CODE_LENGTH] + "…"
