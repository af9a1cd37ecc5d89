"""Work on many small things in a thread, a moment at a time, so that a cancelled call ends soon."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from anyio import to_thread

Item = TypeVar("Item")
SECONDS = 0.05


async def in_slices(items: Iterator[Item]) -> AsyncIterator[list[Item]]:
    """Yield what an iterator gives, in lists: each is made in a thread, within 50 ms or one item.

    With a thread for each item, reading a build of small files takes 1.4 times as long.
    """

    def next_slice() -> list[Item]:
        until = time.monotonic() + SECONDS
        found: list[Item] = []
        for item in items:
            found.append(item)
            if time.monotonic() > until:
                break
        return found

    while found := await to_thread.run_sync(next_slice):
        yield found
