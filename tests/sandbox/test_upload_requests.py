"""What a client wants to upload: how its request is read, and which one is refused."""

from typing import Any

import httpx
import pytest
from starlette.requests import Request

from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.sandbox.upload_requests import Upload, read_query
from tests.support.asgi import scope_of
from tests.support.project import find_symbol_sets

BLANK = "This field may not be blank."
NULL = "This field may not be null."
NO_TEXT = "Not a valid string."
START = "symbol_sets/bulk_start_upload/"
CHECK = "symbol_sets/bulk_check_upload/"


def refused(code: str, detail: str, attr: str | None) -> dict[str, Any]:
    """Spell the body of a refused value."""
    return {"type": "validation_error", "code": code, "detail": detail, "attr": attr}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"chunk_ids": ["a", ""]}, refused("blank", BLANK, "chunk_ids__1")),
        ({"chunk_ids": ["a"], "release_id": ""}, refused("blank", BLANK, "release_id")),
        ({"chunk_ids": ["a"], "release_id": []}, refused("invalid_input", NO_TEXT, "release_id")),
        ({"symbol_sets": None}, refused("null", NULL, "symbol_sets")),
        ({"force": "maybe"}, refused("invalid_input", "Must be a valid boolean.", "force")),
        ({"force": None}, refused("null", NULL, "force")),
        ([], refused("invalid_input", "Invalid data. Expected a dictionary, but got list.", None)),
    ],
)
def test_a_refused_field_of_the_body_is_named(api: httpx.Client, body: Any, expected: dict[str, Any]) -> None:
    """Outside of the list of objects the attribute is the field."""
    answer = api.post(START, json=body)
    assert (answer.status_code, answer.json()) == (400, expected)


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({}, "symbol_sets", "required"),
        ({"chunk_ids": ["a"]}, "symbol_sets", "required"),
        ({"symbol_sets": "a"}, "symbol_sets__non_field_errors", "not_a_list"),
        ({"symbol_sets": [{"chunk_id": n} for n in range(1001)]}, "symbol_sets__non_field_errors", "max_length"),
    ],
)
def test_a_check_requires_symbol_sets(api: httpx.Client, body: dict[str, Any], attr: str, code: str) -> None:
    """The older list of chunk ids will not do."""
    answer = api.post(CHECK, json=body)
    assert (answer.status_code, answer.json()["attr"], answer.json()["code"]) == (400, attr, code)


def test_both_lists_of_a_body_are_joined(api: httpx.Client) -> None:
    """The release of the older list is for the older list."""
    body = {"symbol_sets": [{"chunk_id": "a"}], "chunk_ids": ["b"], "release_id": release_id(1)}
    assert list(api.post(START, json=body).json()["id_map"]) == ["a", "b"]
    assert find_symbol_sets(api, ref="a")[0]["release"] is None
    assert find_symbol_sets(api, ref="b")[0]["release"]["id"] == release_id(1)
    twice = {"symbol_sets": [{"chunk_id": "a"}], "chunk_ids": ["a"]}
    assert api.post(START, json=twice).json()["code"] == "invalid_chunk_ids"


@pytest.mark.parametrize(
    ("query", "upload"),
    [
        ("chunk_id=a", Upload("a")),
        ("chunk_id=a&release_id=", Upload("a")),
        (f"chunk_id=a&release_id={release_id(1).replace('-', '').upper()}", Upload("a", release_id(1))),
        ("chunk_id=a&release_id=no%20uuid", Upload("a", "no uuid")),
        (f"release_id={release_id(1)}", None),
        ("chunk_id=", None),
    ],
)
def test_a_query_names_one_set_and_its_release(query: str, upload: Upload | None) -> None:
    """A release is found in whichever form its id is written."""
    assert read_query(Request(scope_of(fields={"query_string": query.encode()}))) == upload
