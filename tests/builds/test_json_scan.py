"""The structure of JSON is read as a parser reads it, however large its values are and wherever a block ends."""

import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from errtrack_mcp.builds.json_scan import MAX_KEPT_BYTES, LateError, events

pytestmark = pytest.mark.attack("hostile source maps")


class Pieces(io.BytesIO):
    """A file that gives out a few bytes at a time, as if each block ended there."""

    def __init__(self, content: bytes, length: int) -> None:
        super().__init__(content)
        self._length = length

    def read(self, size: int | None = -1) -> bytes:
        """Return the next few bytes, whatever is asked for."""
        del size
        return super().read(self._length)


def scan(content: bytes, length: int = 1 << 16) -> Iterator[tuple[str, str]]:
    """Yield the events of a document, read in blocks of so many bytes."""
    return events(Pieces(content, length), math.inf)


def built(found: Iterator[tuple[str, str]]) -> Any:
    """Build the value that the events describe."""
    kind, text = next(found)
    if kind == "start_map":
        made: dict[str, Any] = {}
        for inner, key in found:
            if inner == "end_map":
                return made
            assert inner == "map_key"
            made[key] = built(found)
    if kind == "start_array":
        items = []
        while (item := built(found)) is not END:
            items.append(item)
        return items
    if kind == "end_array":
        return END
    return text if kind == "string" else json.loads(text)


END = object()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        " [ ] ",
        "-0.5e+3",
        "null",
        '"top"',
        '[[], {}, [[{"a": [1]}]], ""]',
        '{"a": {"b": {}}, "c": [true, false, null, 10, 1.5E-2]}',
        r'{"m\u0061p": "\" \\ \/ \b\n\r\t \u00e4 \ud83d\ude00", "": 1}',
        '\t{"\u00e4" :\r\n"\U0001f600\u3164" , "b":"}]," }\n',
    ],
)
def test_a_document_is_read_as_a_parser_reads_it(text: str) -> None:
    """Wherever a block ends: in a key, in an escape, in a letter of several bytes."""
    for length in (1, 2, 3, 5, 7, 1 << 16):
        found = scan(text.encode(), length)
        assert built(found) == json.loads(text), length
        assert next(found, None) is None


@pytest.mark.parametrize(
    "value",
    [
        "1" * 5_000,
        "-" + "1" * 100_000,
        "1e" + "9" * 5_000,
        "0." + "0" * 5_000,
        "1" * MAX_KEPT_BYTES + ".5",
        f'"{"x" * 5_000}"',
        '"' + r"\u00e4" * 5_000 + '"',
    ],
)
def test_of_a_long_value_only_its_beginning_is_kept(value: str) -> None:
    """Python would not read such a number; nothing needs it to."""
    [(_, key), (_, kept)] = list(scan(f'{{"a": {value}, "b": {value}}}'.encode()))[1:3]
    assert key == "a"
    assert value.strip('"').startswith(kept)
    assert MAX_KEPT_BYTES <= len(kept) <= MAX_KEPT_BYTES + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}x",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        "{'a':1}",
        '{"a":01}',
        '{"a":+1}',
        '{"a":tru}',
        '{"a":"\t"}',
        '{"a":"\\x"}',
        '{"a":[1 2]}',
        '{"a":[1,]}',
        "{,}",
        '{"a":[}',
        '{"a":"\\u12"}',
        '["a',
        "[1",
        " ",
        '{"a" 1}',
        '{"a"=1}',
        "{a: 1}",
        "{1: 1}",
        '{a": 1}',
        '{"a": 1 "b": 2}',
        '{"a": 1; "b": 2}',
        '{"a": 1, b": 2}',
        "[1; 2]",
        "[,1]",
        "[1}",
        '{"a": 1]',
        '{"a"',
        '{"a":',
        '["a\\"',
        '["a\nb"]',
        '["\\u12g4"]',
        "[1.]",
        "[--1]",
        "[1] 2",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Each slip that a strict parser refuses."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    with pytest.raises(ValueError, match="not JSON"):
        list(scan(text.encode()))


@pytest.mark.parametrize(
    "content",
    [b'"\xff"', b'"\xc3', b'{"a": 1}\xe4', b'"' + b"x" * 100 + b'\xff"', b'"' + b"x" * 70_000 + b'\xff"'],
    ids=lambda content: f"{content[:8]!r} {len(content)}",
)
def test_what_is_no_utf_8_is_refused(content: bytes) -> None:
    """Also half a letter at the end."""
    with pytest.raises(UnicodeDecodeError):
        list(scan(content))


def test_a_file_that_takes_too_long_is_given_up() -> None:
    """At the next block."""
    with pytest.raises(LateError):
        list(events(io.BytesIO(b"[1]"), -math.inf))
