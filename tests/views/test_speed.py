"""How long the panel takes from an answer to the first picture of it, in a real browser."""

from statistics import median
from typing import Any

import pytest
from mcp import Client

from tests.support.panel import BUILD_CHECK, CALLS, EVENTS, RESOLVE, OpenPanel, Panel

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MEASURE = """() => new Promise((resolve) => {
  addEventListener("message", ({ timeStamp }) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now() - timeStamp);
    port2.postMessage("after the frame has been painted");
  }), { once: true });
})"""
TIMES = 5


async def milliseconds(panel: Panel, answer: dict[str, Any]) -> float:
    """Return the median time from the arrival of a result to the first frame that shows it."""
    times = []
    for _ in range(TIMES):
        await panel.frame.evaluate(f"() => {{ globalThis.painted = ({MEASURE})(); }}")
        await panel.bridge("sendToolResult", {"content": [], "structuredContent": answer})
        times.append(float(await panel.frame.evaluate("painted")))
    return median(times)


async def test_an_issue_with_50_frames_is_painted_within_100_ms(client: Client, open_panel: OpenPanel) -> None:
    """As stored, and resolved with the source code of each frame."""
    panel = await open_panel(client)
    events = (await client.call_tool(EVENTS, CALLS[EVENTS])).structured_content
    thrown = events["results"][0]["exceptions"][0]
    thrown["frames"] = [{**thrown["frames"][number % 3], "line": number} for number in range(50)]
    resolved = (await client.call_tool(RESOLVE, CALLS[RESOLVE])).structured_content
    trace = resolved["traces"][0]
    trace["frames"] = [trace["frames"][number % 4] for number in range(50)]
    for name, answer in (("stored", events), ("resolved", resolved)):
        taken = await milliseconds(panel, answer)
        print(f"\nan issue with 50 frames, {name}: {taken:.0f} ms")
        assert taken <= 100
    assert await panel.frame.locator(".code").count() == 50


async def test_a_build_of_5000_scripts_is_painted_within_300_ms(client: Client, open_panel: OpenPanel) -> None:
    """Each in one of three states."""
    panel = await open_panel(client)
    check = (await client.call_tool(BUILD_CHECK, {})).structured_content
    states = ("not_injected", "not_uploaded", "uploaded")
    check["scripts"] = [
        {"path": f"assets/chunk-{number}.js", "state": states[number % 3], "chunk_id": f"{number:032x}", "map": "found"}
        for number in range(5_000)
    ]
    taken = await milliseconds(panel, check)
    print(f"\na build of 5,000 scripts: {taken:.0f} ms")
    assert taken <= 300
    assert "1,667 scripts" in await panel.words()
