"""One call of a tool: arguments, project, failures and the two halves of an answer."""

import gc
import weakref
from typing import Any

import pytest
from mcp.server.mcpserver import AcceptedElicitation

from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.settings import Settings
from errtrack_mcp.tools import releases
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.results import text_of

pytestmark = pytest.mark.anyio

LIST = "error-tracking-releases-list"


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", {"deep": ["\x00"]}])
async def test_what_cannot_be_stored_is_not_sent(connect: Connect, value: object) -> None:
    """PostHog would answer with a 500; the argument is named."""
    async with connect() as client:
        arguments = {"version": "1", "project": "a", "metadata": {"x": value}}
        result = await client.call_tool("error-tracking-releases-create", arguments)
    assert result.is_error
    assert text_of(result).startswith("invalid_arguments: metadata must not hold NUL")


@pytest.mark.parametrize("project", ["x", "1.5", "../1", "-1", "@other"])
async def test_a_project_that_is_no_number_is_refused(connect: Connect, refusal: Refusal, project: str) -> None:
    """It becomes part of a path."""
    async with connect() as client:
        assert (await refusal(client, LIST, project_id=project)).startswith("invalid_arguments: project_id")


async def test_a_project_may_be_a_number_or_its_text(connect: Connect, answer: Answer) -> None:
    """Clients send one or the other."""
    async with connect() as client:
        assert await answer(client, LIST, project_id=OTHER_PROJECT_ID) == await answer(
            client, LIST, project_id=str(OTHER_PROJECT_ID)
        )


def test_each_toolset_has_a_page_in_posthog() -> None:
    """A toolset that is added without one is refused when the server starts."""
    catalog = Catalog(Settings(), local=True)
    for tool in catalog.whole.tools.values():
        assert tool.page("https://posthog.example", 7, {}).startswith(
            "https://posthog.example/project/7/error_tracking"
        )


async def test_an_answer_links_to_its_page(connect: Connect) -> None:
    """With the number of the project where it is known, and without it for the one that the key is in."""
    async with connect() as client:
        preview = await client.call_tool(releases.DESTROY, {"id": "x"})
        listed = await client.call_tool(LIST, {"limit": 1})
        fixed = await client.call_tool(LIST, {"limit": 1, "project_id": OTHER_PROJECT_ID})
    assert preview.is_error
    assert listed.structured_content
    assert fixed.structured_content
    page = "/error_tracking?activeTab=configuration#selectedSetting=error-tracking-releases"
    assert listed.structured_content["posthog_url"].endswith(page)
    assert fixed.structured_content["posthog_url"].endswith(f"/project/{OTHER_PROJECT_ID}{page}")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query-error-tracking-issue", {}),
        ("query-error-tracking-issue-events", {}),
        ("error-tracking-issues-diagnose", {}),
        ("error-tracking-issues-partial-update", {"status": "resolved"}),
    ],
)
async def test_an_answer_about_one_issue_links_to_its_page(
    connect: Connect, tool: str, arguments: dict[str, str]
) -> None:
    """Not to the list of all."""
    issue = issue_id("cart-total")
    async with connect() as client:
        found = (await client.call_tool(tool, {"issue_id": issue, **arguments})).structured_content
    assert found
    assert found["posthog_url"].endswith(f"/error_tracking/{issue}")


async def test_the_model_around_what_is_resolved_is_made_once(connect: Connect, answer: Answer) -> None:
    """Pydantic forgets a generic model that nobody holds, and would make it anew for every call."""
    async with connect() as client:
        await answer(client, LIST)
    made = weakref.ref(AcceptedElicitation[Any])
    gc.collect()
    assert made() is AcceptedElicitation[Any]
