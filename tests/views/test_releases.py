"""The view of two releases, in a real browser."""

import pytest
from mcp import Client

from errtrack_mcp.sandbox.seed import release_id
from tests.support.panel import CALLS, COMPARE, DIAGNOSE, OpenPanel

pytestmark = pytest.mark.anyio


async def test_two_releases_stand_side_by_side_with_what_differs(client: Client, open_panel: OpenPanel) -> None:
    """What was lost is said first; a difference is marked by a word."""
    panel = await open_panel(client)
    await panel.show(client, COMPARE, **CALLS[COMPARE])
    words = await panel.words()
    assert "2.13.1 → 2.13.2" in words
    assert "4 fewer with a file" in words
    boxes = await panel.frame.locator("article").evaluate_all("(all) => all.map((each) => each.offsetTop)")
    assert boxes[0] == boxes[1]
    rows = await panel.frame.locator("tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows if "differs" in row] == ["Commit"]


async def test_why_asks_about_one_of_them(client: Client, open_panel: OpenPanel) -> None:
    """The newer one is the second."""
    panel = await open_panel(client)
    await panel.show(client, COMPARE, **CALLS[COMPARE])
    await panel.frame.get_by_role("button", name="Why?").nth(1).click()
    await panel.frame.locator("article .answer section").first.wait_for()
    assert panel.asked_for("tools/call") == [{"name": DIAGNOSE, "arguments": {"release_id": release_id(2)}}]
    assert await panel.violations() == []


async def test_nothing_lost_is_said_too(client: Client, open_panel: OpenPanel) -> None:
    """And where it is not known, nothing is said."""
    panel = await open_panel(client)
    await panel.show(client, COMPARE, first="1.9.2", second="1.9.3", project="checkout-api")
    assert "None lost" in await panel.words()
    sent = (await client.call_tool(COMPARE, CALLS[COMPARE])).structured_content
    del sent["lost_symbol_sets"]
    for unknown in (sent, {**sent, "lost_symbol_sets": None}):
        await panel.give({}, {"content": [], "structuredContent": unknown})
        assert "None lost" not in await panel.words()
