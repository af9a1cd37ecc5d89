"""The progress of a call, as its client receives it."""

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from errtrack_mcp.server import progress as progress_module
from tests.support.fixtures import Connect
from tests.support.slow_sandbox import SlowSandbox

pytestmark = pytest.mark.anyio


async def test_a_silent_call_is_reported(
    connect: Connect, slow_sandbox: SlowSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While PostHog takes its time, the client hears something, with a number that rises each time."""
    monkeypatch.setattr(progress_module, "MAX_SILENCE", 0.05)
    slow_sandbox.seconds = 0.4
    seen: list[tuple[float, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        seen.append((progress, message))

    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        await client.call_tool("error-tracking-releases-list", {}, progress_callback=report)
    assert len(seen) >= 3
    assert all("Still working" in (message or "") for _, message in seen)
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))


async def test_a_quick_call_is_not_reported(connect: Connect) -> None:
    """Nothing is sent where nobody waits."""
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        seen.append(progress)

    async with connect() as client:
        await client.call_tool("error-tracking-releases-list", {}, progress_callback=report)
    assert seen == []


async def test_a_cancelled_call_reports_no_more(
    connect: Connect, slow_sandbox: SlowSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reports end with the call that they belong to."""
    monkeypatch.setattr(progress_module, "MAX_SILENCE", 0.05)
    slow_sandbox.seconds = 0.3
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        seen.append(progress)

    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        with anyio.move_on_after(0.15):
            await client.call_tool("error-tracking-releases-list", {}, progress_callback=report)
        number = len(seen)
        await anyio.sleep(0.2)
        assert len(seen) == number
        with pytest.raises(MCPError):
            await client.read_resource("errtrack://nothing")
