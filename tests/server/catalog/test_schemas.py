"""Schemas in the form that every client takes."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from errtrack_mcp.server.catalog.schemas import input_schema, output_schema


class Colour(StrEnum):
    """An enumeration that pydantic would refer to by `$ref`."""

    RED = "red"


class Arguments(BaseModel):
    """Arguments of every kind that a tool takes."""

    name: Annotated[str, Field(min_length=1, max_length=128, description="Who")]
    id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many")] = 25
    huge: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    empty: str = ""
    flag: bool = False
    ids: Annotated[list[UUID], Field(max_length=3)]
    texts: list[Annotated[str, Field(min_length=1, max_length=2048)]] = []


def test_an_input_schema_is_flat() -> None:
    """No null, no union, no title, no default that only means "not given"; unknown arguments are refused."""
    schema = input_schema(Arguments.model_json_schema())
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "ids"]
    assert not {"anyOf", "$ref", "title", "format"} & {key for field in schema["properties"].values() for key in field}
    assert "default" not in schema["properties"]["empty"]
    assert schema["properties"]["flag"] == {"type": "boolean", "default": False}


def test_what_a_keyword_says_is_in_the_description_too() -> None:
    """Some clients strip keywords: a range, a default, a length and a UUID are said in words."""
    fields = input_schema(Arguments.model_json_schema())["properties"]
    assert fields["limit"]["description"] == "How many (1 to 100, default 25)"
    assert fields["id"] == fields["ids"]["items"] == {"type": "string", "description": "UUID"}
    assert fields["ids"] == {"type": "array", "items": fields["id"], "description": "at most 3"}
    assert fields["texts"]["items"] == {"type": "string", "minLength": 1}
    assert fields["name"]["description"] == "Who (at most 128 characters)"
    assert fields["huge"]["description"] == "default 0"
    assert fields["project_id"]["type"] == "string"


class Inner(BaseModel):
    """A model inside another, whose fields are called as keywords are."""

    title: str
    default: int | None = None


class Outer(BaseModel):
    """An answer."""

    rows: list[Inner]
    note: Annotated[str | None, Field(description="Why")] = None


def test_an_output_schema_keeps_what_a_reader_needs() -> None:
    """Descriptions of fields stay, titles and docstrings go, and a field may be called as a keyword is."""
    schema = output_schema(Outer)
    assert schema["properties"]["note"] == {"type": ["string", "null"], "description": "Why"}
    inner = schema["$defs"]["Inner"]
    assert set(inner["properties"]) == {"title", "default"}
    assert inner["properties"]["default"] == {"type": ["integer", "null"]}
    assert "description" not in inner
    assert "title" not in schema
