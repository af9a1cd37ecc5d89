"""The view of an issue, in a real browser."""

import json

import pytest
from mcp import Client

from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.panel import CALLS, EVENTS, ISSUE, ISSUE_DIAGNOSE, RESOLVE, OpenPanel, as_sent

pytestmark = pytest.mark.anyio

FIXED = issue_id("fixed-by-upload")


async def test_an_issue_shows_its_counts_and_its_releases_over_time(client: Client, open_panel: OpenPanel) -> None:
    """The newer release is the bar further right."""
    panel = await open_panel(client)
    await panel.show(client, ISSUE, **CALLS[ISSUE])
    words = await panel.words()
    assert "Lock wait timeout exceeded" in words
    assert "13 occurrences" in words
    lefts = await panel.frame.locator(".track i").evaluate_all("(bars) => bars.map((bar) => bar.offsetLeft)")
    assert len(lefts) == 2
    assert lefts[0] > lefts[1]


async def test_occurrences_over_time_are_bars_and_words(client: Client, open_panel: OpenPanel) -> None:
    """A bar is as high as its count, the rarest can still be seen, and all that they show can be read."""
    panel = await open_panel(client)
    sent = as_sent(await client.call_tool(ISSUE, CALLS[ISSUE]))
    times = {"date_from": "2026-09-01T06:00:00Z", "date_to": "2026-09-01T18:00:00Z"}
    over_time = {"bucket_seconds": 3600, "counts": [0, 1, 500, 0, 0, 0, 0, 0, 0, 1000, 0, 0]}
    sent["structuredContent"] |= times | {"occurrences": 1501, "occurrences_over_time": over_time}
    await panel.give({}, sent)
    bars = panel.frame.get_by_role("img", name="1,501 occurrences. Highest: 1,000, from 1 Sept 2026, 15:00 to")
    heights = await bars.locator("i").evaluate_all("(all) => all.map((bar) => bar.offsetHeight)")
    whole = heights[9]
    assert heights == [0, 3, pytest.approx(whole / 2, abs=1), 0, 0, 0, 0, 0, 0, whole, 0, 0]
    assert whole > 40
    assert (await bars.get_attribute("aria-label") or "").endswith("Bars: 0, 1, 500, 0, 0, 0, 0, 0, 0, 1,000, 0, 0")
    assert "Highest: 1,000, from 1 Sept 2026, 15:00 to 1 Sept 2026, 16:00" in await panel.words()
    over_time["counts"] = [2] * 12
    await panel.give({}, sent)
    assert "Highest: 2, first from 1 Sept 2026, 06:00 to 1 Sept 2026, 07:00" in await panel.words()
    assert await panel.violations() == []


async def test_bars_and_releases_share_their_time(client: Client, open_panel: OpenPanel) -> None:
    """The dates below stand at the ends of both, whatever the width of the window; and each does without the other."""
    panel = await open_panel(client)
    sent = as_sent(await client.call_tool(ISSUE, CALLS[ISSUE]))
    edges = (
        "(all) => new Set(all.map((each) => each.getBoundingClientRect()).map(({ x, width }) => `${x} ${width}`)).size"
    )
    for width in (900, 380):
        await panel.page.set_viewport_size({"width": width, "height": 800})
        await panel.give({}, sent)
        rows = panel.frame.locator(".spans div")
        assert (await rows.count(), await rows.evaluate_all(edges)) == (4, 1)
    for without, left in (("occurrences_over_time", "checkout-api"), ("releases", "All")):
        answer = {name: value for name, value in sent["structuredContent"].items() if name != without}
        await panel.give({}, {"content": [], "structuredContent": answer})
        section = panel.frame.locator("section", has_text="Occurrences over time")
        assert left in await section.inner_text()
        assert await section.locator(".bars, .track").count() == (2 if left == "checkout-api" else 1)


async def test_from_an_issue_to_its_readable_stack(client: Client, open_panel: OpenPanel) -> None:
    """Its events, why they are minified, and the same stack with source code: each one press, and all of it stays."""
    panel = await open_panel(client)
    await panel.show(client, ISSUE, issue_id=FIXED)
    await panel.click("Show events")
    assert "No sourcemap uploaded for chunk id" in await panel.words()
    await panel.click("Why minified?")
    await panel.click("Resolve stack trace")
    words = await panel.words()
    assert "new errors are readable" in words
    assert "const { percent } = customer.account!.discount;" in words
    assert "Occurrences" in words
    asked = panel.asked_for("tools/call")
    assert [call["name"] for call in asked] == [EVENTS, ISSUE_DIAGNOSE, RESOLVE]
    assert {call["arguments"]["issue_id"] for call in asked} == {FIXED}
    assert asked[2]["arguments"]["event_uuid"]
    assert await panel.frame.get_by_role("button", name="Resolve stack trace").count() == 0
    assert await panel.violations() == []


