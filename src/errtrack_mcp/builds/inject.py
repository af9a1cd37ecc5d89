"""The chunk id in a script: code at its top that reports the id at run time, and a comment in its last line.

PostHog's CLI recognizes what is injected here, and what it injects is recognized here
(docs/posthog-api.md, section 6.1). Pure.
"""

import json
import re
from typing import NamedTuple

from errtrack_mcp.builds.script import CHUNK_ID, REGISTRY

MAX_SNIPPET_LENGTH = 4096

_BREAK = r"(?:\r\n|[\n\r\u2028\u2029])"
_HASHBANG = re.compile(rf"\ufeff?(?:#![^\n\r\u2028\u2029]*+(?:{_BREAK}|\Z))?")
_BLANK = r"[\s\ufeff]++|//[^\n\r\u2028\u2029]*+|/\*(?:[^*]++|\*++(?!/))*+\*++/"
_SKIPPED = re.compile(rf"(?:{_BLANK})*+")
# Where a statement begins, these two are comments: nothing else that begins so could stand there.
_BETWEEN_STATEMENTS = re.compile(rf"(?:{_BLANK}|(?:<!--|-->)[^\n\r\u2028\u2029]*+)*+")
_LITERAL = re.compile(r"""
    "(?:[^"\\\n\r]++|\\(?:\r\n|[\s\S]))*+"
    | '(?:[^'\\\n\r]++|\\(?:\r\n|[\s\S]))*+'
    | `(?:[^`\\$]++|\\[\s\S]|\$(?!\{))*+`""", re.VERBOSE)  # fmt: skip
_LINE_BREAK = re.compile(_BREAK)
# A line that begins so does not go on with the one before; everything else might.
_NEW_STATEMENT = re.compile(r"(?!(?:in|instanceof)(?![\w$\\]))[\w$'\"{@#\\~]|!(?!=)|\+\+|--(?!>)|\Z|\}")
_SELF_INVOKED = re.compile(r"[!(]*+(?:function\b|\(\s*+\)\s*+=>)")
_COMMENTS = re.compile(r"(?:\s++|//[^\n]*+)*+")
_COMMENT = CHUNK_ID.decode()
_OPENING, _CLOSING = "([{", ")]}"
_LINE_BREAKS = "\n\r\u2028\u2029"


class NoCode(Exception):  # noqa: N818 - named after what it is
    """A script without any code, in which no error can happen."""


class Place(NamedTuple):
    """Where a snippet stands in a script: line and column from 0, the column and its width in units of UTF-16."""

    line: int
    column: int
    width: int


class Edited(NamedTuple):
    """A script with or without its snippet, and the place of the snippet; None where there was none to remove."""

    script: str
    place: Place | None


def snippet(chunk_id: str, release_id: str = "") -> str:
    """Return the code that reports a chunk id, and the release where one is given, to PostHog's SDK in the page.

    The SDK finds the script of a frame by the stack of an error that was made in it.
    """
    release = f"g._posthogReleaseId=g._posthogReleaseId||{json.dumps(release_id)};" if release_id else ""
    return (
        '!function(){try{var g="undefined"!=typeof window?window:"undefined"!=typeof global?global:'
        '"undefined"!=typeof globalThis?globalThis:"undefined"!=typeof self?self:{};'
        f"{release}var s=(new Error).stack;"
        f"s&&((g._posthogChunkIds=g._posthogChunkIds||{{}})[s]={json.dumps(chunk_id)})}}catch(e){{}}}}();"
    )


def with_injection(script: str, chunk_id: str, release_id: str = "") -> Edited:
    """Insert the snippet before the first statement that is no directive, and append the comment.

    Raises NoCode for a script that has nothing behind its hashbang line.
    """
    at = start_of_code(script)
    if at == len(script):
        raise NoCode
    inserted = snippet(chunk_id, release_id)
    text = f"{script[:at]}{inserted}{script[at:]}\n{_COMMENT}{chunk_id}"
    return Edited(text, _place(script, at, inserted))


