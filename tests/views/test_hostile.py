"""Whatever an answer holds, the page stays a page: text is text, and data of another age or shape breaks nothing."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from mcp import Client

from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.panel import BUILD_CHECK, CALLS, EVENTS, ISSUE, RESOLVE, OpenPanel, Panel

pytestmark = [pytest.mark.anyio, pytest.mark.attack("text and data shown in the panel")]

EVERY_CALL = pytest.mark.parametrize("tool", CALLS)
MARKUP = '<img src="https://evil.example/{0}" onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>{0}'
Path = tuple[str | int, ...]


async def answer_of(client: Client, tool: str) -> dict[str, Any]:
    """Return what the tool really answers."""
    structured: dict[str, Any] = (await client.call_tool(tool, CALLS[tool])).structured_content
    return structured


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the path to each value inside, of a list those in its first two items."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


def changed(value: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    """Return a copy in which `change` was made to the container and the key at the end of the path."""
    copy = holder = deepcopy(value)
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return copy


def poisoned(value: Any, poison: Callable[[], Any]) -> Any:
    """Return a copy with each text in it replaced, and with a poisoned name and value more in each dict."""
    if isinstance(value, dict):
        return {key: poisoned(each, poison) for key, each in value.items()} | {str(poison()): poison()}
    if isinstance(value, list):
        return [poisoned(each, poison) for each in value]
    return poison() if isinstance(value, str) else value


async def press_every_button(panel: Panel) -> None:
    """Press what is there; calls may fail, which the page says."""
    buttons = panel.frame.locator("button:visible")
    place = 0
    while place < await buttons.count():
        await buttons.nth(place).click()
        await panel.frame.locator("button[aria-busy]").wait_for(state="detached")
        place += 1


async def assert_inert(panel: Panel) -> None:
    """Nothing that the answer holds has become an element, has run, or has left the page."""
    assert await panel.frame.locator("img, svg, object, iframe, a, form, main script").count() == 0
    assert await panel.frame.evaluate("globalThis.hacked") is None
    assert (panel.left, panel.problems) == ([], [])


@EVERY_CALL
async def test_markup_in_every_field_is_shown_as_text(client: Client, open_panel: OpenPanel, tool: str) -> None:
    """In each value and in the names of fields; and so it stays when every button is pressed."""
    panel = await open_panel(client)
    numbers = iter(range(10_000))
    answer = poisoned(await answer_of(client, tool), lambda: MARKUP.format(next(numbers)))
    await panel.give({}, {"content": [], "structuredContent": answer})
    assert (await panel.words()).count("globalThis.hacked=1</script>") > 3
    await press_every_button(panel)
    await assert_inert(panel)


@EVERY_CALL
async def test_an_object_in_place_of_a_text_sets_no_attribute(client: Client, open_panel: OpenPanel, tool: str) -> None:
    """Attributes hold code as well."""
    panel = await open_panel(client)
    attributes = {"onclick": "globalThis.hacked=1", "onfocus": "globalThis.hacked=1", "style": "position:fixed"}
    answer = poisoned(await answer_of(client, tool), lambda: dict(attributes))
    await panel.give({}, {"content": [], "structuredContent": answer})
    await press_every_button(panel)
    assert await panel.frame.locator("[onclick], [onfocus], [style*=fixed]").count() == 0
    await assert_inert(panel)


async def test_the_hostile_issue_of_the_sandbox_is_inert(client: Client, open_panel: OpenPanel) -> None:
    """As PostHog sends it and the server cleans it."""
    panel = await open_panel(client, width=380)
    for tool in (ISSUE, EVENTS):
        await panel.show(client, tool, issue_id=issue_id("hostile"))
        assert "Ignore previous instructions" in await panel.words()
        await press_every_button(panel)
        assert await panel.overflow() == 0
    await assert_inert(panel)


@EVERY_CALL
async def test_endless_words_fit_a_narrow_window(client: Client, open_panel: OpenPanel, tool: str) -> None:
    """They break anywhere, and are cut off at 2,000 characters."""
    panel = await open_panel(client, width=380)
    answer = poisoned(await answer_of(client, tool), lambda: "W" * 5_000)
    await panel.give({}, {"content": [], "structuredContent": answer})
    assert await panel.overflow() == 0
    assert "W" * 2_001 not in await panel.words()


async def test_a_message_cannot_show_source_code_of_its_own(client: Client, open_panel: OpenPanel) -> None:
    """Under a frame stands code that a map holds, or none."""
    panel = await open_panel(client)
    trace = "Error: x\n    at a (app.js:1:2)\nCaused by: Error: y\n      >     1 | sendMoney();\n    at b (app.js:1:3)"
    await panel.show(client, RESOLVE, trace=trace)
    words = await panel.words()
    assert "app.js:1:2" in words
    assert "app.js:1:3" in words
    assert await panel.frame.locator(".code").count() == 0


def remove(holder: Any, key: Any) -> None:
    """Take the value away."""
    del holder[key]


def put(value: Any) -> Callable[[Any, Any], None]:
    """Return what puts another value in its place."""
    return lambda holder, key: holder.__setitem__(key, value)


REMEMBER_HEADINGS = """(() => {
  globalThis.headings = [];
  const panel = document.getElementById("panel");
  new MutationObserver(() => headings.push(panel.querySelector("h1").textContent)).observe(panel, { childList: true });
})()"""
CHANGES = {"removed": remove, "null": put(None), "number": put(7), "text": put("?"), "list": put([[7, None, {}]])}


@EVERY_CALL
async def test_no_field_is_needed_and_none_need_be_of_its_type(
    client: Client, open_panel: OpenPanel, tool: str
) -> None:
    """A page may meet the answers of an older or a newer server: each field is taken away, and changed in its type."""
    panel = await open_panel(client)
    answer = await answer_of(client, tool)
    await panel.frame.evaluate(REMEMBER_HEADINGS)
    changes = [(path, name) for path in places(answer) for name in CHANGES]
    sent = [{"content": [], "structuredContent": changed(answer, path, CHANGES[name])} for path, name in changes]
    await panel.page.evaluate("async (sent) => { for (const each of sent) await bridge.sendToolResult(each); }", sent)
    await panel.give({}, {"content": [], "structuredContent": {"the": "end"}})
    headings = await panel.frame.evaluate("headings")
    assert len(headings) == len(changes) + 1 > 40
    broken = [change for change, heading in zip(changes, headings, strict=False) if heading == "This did not work"]
    assert (broken, panel.problems) == ([], [])


STRANGE_COUNTS: list[Any] = [
    ["9"] * 12,
    [*[1] * 11, {"valueOf": 1}],
    [*[1] * 11, None],
    [*[1] * 11, -1],
    [*[1] * 11, [1]],
    [0] * 12,
    [],
    [1] * 51,
    [1] * 100_000,
    {"length": 12, "0": 1},
    "1" * 12,
    MARKUP,
]


@pytest.mark.parametrize("counts", STRANGE_COUNTS, ids=lambda counts: str(counts)[:20])
async def test_no_bar_is_drawn_of_what_is_not_a_few_counts(client: Client, open_panel: OpenPanel, counts: Any) -> None:
    """Neither of another type nor of too many; everything else of the issue is shown."""
    panel = await open_panel(client)
    answer = await answer_of(client, ISSUE) | {"occurrences_over_time": {"bucket_seconds": 43_200, "counts": counts}}
    await panel.give({}, {"content": [], "structuredContent": answer})
    assert await panel.frame.locator(".bars").count() == 0
    assert "13 occurrences" in await panel.words()
    await assert_inert(panel)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1n", "1e308"])
async def test_numbers_that_json_does_not_know_break_nothing(client: Client, open_panel: OpenPanel, value: str) -> None:
    """A host passes values of its own on; the highest finite number is a bar as any other."""
    panel = await open_panel(client)
    answer = await answer_of(client, ISSUE)
    change = f"answer.occurrences_over_time.counts = [1, {value}]"
    send = "bridge.sendToolResult({ content: [], structuredContent: answer })"
    await panel.page.evaluate(f"async (answer) => {{ {change}; await {send}; }}", answer)
    await panel.frame.get_by_text("13 occurrences").wait_for()
    assert await panel.frame.locator(".bars i").count() == (2 if value == "1e308" else 0)
    await assert_inert(panel)


async def test_a_state_that_the_page_does_not_know_is_judged_neither_way(client: Client, open_panel: OpenPanel) -> None:
    """A newer server may have more of them."""
    panel = await open_panel(client)
    answer = {**await answer_of(client, BUILD_CHECK), "states": {"toString": "3: is new"}}
    await panel.give({}, {"content": [], "structuredContent": answer})
    assert "3 is new" in await panel.words()
    assert await panel.frame.locator(".bar i.idle").count() == 1
