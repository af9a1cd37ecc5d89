"""The view of a build, in a real browser."""

import pytest
from mcp import Client

from tests.support.panel import BUILD_CHECK, CALLS, UPLOAD, OpenPanel, as_sent

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


async def test_the_plan_of_an_upload_and_its_end_are_shown_and_never_repeated(
    client: Client, open_panel: OpenPanel
) -> None:
    """With the release, and which files would be rewritten; nothing that the page offers goes on with it."""
    panel = await open_panel(client)
    planned = await client.call_tool(UPLOAD, CALLS[UPLOAD])
    confirm = {**CALLS[UPLOAD], "confirm": (planned.structured_content or {})["confirm"]}
    await panel.give(CALLS[UPLOAD], as_sent(planned))
    words = await panel.words()
    assert "Planned" in words
    assert "3.0.0" in words
    assert "will be injected, which rewrites script and map, and uploaded" in words
    await panel.frame.get_by_text("to inject: 1 script").click()
    await panel.frame.get_by_text("Rewritten by the injection.").wait_for()
    assert await panel.frame.get_by_role("button", name="Refresh").count() == 0
    assert confirm["confirm"] not in words
    await panel.show(client, UPLOAD, **confirm)
    assert "2 of 2 scripts have their source map in PostHog" in await panel.words()
    assert await panel.frame.locator(".pill.good").inner_text() == "Uploaded"
    assert await panel.frame.get_by_role("button", name="Refresh").count() == 0
    assert panel.asked_for("tools/call") == []