def without_injection(script: str, chunk_id: str) -> Edited:
    """Remove the comment, and the snippet where it is surely nothing but one."""
    kept = _without_comment(script, f"\n{_COMMENT}{chunk_id}")
    at = start_of_code(kept)
    end = _end_of_snippet(kept, at, chunk_id)
    if end is None:
        return Edited(kept, None)
    return Edited(kept[:at] + kept[end:], _place(kept, at, kept[at:end]))


def has_our_snippet(script: str, chunk_id: str, release_id: str) -> bool:
    """Return whether the code at the top is exactly the one that is injected here."""
    return script.startswith(snippet(chunk_id, release_id), start_of_code(script))


def _without_comment(script: str, line: str) -> str:
    """Remove a line from the comments that a script ends with: further up it would move what stands below it."""
    kept = []  # the parts below the code, the last one first
    end = checked = len(script)
    at = script.rfind(line)
    while at >= 0 and _COMMENTS.fullmatch(script, at, checked):
        checked, behind = at, at + len(line)
        if script[behind : behind + 1] in {"", "\n", "\r"}:
            kept.append(script[behind + (script[behind : behind + 1] == "\r") : end])
            end = at
        at = script.rfind(line, 0, at)
    return script[:end] + "".join(reversed(kept))


def start_of_code(script: str) -> int:
    """Return where code can be inserted: behind a hashbang line, comments and directives such as "use strict"."""
    hashbang = _HASHBANG.match(script)
    start = at = hashbang.end() if hashbang else 0
    while True:
        at = _end_of(_BETWEEN_STATEMENTS, script, at)
        directive = _LITERAL.match(script, at)
        end = _end_of_directive(script, directive.end()) if directive and script[at] != "`" else None
        if end is None:
            break
        at = end
    return at if at < len(script) else start


def _end_of(pattern: re.Pattern[str], script: str, at: int) -> int:
    found = pattern.match(script, at)
    return found.end() if found else at


def _end_of_directive(script: str, at: int) -> int | None:
    """Return where a statement that begins with a literal ends, if that is all of it."""
    following = _end_of(_SKIPPED, script, at)
    if script[following : following + 1] == ";":
        return following + 1
    on_new_line = _LINE_BREAK.search(script, at, following) is not None
    return at if on_new_line and _NEW_STATEMENT.match(script, following) else None


def _end_of_snippet(script: str, at: int, chunk_id: str) -> int | None:
    """Return where the snippet that begins at a place ends; None where there is none, or more than one call."""
    if not _SELF_INVOKED.match(script, at):
        return None
    end, depth = at, 0
    limit = min(len(script), at + MAX_SNIPPET_LENGTH)
    while end < limit:
        literal = _LITERAL.match(script, end, limit)
        if literal:
            end = literal.end()
            continue
        character = script[end]
        end += 1
        if character == ";" and depth == 0:
            text = script[at:end]
            return end if REGISTRY.decode() in text and _holds(text, chunk_id) else None
        if character in ",\n" and depth == 0:  # behind a line break may stand a statement of the app
            return None
        depth += (character in _OPENING) - (character in _CLOSING)
    return None


def _holds(text: str, chunk_id: str) -> bool:
    """Return whether a literal of a text is the chunk id."""
    return any(f"{quote}{chunk_id}{quote}" in text for quote in "\"'`")


def _place(script: str, at: int, inserted: str) -> Place:
    """Tell where a snippet stands; neither browsers nor maps count a byte order mark."""
    lines = sum(script.count(each, 0, at) for each in _LINE_BREAKS) - script.count("\r\n", 0, at)
    start = max(script.startswith("\ufeff"), *(script.rfind(each, 0, at) + 1 for each in _LINE_BREAKS))
    return Place(lines, _units(script[start:at]), _units(inserted))


def _units(text: str) -> int:
    """Count units of UTF-16, in which source maps and browsers count columns."""
    return len(text.encode("utf-16-le")) // 2
