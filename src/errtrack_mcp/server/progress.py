"""The progress of a call: it only rises, and the client is told something at least every few seconds."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from mcp.server.mcpserver import Context

from errtrack_mcp.tools.dependencies import ClientProvider

# Some clients give a call up after 5 seconds without progress.
MAX_SILENCE = 4.0
SMALL_STEP = 0.001  # MCP wants each value to be larger than the one before it

Result = TypeVar("Result")


class ReportingContext(Context[ClientProvider, Any]):
    """The context of one call, whose progress never stands still or goes back."""

    _progress: float = 0.0
    _total: float | None = None
    _reported_at: float = 0.0

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress to a client that has asked for it."""
        self._progress = max(progress, self._progress + SMALL_STEP)
        self._total = total
        self._reported_at = anyio.current_time()
        await super().report_progress(self._progress, total, message)

    async def report_while(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work, and report whenever it has reported nothing for `MAX_SILENCE` seconds."""
        started = self._reported_at = anyio.current_time()

        async def break_silence() -> None:
            while True:
                silence = anyio.current_time() - self._reported_at
                if silence < MAX_SILENCE:
                    await anyio.sleep(MAX_SILENCE - silence)
                    continue
                seconds = anyio.current_time() - started
                await self.report_progress(self._progress, self._total, f"Still working after {seconds:.0f} s.")

        results: list[Result] = []
        failures: list[Exception] = []
        async with anyio.create_task_group() as group:
            group.start_soon(break_silence)
            try:
                results.append(await work())
            except Exception as error:  # noqa: BLE001 - raised below: a task group would wrap it in another one
                failures.append(error)
            group.cancel_scope.cancel()
        for failure in failures:
            raise failure
        return results[0]
