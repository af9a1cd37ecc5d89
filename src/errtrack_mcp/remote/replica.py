"""One process of the server: calls in flight, whether it is leaving, what it has counted."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from errtrack_mcp.remote.metrics import Metrics

QUIET_SECONDS = 0.2  # the last answer is on its way into its stream for so long


class Replica:
    """Calls in flight, whether the process is draining, and its metrics.

    Once nothing is in flight any more, `streams_end` is set, and the bodies that are still `reading` are given up.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.draining = False
        self.calls: Counter[str] = Counter()  # in flight, by the hash of their key
        self.metrics = metrics
        self.streams_end = anyio.Event()
        self.reading: deque[anyio.CancelScope] = deque()  # the oldest first
        self._ended = anyio.Event()

    @property
    def in_flight(self) -> int:
        """Return how many calls are in flight."""
        return self.calls.total()

    @contextmanager
    def track_call(self, key_hash: str) -> Iterator[None]:
        """Count a call of a key in flight."""
        self.calls[key_hash] += 1
        self.metrics.in_flight(self.in_flight)
        try:
            yield
        finally:
            self.calls[key_hash] -= 1
            if not self.calls[key_hash]:
                del self.calls[key_hash]
            self.metrics.in_flight(self.in_flight)
            self._ended.set()

    async def end_streams_when_idle(self) -> None:
        """End open streams and half bodies, once no call is in flight and the last answer has left."""
        await anyio.sleep(QUIET_SECONDS)
        while self.in_flight:
            self._ended = anyio.Event()
            await self._ended.wait()
            await anyio.sleep(QUIET_SECONDS)
        self.streams_end.set()
        for scope in self.reading:
            scope.cancel()
