"""The view of symbolication health, in a real browser."""

import pytest
from mcp import Client

from errtrack_mcp.sandbox.seed import chunk_id, release_id
from tests.support.panel import DIAGNOSE, RELEASES, OpenPanel

pytestmark = pytest.mark.anyio


async def test_states_are_a_bar_and_numbers(client: Client, open_panel: OpenPanel) -> None:
    """A screen reader reads the numbers of the bar, an eye those below it."""
    panel = await open_panel(client)
    await panel.show(client, DIAGNOSE)
    bar = panel.frame.get_by_role("img", name="27 complete, 7 never loaded, 24 without a file")
    widths = await bar.locator("i").evaluate_all("(pieces) => pieces.map((piece) => piece.offsetWidth)")
    assert widths[0] / widths[2] == pytest.approx(27 / 24, rel=0.02)
    words = await panel.words()
    assert "Not readable" in words
    assert "27 complete" in words
    assert "Whether an upload was finished" in words


async def test_why_shows_the_diagnosis_of_one_release(client: Client, open_panel: OpenPanel) -> None:
    """Below its release, with what to do."""
    panel = await open_panel(client)
    await panel.show(client, RELEASES, limit=1, counts=True)
    await panel.click("Why? 2.14.0")
    assert panel.asked_for("tools/call") == [{"name": DIAGNOSE, "arguments": {"release_id": release_id(0)}}]
    shown = panel.frame.locator("li .answer")
    assert "never loaded" in await shown.inner_text()
    assert await shown.get_by_role("button", name="Copy").count() > 0
    assert await panel.violations() == []


async def test_a_command_is_copied_as_it_stands(client: Client, open_panel: OpenPanel) -> None:
    """Without the full stop of its sentence."""
    panel = await open_panel(client)
    await panel.show(client, DIAGNOSE)
    await panel.click("Copy posthog-cli sourcemap process --directory DIST")
    assert await panel.frame.locator("#status").inner_text() == "Copied."
    assert await panel.frame.evaluate("getSelection().toString()") == "posthog-cli sourcemap process --directory DIST"


@pytest.mark.parametrize(
    "command",
    [
        "errtrack-mcp upload DIST",
        "errtrack-mcp upload '/srv/my app/dist' --project web",
        "posthog-cli sourcemap upload --directory dist --exclude '**/*.test.js'",
        "posthog-cli dsym upload",
    ],
)
async def test_a_command_in_a_sentence_is_found_whole(client: Client, open_panel: OpenPanel, command: str) -> None:
    """Half of one would do something else."""
    panel = await open_panel(client)
    sent = (await client.call_tool(DIAGNOSE, {})).structured_content
    steps = [f"Do this: {command}.", f"{command}, or something else", f"End with {command}"]
    await panel.give({}, {"content": [], "structuredContent": {**(sent or {}), "next_steps": steps, "failures": []}})
    assert await panel.frame.locator(".command code").all_inner_texts() == [command] * 3


async def test_one_symbol_set_shows_its_facts(client: Client, open_panel: OpenPanel) -> None:
    """What is not known is shown as such, and a no as a no."""
    panel = await open_panel(client)
    await panel.show(client, DIAGNOSE, ref=chunk_id("never/admin"), verify=True, line=999, column=1)
    facts = await panel.frame.locator("section .facts").all_inner_texts()
    assert "State\nnever_loaded" in facts[0]
    assert "\u2013" in facts[0]
    assert "false" in facts[1]
    assert await panel.violations() == []


async def test_releases_without_counts_can_be_counted(client: Client, open_panel: OpenPanel) -> None:
    """Not counted is not none."""
    panel = await open_panel(client)
    await panel.show(client, RELEASES, limit=2)
    assert "Symbol sets not counted." in await panel.words()
    assert "No symbol set." not in await panel.words()
    await panel.click("Count symbol sets")
    assert panel.asked_for("tools/call") == [{"name": RELEASES, "arguments": {"limit": 2, "counts": True}}]
    assert "1 complete" in await panel.words()
    assert "There are older releases." in await panel.words()
