"""What one process of the server knows about itself: what it is doing, whether it is leaving, what it has counted."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from errtrack_mcp.remote.metrics import Metrics


class Replica:
    """One process: calls in flight, whether it is draining, and its metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self.draining = False
        self.in_flight = 0
        self.metrics = metrics
        self._ended = anyio.Event()

    @contextmanager
    def track_call(self) -> Iterator[None]:
        """Count a call in flight."""
        self.in_flight += 1
        self.metrics.in_flight(self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1
            self.metrics.in_flight(self.in_flight)
            self._ended.set()

    async def idle(self) -> None:
        """Wait until no call is in flight."""
        while self.in_flight:
            self._ended = anyio.Event()
            await self._ended.wait()
