"""One entry put into JSON text, or taken out of it, with every other character left where it was.

The text may hold comments and trailing commas, as the settings of editors do. What is changed is decided on a copy in
which these are blanks, so that every position means the same in both.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

# A string is matched whole, so that what looks like a comment or a comma inside it stays; one that is never closed, to
# the end of its line. Nothing is tried twice.
_STRING = r'"(?:[^"\\\n]++|\\.)*+(?:"|)'
_COMMENTS = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMAS = re.compile(rf"{_STRING}|,(?=\s*[}}\]])")
_FILLED = re.compile(r"\S")


class UnreadableError(ValueError):
    """The text is not what its name says, or not in a shape that this server could be added to."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    start: int
    value: int
    end: int


def parse(text: str, *, comments: bool = True, trailing_commas: bool = True) -> dict[str, Any]:
    """Read an object; blank text is an empty one. Without `comments`, trailing commas are errors too.

    Raises UnreadableError where a client could not read it either.
    """
    blanked = _plain if trailing_commas else _without_comments
    plain = blanked(text) if comments else text.removeprefix("\ufeff")
    if not plain.strip():
        return {}
    try:
        parsed = json.loads(plain)  # noqa: TID251 - other parsers take what clients refuse
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    if not isinstance(parsed, dict):
        raise UnreadableError("it holds no object")
    return parsed


def put(text: str, container: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with `entry` as the member `name` of the object `container`, in the style of the text."""
    plain = _plain(text)
    if not plain.strip():
        return text + json.dumps({container: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    root = _skip(plain, 0)
    outer = _find(plain, root, container)
    if outer is None:
        return _add(text, root, container, {name: entry})
    if plain[outer.value] != "{":
        raise UnreadableError(f"its {container} is no object")
    inner = _find(plain, outer.value, name)
    if inner is None:
        return _add(text, outer.value, name, entry)
    written = _written(entry, text, inner.start)
    return text[: inner.value] + written + text[inner.end :]


def take(text: str, container: str, name: str) -> str:
    """Return the text without the member `name` of the object `container`."""
    plain = _plain(text)
    outer = _find(plain, _skip(plain, 0), container)
    members = _members(plain, outer.value) if outer else []
    place = max((place for place, member in enumerate(members) if member.name == name), default=None)
    if outer is None or place is None:
        return text
    member = members[place]
    without_comments = _without_comments(text)
    cut = _end_of_filled(text, member.start)
    end = _skip(without_comments, member.end)
    if without_comments[end] == ",":
        return text[:cut] + _gap(text, cut, member.start, end + 1) + text[end + 1 :].lstrip(" \t")
    gap = _gap(text, cut, member.start, member.end) if "\n" in text[cut : member.start] else ""
    taken = text[:cut] + gap + text[member.end :].lstrip(" \t")
    if place == 0:
        brace = outer.value + 1
        end = _skip(taken, brace)
        return taken[:brace] + taken[end:] if taken[end] == "}" else taken
    lost = without_comments.index(",", members[place - 1].end)
    return taken[:lost] + taken[lost + 1 :]


def _gap(text: str, cut: int, start: int, end: int) -> str:
    """Return what must stay of the blanks before a member, for what follows it on its line."""
    line = text[end:].partition("\n")[0]
    return text[cut:start] if line.strip() else ""


def _shares_line(text: str, member: _Member) -> bool:
    """Return whether something stands before a member on its line."""
    return bool(text[text.rfind("\n", 0, member.start) + 1 : member.start].strip())


def _add(text: str, brace: int, name: str, value: object) -> str:
    """Return the text with a last member more in the object that opens at `brace`."""
    plain = _plain(text)
    members = _members(plain, brace)
    close = _skip(plain, members[-1].end if members else brace + 1)
    end = _end_of_filled(text, close)
    key = f"{json.dumps(name, ensure_ascii=False)}: "
    if not members:
        inner = _indent_at(text, brace) + _unit(text)
        if _is_one_line(text):
            return text[:end] + key + json.dumps(value, ensure_ascii=False) + text[close:]
        outdent = text[end:close] if "\n" in text[end:close] else _newline(text) + _indent_at(text, brace)
        return text[:end] + _newline(text) + inner + key + _lines(value, text, inner) + outdent + text[close:]
    last = members[-1]
    if "\n" in text[brace : last.start] + text[last.end : close]:
        inner = _indent_at(text, last.start)
        gap, written = _newline(text) + inner, _lines(value, text, inner)
    else:
        gap, written = " ", json.dumps(value, ensure_ascii=False)
    trailing = _without_comments(text)[last.end : close].strip() == ","
    if trailing:
        return text[:end] + gap + key + written + "," + text[end:]
    return text[: last.end] + "," + text[last.end : end] + gap + key + written + text[end:]


def _written(value: object, text: str, start: int) -> str:
    """Write a value for a member that begins at `start`."""
    if _shares_line(text, _Member("", start, start, start)):
        return json.dumps(value, ensure_ascii=False)
    return _lines(value, text, _indent_at(text, start))


def _lines(value: object, text: str, indent: str) -> str:
    written = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return written.replace("\n", _newline(text) + indent)


def _members(plain: str, brace: int) -> list[_Member]:
    """Return the members of the object that opens at `brace`, from text without comments and trailing commas."""
    decoder, members = json.JSONDecoder(), []
    place = _skip(plain, brace + 1)
    while plain[place] != "}":
        if plain[place] == ",":
            place = _skip(plain, place + 1)
        name, colon = decoder.raw_decode(plain, place)
        value = _skip(plain, plain.index(":", colon) + 1)
        _, end = decoder.raw_decode(plain, value)
        members.append(_Member(name, place, value, end))
        place = _skip(plain, end)
    return members


def _find(plain: str, brace: int, name: str) -> _Member | None:
    """Return the member of that name; of several the last, which is the one that counts."""
    return next((member for member in reversed(_members(plain, brace)) if member.name == name), None)


def _without_comments(text: str) -> str:
    return _COMMENTS.sub(_blanked, text.replace("\ufeff", " ", 1) if text.startswith("\ufeff") else text)


def _plain(text: str) -> str:
    return _TRAILING_COMMAS.sub(_blanked, _without_comments(text))


def _end_of_filled(text: str, end: int) -> int:
    """Return where the last value, comment or punctuation before `end` stops."""
    return len(_COMMENTS.sub(lambda found: "#" * len(found[0]), text)[:end].rstrip())


def _skip(text: str, place: int) -> int:
    """Return the place of the first character from here on that is not blank."""
    found = _FILLED.search(text, place)
    return found.start() if found else len(text)


def _blanked(found: re.Match[str]) -> str:
    """Return blanks for a comment or a comma; a string, and a comment that is never closed, stay as they are."""
    text = found[0]
    unclosed = text.startswith("/*") and (len(text) < len("/**/") or not text.endswith("*/"))
    return text if text.startswith('"') or unclosed else re.sub(r"[^\r\n]", " ", text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _is_one_line(text: str) -> bool:
    return "\n" not in text.strip("\ufeff \t\r\n") and len(text.strip("\ufeff \t\r\n")) > len("{ }")


def _indent_at(text: str, place: int) -> str:
    """Return the blanks that the line of `place` begins with."""
    line = text[text.rfind("\n", 0, place) + 1 : place + 1]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """Return what the text indents by: its first indentation, or two spaces."""
    found = re.search(r"^([ \t]+)\S", _plain(text), re.MULTILINE)
    return found[1] if found else "  "
