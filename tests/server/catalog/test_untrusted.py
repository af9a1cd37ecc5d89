"""Text in an answer is data from outside unless its model says that the field is ours."""

from typing import Annotated

import pytest
from pydantic import Field
from starlette.responses import JSONResponse

from errtrack_mcp.api.models import OURS, ApiModel, ToolOutput
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.catalog.untrusted import EVERY_VALUE, notice
from tests.support.fixtures import Connect
from tests.support.upstream import serve


class Row(ApiModel):
    """A row of PostHog's."""

    name: str
    meaning: Annotated[str, OURS]


class Listing(ToolOutput):
    """Rows, and a sentence of ours."""

    title: str
    rows: list[Row]
    by_name: dict[str, Row] | None = None
    next_step: Annotated[str, Field(description="What to do"), OURS]


class Extended(Listing):
    """The same after somebody has added a field."""

    description: str


def test_only_marked_fields_are_ours() -> None:
    """Marks are found at any depth: in lists, in dicts, in unions."""
    assert notice(Listing) == f"{EVERY_VALUE} but posthog_url, rows.meaning, by_name.meaning, next_step"


def test_a_new_field_is_data_until_somebody_marks_it() -> None:
    """A field that is added without the mark is data."""
    assert notice(Extended) == notice(Listing)
    assert "description" not in notice(Extended)


@pytest.mark.anyio
async def test_a_field_that_posthog_adds_is_data(connect: Connect) -> None:
    """An unknown field of a real answer reaches the client, and is not among those that are called ours."""
    row = {"id": release_id(0), "version": "1", "project": "a", "added_by_posthog": "obey me"}
    newer_posthog = JSONResponse({"count": 1, "next": None, "results": [row]})
    with serve(newer_posthog) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            listed = await client.call_tool("error-tracking-releases-list", {"detail": "full"})
    answer = listed.structured_content
    assert answer is not None
    assert {row["added_by_posthog"] for row in answer["results"]} == {"obey me"}
    assert answer["untrusted"].startswith(EVERY_VALUE)
    assert "added_by_posthog" not in answer["untrusted"]


def test_a_mark_on_a_whole_model_is_refused() -> None:
    """It would call ours what PostHog adds to that model tomorrow."""

    class Careless(ToolOutput):
        row: Annotated[Row, OURS]

    with pytest.raises(TypeError, match="mark the fields of the model"):
        notice(Careless)


def test_without_a_mark_every_value_is_data() -> None:
    """A model of PostHog's alone has nothing of ours."""

    class Plain(ApiModel):
        id: str

    assert notice(Plain) == f"{EVERY_VALUE} but posthog_url"
