"""The view of a build, in a real browser."""

import pytest
from mcp import Client

from tests.support.panel import BUILD_CHECK, OpenPanel

pytestmark = pytest.mark.anyio


async def test_a_build_shows_its_states_commands_and_scripts(client: Client, open_panel: OpenPanel) -> None:
    """Scripts are listed where somebody opens their state."""
    panel = await open_panel(client)
    await panel.show(client, BUILD_CHECK)
    words = await panel.words()
    assert "Not readable" in words
    assert "1 has a map, but no usable chunk id" in words
    assert "posthog-cli sourcemap inject --directory" in words
    assert "admin.js" not in words
    await panel.frame.get_by_text("not injected: 1 script").click()
    await panel.frame.get_by_text("admin.js").wait_for()
    assert await panel.violations() == []


async def test_many_scripts_come_a_hundred_at_a_time(client: Client, open_panel: OpenPanel) -> None:
    """As long as somebody wants more."""
    panel = await open_panel(client)
    sent = (await client.call_tool(BUILD_CHECK, {})).structured_content
    sent["scripts"] = [{"path": f"chunk-{number}.js", "state": "uploaded"} for number in range(250)]
    await panel.give({}, {"content": [], "structuredContent": sent})
    await panel.frame.get_by_text("uploaded: 250 scripts").click()
    rows = panel.frame.locator("details li")
    more = panel.frame.get_by_role("button", name="Show more")
    for expected in (100, 200, 250):
        await rows.nth(expected - 1).wait_for()
        assert await rows.count() == expected
        if expected < 250:
            await more.click()
    assert not await more.is_visible()


async def test_a_plan_is_not_repeated(client: Client, open_panel: OpenPanel) -> None:
    """It is of a tool that changes something, with the code that would confirm it."""
    panel = await open_panel(client)
    sent = (await client.call_tool(BUILD_CHECK, {})).structured_content
    await panel.give({"confirm": "k3v6c2mq"}, {"content": [], "structuredContent": {**sent, "confirm": "k3v6c2mq"}})
    assert "Plan of an upload" in await panel.words()
    assert await panel.frame.get_by_role("button", name="Refresh").count() == 0
