"""Large answers: a few of them are read at once, and one is parsed at a time; the others wait.

Parsed JSON takes up to twenty times its bytes. A million bytes keep the process busy for 0.05 to 0.1 s. A thread does
not help with parsing, since pydantic keeps Python's lock: for 1.9 MB the event loop waited 0.10 s with a thread and
0.09 s without. Only where text needs cleaning did it wait less, 0.08 s against 0.19 s.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import checkpoint

LARGE_BYTES = 100_000
AT_ONCE = 4


class LargeAnswers:
    """The room that the callers of one process share."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = anyio.Semaphore(at_once)
        self._parsing = anyio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Give a place to one answer until it has been parsed; only a large one takes it."""
        place = Place(self._places, self._parsing)
        try:
            yield place
        finally:
            place.leave()


class Place:
    """The place of one answer."""

    def __init__(self, places: anyio.Semaphore, parsing: anyio.Lock) -> None:
        self._places = places
        self._parsing = parsing
        self._taken = False

    async def take(self) -> None:
        """Wait for a free place; the answer is large."""
        if not self._taken:
            await self._places.acquire()
            self._taken = True

    async def turn_to_parse(self) -> None:
        """Wait until no other large answer is to be parsed before this one."""
        if self._taken:
            async with self._parsing:
                await checkpoint()

    def leave(self) -> None:
        """Let another answer have the place."""
        if self._taken:
            self._places.release()
            self._taken = False
