"""Reports of work that follows other work."""

import pytest

from errtrack_mcp.tools.progress import after, silent

pytestmark = pytest.mark.anyio


async def test_work_that_follows_goes_on_counting() -> None:
    """What was done before is added, to the total too where it is known."""
    seen: list[tuple[float, float | None, str]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        seen.append((done, total, message))

    further = after(100, report)
    await further(5, 10, "half")
    await further(7, None, "more")
    assert seen == [(105, 110, "half"), (107, None, "more")]


async def test_nobody_may_be_listening() -> None:
    """Work reports the same way where there is no client."""
    await after(3, silent)(1, 2, "done")
