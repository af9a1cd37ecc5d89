"""How long work tells how far it is, and when it stops by itself."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

MaxSeconds = Annotated[int, Field(ge=1, le=600, description="Stop reading after")]
Report = Callable[[int, int | None], Awaitable[None]]


def reporting(context: Context[Any, Any]) -> Report:
    """Tell the client, where it asked to hear of it, how many symbol sets were read, and of how many."""

    async def report(seen: int, count: int | None) -> None:
        of = f" of {count:,}" if count else ""
        await context.report_progress(seen, count, f"Read {seen:,}{of} symbol sets")

    return report