async def test_a_resolved_frame_shows_original_and_deployed_side_by_side(client: Client, open_panel: OpenPanel) -> None:
    """In a wide window next to each other, in a narrow one below; the line that throws is marked."""
    panel = await open_panel(client)
    await panel.show(client, RESOLVE, issue_id=FIXED)
    pair = panel.frame.locator(".pair").first
    tops = "(pair) => [...pair.children].map((side) => side.getBoundingClientRect().top)"
    assert "source/order/discount.ts:8:41" in await pair.inner_text()
    assert "unbound-search.js:1:48" in await pair.inner_text()
    left, right = await pair.evaluate(tops)
    assert left == right
    assert (
        await panel.frame.locator(".code .hit").first.inner_text()
        == "8\n  const { percent } = customer.account!.discount;"
    )
    await panel.page.set_viewport_size({"width": 380, "height": 800})
    left, right = await pair.evaluate(tops)
    assert left < right


@pytest.mark.parametrize("source", ["source/(shop)/order [id]/discount.ts", "source/a) (b.ts", "("])
async def test_source_code_is_found_whatever_the_name_of_its_file(
    client: Client, open_panel: OpenPanel, source: str
) -> None:
    """Next.js has folders in parentheses."""
    panel = await open_panel(client)
    sent = (await client.call_tool(RESOLVE, {"issue_id": FIXED})).structured_content
    sent = json.loads(json.dumps(sent).replace("source/order/discount.ts", source))
    await panel.give({}, {"content": [], "structuredContent": sent})
    words = await panel.frame.locator(".stack > li").first.inner_text()
    assert source in words
    assert "const { percent } = customer.account!.discount;" in words


async def test_a_place_that_may_be_wrong_says_so(client: Client, open_panel: OpenPanel) -> None:
    """It is shown all the same, with its source code."""
    panel = await open_panel(client)
    trace = "TypeError: x is undefined\n    at u (https://shop.northwind.example/assets/other.js:1:48)"
    await panel.show(client, RESOLVE, trace=trace, refs=[chunk_id("unbound/main")])
    frame = panel.frame.locator(".stack > li").first
    words = await frame.inner_text()
    assert "unsure" in words
    assert "minified" not in words
    assert "source/order/discount.ts:8:41" in words
    assert "may be of another script" in words
    assert await frame.locator(".code .hit").count() == 1


async def test_minified_frames_say_why_and_the_throw_site_is_first(client: Client, open_panel: OpenPanel) -> None:
    """The order of a browser, not of PostHog."""
    panel = await open_panel(client)
    await panel.show(client, EVENTS, **CALLS[EVENTS])
    names = await panel.frame.locator(".stack .call").all_inner_texts()
    assert [name.split() for name in names] == [
        ["qe", "throws", "here", "minified"],
        ["onPayClicked"],
        ["callCallback"],
    ]
    first = await panel.frame.locator(".stack > li").first.inner_text()
    assert "No sourcemap uploaded for chunk id: df79a5aa" in first
    assert "/static/js/missing-cart.js:1:88213" in first


async def test_runs_of_dependencies_are_folded(client: Client, open_panel: OpenPanel) -> None:
    """One press opens them."""
    panel = await open_panel(client)
    sent = (await client.call_tool(EVENTS, CALLS[EVENTS])).structured_content
    exception = sent["results"][0]["exceptions"][0]
    exception["frames"] = [*[exception["frames"][0]] * 4, *exception["frames"]]
    await panel.give({}, {"content": [], "structuredContent": sent})
    frames = panel.frame.locator(".stack .stack li")
    assert await frames.count() == 5
    assert not await frames.first.is_visible()
    await panel.frame.get_by_text("5 frames of dependencies").click()
    assert await frames.first.is_visible()


async def test_events_are_stepped_through_beyond_those_that_were_sent(client: Client, open_panel: OpenPanel) -> None:
    """Further ones are fetched when they are reached, and the way back is there."""
    panel = await open_panel(client)
    await panel.show(client, EVENTS, issue_id=issue_id("cart-total"), limit=1)
    newest = await panel.frame.locator(".facts time").inner_text()
    assert "Event 1 of 1 or more" in await panel.words()
    assert await panel.frame.get_by_role("button", name="Newer").count() == 0
    await panel.click("Older")
    [asked] = panel.asked_for("tools/call")
    assert asked == {"name": EVENTS, "arguments": {"issue_id": issue_id("cart-total"), "frames": "all", "offset": 1}}
    assert "Event 2 of 4 or more" in await panel.words()
    assert await panel.frame.locator(".facts time").inner_text() != newest
    await panel.click("Newer")
    assert await panel.frame.locator(".facts time").inner_text() == newest
    assert len(panel.asked_for("tools/call")) == 1


async def test_a_failed_request_leaves_what_is_shown(client: Client, open_panel: OpenPanel) -> None:
    """And says what the server says."""
    panel = await open_panel(client)
    sent = (await client.call_tool(ISSUE, CALLS[ISSUE])).structured_content
    sent["id"] = "no id"
    await panel.give({}, {"content": [], "structuredContent": sent})
    await panel.click("Why minified?")
    assert "invalid_arguments: " in await panel.frame.locator("#status.bad").inner_text()
    assert "Lock wait timeout exceeded" in await panel.words()
