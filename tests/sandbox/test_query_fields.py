"""Fields of queries; which of them each query has is tested with the query."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.envelope import ApiError
from errtrack_mcp.sandbox.query_fields import (
    REQUIRED,
    Field,
    an_object,
    choices,
    dates,
    filters,
    or_null,
    read_fields,
    text,
    texts,
    uuid,
    whole_number,
)

UUID = "0199fa00-0000-7000-8000-000000000000"
FIELDS = {
    "id": Field(uuid, REQUIRED),
    "name": Field(or_null(text(5)), "nobody"),
    "size": Field(whole_number(1, 9), 3),
    "words": Field(texts, ()),
    "kinds": Field(choices("a", "b"), ("a",)),
    "dateRange": Field(dates),
    "filters": Field(filters, ()),
    "group": Field(an_object, {}),
}


def refusal(body: Any) -> tuple[str, str | None]:
    """Return the code of a refusal, and the field."""
    with pytest.raises(ApiError) as refused:
        read_fields(body, FIELDS)
    return str(refused.value.body["code"]), refused.value.body["attr"]


def test_what_is_left_out_has_its_default() -> None:
    """And what is not known is not seen."""
    read = read_fields({"id": UUID.replace("-", "").upper(), "unknown": 1}, FIELDS)
    assert read == {
        "id": UUID,
        "name": "nobody",
        "size": 3,
        "words": (),
        "kinds": ("a",),
        "dateRange": None,
        "filters": (),
        "group": {},
    }


def test_values_are_read_as_forms_are() -> None:
    """Texts are trimmed, digits are numbers, an operator and a type of a filter have defaults."""
    read = read_fields(
        {"id": UUID, "name": None, "size": "7.0", "dateRange": {}, "filters": [{"key": " a ", "value": False}]}, FIELDS
    )
    assert (read["name"], read["size"]) == (None, 7)
    assert read["dateRange"] == {"date_from": "-7d", "date_to": None}
    assert read["filters"] == [{"key": "a", "value": False, "operator": "exact", "type": "event"}]


def test_the_first_problem_is_named() -> None:
    """In the order of the fields, whatever the order in the body."""
    assert refusal({"size": 99, "id": "x"}) == ("invalid_input", "id")


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ([], "invalid_input", None),
        ({}, "required", "id"),
        ({"id": None}, "null", "id"),
        ({"id": {}}, "invalid_input", "id"),
        ({"id": UUID, "name": ""}, "blank", "name"),
        ({"id": UUID, "name": "nobody"}, "max_length", "name"),
        ({"id": UUID, "size": None}, "null", "size"),
        ({"id": UUID, "size": True}, "invalid_input", "size"),
        ({"id": UUID, "size": 10}, "max_value", "size"),
        ({"id": UUID, "size": 0}, "min_value", "size"),
        ({"id": UUID, "words": "a"}, "not_a_list", "words"),
        ({"id": UUID, "words": ["a", ""]}, "blank", "words__1"),
        ({"id": UUID, "kinds": ["b", "c"]}, "invalid_choice", "kinds__1"),
        ({"id": UUID, "kinds": [["a"]]}, "invalid_choice", "kinds__0"),
        ({"id": UUID, "dateRange": None}, "null", "dateRange"),
        ({"id": UUID, "filters": ["a"]}, "invalid_input", "filters__0"),
        ({"id": UUID, "group": []}, "invalid_input", "group"),
    ],
)
def test_a_bad_value_is_refused(body: Any, code: str, attr: str | None) -> None:
    """By what is wrong with it, and where it is."""
    assert refusal(body) == (code, attr)
