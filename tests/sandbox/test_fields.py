"""Fields of uploads and lists: what is read, and how the rest is refused."""

from typing import Any

import httpx
import pytest

from tests.support.project import find_symbol_sets

BLANK = "This field may not be blank."
NULL = "This field may not be null."
NO_TEXT = "Not a valid string."
NO_NUMBER = "A valid integer is required."
START = "symbol_sets/bulk_start_upload/"


def refused(code: str, detail: str, attr: str | None) -> dict[str, Any]:
    """Spell the body of a refused value."""
    return {"type": "validation_error", "code": code, "detail": detail, "attr": attr}


@pytest.mark.parametrize(
    ("field", "value", "code", "detail"),
    [
        ("chunk_id", "", "blank", BLANK),
        ("chunk_id", "  ", "blank", BLANK),
        ("chunk_id", None, "null", NULL),
        ("chunk_id", True, "invalid", NO_TEXT),
        ("chunk_id", ["a"], "invalid", NO_TEXT),
        ("chunk_id", {}, "invalid", NO_TEXT),
        ("release_id", " ", "blank", BLANK),
        ("release_id", [], "invalid", NO_TEXT),
        ("content_hash", "", "blank", BLANK),
        ("content_hash", False, "invalid", NO_TEXT),
        ("content_length", -1, "min_value", "Ensure this value is greater than or equal to 0."),
        ("content_length", "many", "invalid", NO_NUMBER),
        ("content_length", 1.5, "invalid", NO_NUMBER),
        ("content_length", True, "invalid", NO_NUMBER),
    ],
)
def test_a_refused_field_of_a_row_is_told_in_a_stringified_dictionary(
    api: httpx.Client, field: str, value: object, code: str, detail: str
) -> None:
    """The attribute names the list alone; nothing is written."""
    row = {"chunk_id": "new", field: value}
    answer = api.post(START, json={"symbol_sets": [row]})
    told = f"{{'{field}': [ErrorDetail(string={detail!r}, code={code!r})]}}"
    expected = refused(f"{{'{field}': ['{code}']}}", told, "symbol_sets")
    assert (answer.status_code, answer.json()) == (400, expected)
    assert find_symbol_sets(api, ref="new") == []


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{}], "{'chunk_id': ['required']}"),
        ([{"chunk_id": "a"}, {}], "{}"),
        ([5], "{'non_field_errors': ['invalid']}"),
    ],
)
def test_only_the_first_row_is_described(api: httpx.Client, rows: list[Any], code: str) -> None:
    """A fault further down leaves an empty dictionary."""
    answer = api.post(START, json={"symbol_sets": rows})
    assert (answer.status_code, answer.json()["code"], answer.json()["attr"]) == (400, code, "symbol_sets")


def test_values_of_other_types_are_read(api: httpx.Client) -> None:
    """A number becomes text, text is trimmed, digits are a number, null is no release and no hash."""
    rows = [
        {"chunk_id": 5, "content_length": "12"},
        {"chunk_id": " a ", "release_id": None, "content_hash": None},
    ]
    answer = api.post(START, json={"symbol_sets": rows})
    assert (answer.status_code, list(answer.json()["id_map"])) == (201, ["5", "a"])


@pytest.mark.parametrize(
    ("word", "status"), [("false", 400), ("NO", 400), (0, 400), ("true", 201), ("On", 201), (1, 201), (True, 201)]
)
def test_force_is_read_by_words(api: httpx.Client, word: object, status: int) -> None:
    """Without force another content is refused."""
    ref = next(row["ref"] for row in find_symbol_sets(api, status="valid") if row["last_used"] and not row["release"])
    row = {"chunk_id": ref, "content_hash": "other"}
    assert api.post(START, json={"symbol_sets": [row], "force": word}).status_code == status


@pytest.mark.parametrize("field", ["ref", "search"])
def test_filters_are_trimmed(api: httpx.Client, field: str) -> None:
    """Space around a filter is not looked for; nothing but space, and NUL, are refused."""
    ref = find_symbol_sets(api)[0]["ref"]
    assert [row["ref"] for row in find_symbol_sets(api, **{field: f" {ref} "})] == [ref]
    assert len(find_symbol_sets(api, **{field: ""})) > 1
    for value, code, detail in (
        ("  ", "blank", BLANK),
        ("a\0", "null_characters_not_allowed", "Null characters are not allowed."),
    ):
        answer = api.get("symbol_sets/", params={field: value})
        assert (answer.status_code, answer.json()) == (400, refused(code, detail, field))
