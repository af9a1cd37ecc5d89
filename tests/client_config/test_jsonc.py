"""One member is put in or taken out, and every other character stays."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errtrack_mcp.client_config import toml
from errtrack_mcp.client_config.atomic_write import LARGEST, RefusedError, read
from errtrack_mcp.client_config.jsonc import UnreadableError, parse, put, take

ENTRY: dict[str, Any] = {"command": "/bin/x", "args": [], "env": {"A": "${env:A}"}}
WITH_SERVERS = {
    "two spaces": '{\n  "a": 1,\n  "servers": {\n    "b": {"command": "y"}\n  }\n}\n',
    "tabs, comments, trailing commas": '{\n\t// c , }\n\t"servers": {\n\t\t"b": {}, // kept\n\t\t/* x */\n\t},\n}',
    "a comment after the last": '{\n    "servers": {\n        "b": {} // kept\n    } // y\n}',
    "none yet": '{\n  "servers": {}\n}',
    "none yet but a comment": '{\n  "servers": {\n    // none yet\n  }\n}',
    "one line": '{"servers":{"b":{}}}',
    "one line, none yet": '{"servers":{}, "z": [1, 2]}',
    "one line with a trailing comma": '{"servers": {"b": 1, }, }',
    "Windows": '{\r\n  "servers": {\r\n    "b": 1\r\n  }\r\n}\r\n',
    "byte order mark": '\ufeff{\n  "servers": {"q": 1}\n}',
    "what looks like comments": '{"servers": {"a\\"}//": "/* no */,}", "http://x": "\\\\"}}',
    "the same name elsewhere": '{"x": {"servers": {"errtrack": 1}},\n "servers": {"b": "servers"}}',
}
WITHOUT_SERVERS = {
    "nothing": "",
    "blank": "\n\n",
    "only a comment": "// settings\n",
    "empty": "{}",
    "empty over lines": "// Zed\n//\n{\n}\n",
    "a comment in a line": "{ /* none */ }\n",
    "others": '{\n  "z": "http://a//b" // c\n}\n',
    "a comment after the brace": '{ // c\n "a": 1 // d\n}',
    "one line": '{"a":1}',
}


@pytest.mark.parametrize("text", WITH_SERVERS.values(), ids=WITH_SERVERS)
def test_what_was_put_in_is_taken_out_without_a_trace(text: str) -> None:
    """Only the member is added, once; and taking it out gives back the very text."""
    added = put(text, "servers", "errtrack", ENTRY)
    expected = parse(text)
    expected["servers"]["errtrack"] = ENTRY
    assert parse(added) == expected
    assert put(added, "servers", "errtrack", ENTRY) == added
    assert take(added, "servers", "errtrack") == text


@pytest.mark.parametrize("text", WITHOUT_SERVERS.values(), ids=WITHOUT_SERVERS)
def test_where_there_are_no_servers_yet_their_object_is_added(text: str) -> None:
    """Comments and everything else stay."""
    added = put(text, "servers", "errtrack", ENTRY)
    assert parse(added) == parse(text) | {"servers": {"errtrack": ENTRY}}
    assert parse(take(added, "servers", "errtrack")) == parse(text) | {"servers": {}}
    characters = iter(added)
    assert all(character in characters for character in text if not character.isspace())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"servers": {"errtrack": {"command": "old"}, "b": 1}}', '{"servers": {"b": 1}}'),
        ('{"servers": {"a": 1, "errtrack": 2, "b": 1}}', '{"servers": {"a": 1, "b": 1}}'),
        (
            '{\n "servers": { // mine\n  "errtrack": 2, "b": 1 // its\n }\n}',
            '{\n "servers": { // mine\n  "b": 1 // its\n }\n}',
        ),
        ('{"servers": { // mine\n  "errtrack": 2 }}', '{"servers": { // mine\n  }}'),
        ('{\n "servers": {\n  "errtrack": 2, // ours\n  "b": 1\n }\n}', '{\n "servers": {\n  // ours\n  "b": 1\n }\n}'),
        ('{"servers": {"errtrack": 1}}', '{"servers": {}}'),
        ('{"servers": {"b": 1}}', '{"servers": {"b": 1}}'),
        ("{}", "{}"),
    ],
)
def test_it_is_taken_out_wherever_it_stands(before: str, after: str) -> None:
    """First, in the middle, last, alone, or not there at all."""
    assert take(before, "servers", "errtrack") == after


def test_one_that_is_there_is_replaced_in_its_place() -> None:
    """What stands before and after it stays where it was."""
    text = '{\n  "servers": {\n    "errtrack": {"command": "old"}, // ours\n    "b": 1\n  }\n}'
    added = put(text, "servers", "errtrack", {"command": "new"})
    assert added == text.replace('{"command": "old"}', '{\n      "command": "new"\n    }')


@pytest.mark.parametrize(
    "text",
    ['{"a": 1', "{} /* never closed", "{} /*/", "[1]", "nonsense", '{"a": /* never closed }', '{"a": "two\nlines"}'],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UnreadableError):
        parse(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": 1} // c'])
def test_a_client_without_comments_reads_none(text: str) -> None:
    """What it would refuse is refused here, before anything is written."""
    assert parse(text) == {"a": 1}
    with pytest.raises(UnreadableError):
        parse(text, comments=False)


def test_a_client_with_comments_may_refuse_a_trailing_comma() -> None:
    """Comments are read, a comma in one of them too; a comma before a closing bracket is an error."""
    assert parse('{"a": [1] /* , */ // ,\n}', trailing_commas=False) == {"a": [1]}
    for text in ('{"a": 1,}', '{"a": [1, // c\n]}'):
        with pytest.raises(UnreadableError):
            parse(text, trailing_commas=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
GAPS = st.sampled_from(["", " ", "\n", "\r\n\t", ' // c, } " \n', "/* c, { \n */", "\n  /**/ // d\n  "])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Write a document with blanks and comments wherever JSONC allows them."""

    def written(value: Any) -> str:
        if isinstance(value, dict) and value:
            members = [f"{written(name)}{draw(GAPS)}:{draw(GAPS)}{written(inner)}" for name, inner in value.items()]
            comma = draw(st.sampled_from(["", ","]))
            separated = f"{draw(GAPS)},{draw(GAPS)}".join(members)
            return f"{{{draw(GAPS)}{separated}{draw(GAPS)}{comma}{draw(GAPS)}}}"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    root = draw(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
    if draw(st.booleans()):
        root["servers"] = draw(st.dictionaries(st.sampled_from(["a", "b", "errtrack", "//"]), JSON, max_size=4))
    return f"{draw(GAPS)}{written(root)}{draw(GAPS)}"


@settings(deadline=None)
@given(documents())
def test_any_document_keeps_its_meaning_and_its_comments(text: str) -> None:
    """Whatever stands where, only the one member comes, and goes; no comment is lost with it."""
    parsed = parse(text)
    servers = parsed.get("servers", {})
    if not isinstance(servers, dict):
        return
    added = put(text, "servers", "errtrack", ENTRY)
    assert parse(added) == parsed | {"servers": servers | {"errtrack": ENTRY}}
    taken = take(added, "servers", "errtrack")
    assert parse(taken) == parsed | {"servers": {name: value for name, value in servers.items() if name != "errtrack"}}
    if "servers" in parsed and "errtrack" not in servers:
        assert dense(taken) == dense(text)


def dense(text: str) -> str:
    """Leave out blanks, and commas, of which one that needs not be there may have gone."""
    return "".join(text.replace(",", "").split())


@pytest.mark.parametrize("repeated", ['"\\', '"', "\\", '"\\\n', "/*", "/* ", "//", ",", ", ", '{"a":'])
def test_a_file_made_to_be_slow_is_refused_at_once(repeated: str) -> None:
    """A megabyte of what a pattern could stumble over takes no longer than reading it."""
    text = '{"a": ' + repeated * (LARGEST // len(repeated))
    began = time.perf_counter()
    with pytest.raises(UnreadableError):
        parse(text)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("text", ['{"a":' * 200_000, '{"a":' + "[" * 1_000_000])
def test_nesting_without_end_is_no_json(text: str) -> None:
    """It is refused in words."""
    with pytest.raises(UnreadableError):
        parse(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 500_000, "a = " + "1" * 5_000])
def test_toml_made_to_break_its_parser_is_refused(text: str) -> None:
    """Neither nesting nor a number of many digits is more than not valid."""
    with pytest.raises(UnreadableError):
        toml.parse(text)
    with pytest.raises(UnreadableError):
        toml.put(text, "mcp_servers", "errtrack", ENTRY)


def test_a_file_of_more_than_a_megabyte_is_not_read(tmp_path: Path) -> None:
    """The sentence says what to do."""
    (tmp_path / "a.json").write_bytes(b" " * LARGEST)
    assert len(read(tmp_path / "a.json") or b"") == LARGEST
    (tmp_path / "a.json").write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(RefusedError, match="larger than 1 MB"):
        read(tmp_path / "a.json")


def test_of_two_members_of_one_name_the_last_one_counts() -> None:
    """Parsers read it so."""
    text = '{"servers": {"old": 1}, "servers": {"b": 2}}'
    assert parse(put(text, "servers", "errtrack", ENTRY)) == {"servers": {"b": 2, "errtrack": ENTRY}}


def test_a_container_that_is_no_object_is_refused() -> None:
    """There is no place in it."""
    for value in ("[]", '"x"', "1", "null"):
        with pytest.raises(UnreadableError, match="servers is no object"):
            put(f'{{"servers": {value}}}', "servers", "errtrack", ENTRY)


def test_a_byte_order_mark_is_passed_over_without_comments_too() -> None:
    """Windows writes one."""
    assert parse('\ufeff{"a": 1}', comments=False) == {"a": 1}
