"""Source maps that follow their scripts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errtrack_mcp.builds.inject import Place
from errtrack_mcp.builds.map_edit import DamagedMap, inserted, read_map, removed, written

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def encode(numbers: list[int]) -> str:
    """Write numbers as a segment of mappings holds them."""
    text = ""
    for number in numbers:
        value = (-number << 1) | 1 if number < 0 else number << 1
        while True:
            value, digit = value >> 5, value & 31
            text += DIGITS[digit | (32 if value else 0)]
            if not value:
                break
    return text


def mappings_of(lines: list[list[int]]) -> str:
    """Write mappings with a segment at each column of each line."""
    return ";".join(
        ",".join(encode([column - before, 0, 0, 1]) for before, column in zip([0, *line], line, strict=False))
        for line in lines
    )


def columns(mappings: str) -> list[list[int]]:
    """Read the columns of the segments of each line."""
    lines = []
    for line in mappings.split(";"):
        column, found = 0, []
        for segment in filter(None, line.split(",")):
            value = shift = 0
            for digit in map(DIGITS.index, segment):
                value |= (digit & 31) << shift
                shift += 5
                if digit < 32:
                    break
            column += -(value >> 1) if value & 1 else value >> 1
            found.append(column)
        lines.append(found)
    return lines


def a_map(mappings: str, **more: Any) -> dict[str, Any]:
    """Return a source map."""
    return {"version": 3, "sources": ["a.ts"], "names": [], "mappings": mappings, **more}


LINES = st.lists(st.lists(st.integers(0, 5000), max_size=5, unique=True).map(sorted), min_size=1, max_size=4)
PLACES = st.builds(Place, st.integers(0, 4), st.integers(0, 3000), st.integers(0, 400))


@given(LINES, PLACES)
def test_positions_behind_the_place_move_and_no_others(lines: list[list[int]], place: Place) -> None:
    """And they come back when the code is removed again."""
    before = a_map(mappings_of(lines))
    after = inserted(before, place)
    expected = [
        [column + place.width * (number == place.line and column >= place.column) for column in line]
        for number, line in enumerate(lines)
    ]
    assert columns(after["mappings"]) == expected
    assert removed(after, place) == before


def test_the_moved_map_is_the_one_that_upload_tools_make() -> None:
    """The two examples of docs/posthog-api.md, section 6.1."""
    assert inserted(a_map("AAAA"), Place(0, 0, 309))["mappings"] == "qTAAA"
    assert inserted(a_map("AAAA"), Place(0, 0, 393))["mappings"] == "yYAAA"


def section(line: int, column: int, mappings: str) -> dict[str, Any]:
    """Return a section of an index map."""
    return {"offset": {"line": line, "column": column}, "map": a_map(mappings)}


def absolute(index: dict[str, Any]) -> list[tuple[int, int]]:
    """Return line and column of every position of an index map."""
    found = []
    for each in index["sections"]:
        begins = each["offset"]
        for number, line in enumerate(columns(each["map"]["mappings"])):
            shift = begins["column"] if number == 0 else 0
            found += [(begins["line"] + number, column + shift) for column in line]
    return found


@pytest.mark.parametrize("place", [Place(0, 0, 9), Place(0, 4, 9), Place(0, 30, 9), Place(1, 2, 9), Place(2, 0, 9)])
def test_an_index_map_moves_as_the_map_that_it_stands_for(place: Place) -> None:
    """Sections move by their offsets where they begin behind the place, otherwise inside."""
    index = {
        "version": 3,
        "sections": [
            section(0, 0, mappings_of([[0, 5, 20]])),
            section(0, 30, mappings_of([[0, 7], [1, 2]])),
            section(2, 10, mappings_of([[0, 3]])),
        ],
    }
    expected = [
        (line, column + place.width * (line == place.line and column >= place.column))
        for line, column in absolute(index)
    ]
    assert absolute(inserted(index, place)) == expected
    assert removed(inserted(index, place), place) == index


@pytest.mark.parametrize(
    ("source_map", "why"),
    [
        (a_map("!!!"), "damaged"),
        (a_map("g"), "damaged"),
        ({"version": 3}, "no mappings"),
        ({"sections": [{"offset": {"line": 0}, "map": a_map("AAAA")}]}, "no offset"),
        ({"sections": [{"offset": {"line": 0, "column": 0}, "url": "b.map"}]}, None),
        ({"sections": [7]}, "no offset"),
    ],
)
def test_a_map_that_cannot_be_moved_is_refused(source_map: dict[str, Any], why: str | None) -> None:
    """Nothing is guessed."""
    if why is None:
        assert inserted(source_map, Place(0, 0, 5))["sections"][0]["offset"] == {"line": 0, "column": 5}
        return
    with pytest.raises(DamagedMap, match=why):
        inserted(source_map, Place(0, 0, 5))


def test_code_within_a_section_in_another_file_is_refused() -> None:
    """That file is not read."""
    with pytest.raises(DamagedMap, match="another file"):
        inserted({"sections": [{"offset": {"line": 0, "column": 0}, "url": "b.map"}]}, Place(0, 1, 5))


@pytest.mark.parametrize("name", ["line", "column"])
@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "NaN", "1e300", "9" * 60, "2147483648", "-1", "0.5", "true", '"0"', "null", "[]"]
)
def test_an_offset_that_no_script_has_is_refused(name: str, number: str) -> None:
    """The largest float is infinite, and Python's whole numbers have no end."""
    offset = '{"line": 0, "column": 0}'.replace(f'"{name}": 0', f'"{name}": {number}')
    read = read_map(f'{{"version": 3, "sections": [{{"offset": {offset}, "map": {{}}}}]}}'.encode())
    with pytest.raises(DamagedMap, match="no offset"):
        inserted(read, Place(0, 0, 5))


def test_index_maps_within_index_maps_have_a_bound() -> None:
    """The specification knows of one level."""
    nested = a_map("AAAA")
    for _ in range(20):
        nested = {"sections": [{"offset": {"line": 0, "column": 0}, "map": nested}]}
    with pytest.raises(DamagedMap, match="too deeply"):
        inserted(nested, Place(0, 1, 5))


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"a":"\\ud800"}', b"\xff"])
def test_what_is_no_map_is_refused(data: bytes) -> None:
    """Half of a pair of surrogates is no text that PostHog could read either."""
    with pytest.raises(DamagedMap):
        read_map(data)


def test_a_number_that_is_too_long_is_called_so() -> None:
    """Such a map is JSON, but nothing here could write it again."""
    with pytest.raises(DamagedMap, match="too long"):
        read_map(b'{"version": 3, "x_made": ' + b"9" * 5_000 + b"}")


def test_a_map_is_written_as_posthogs_cli_writes_it() -> None:
    """Compact, its marks first, the rest in order, text as it is."""
    given_map = {"version": 3, "names": ["é"], "debugId": "d", "mappings": "AAAA", "chunk_id": "c", "file": None}
    assert (
        written(given_map)
        == '{"chunk_id":"c","debugId":"d","file":null,"mappings":"AAAA","names":["é"],"version":3}'.encode()
    )
    assert read_map(written(given_map)) == json.loads(json.dumps(given_map))
