"""Every symbol set of a project, read page by page, several pages at once.

The API pages by offset, newest first, so rows move while they are read: a row that is added pushes all others one
place on, a row that is deleted pulls those behind it one place back. Pages therefore overlap by one row. Where two
neighbours share none, rows were deleted in between, and what moved over the border is read again; a row that comes
twice is passed over.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, RateLimited
from errtrack_mcp.api.page import Page
from errtrack_mcp.tools.progress import Report, silent
from errtrack_mcp.tools.tally import Sighting

AT_ONCE = 8
PAGE = 100  # the API gives no more (contract, section 3)
STRIDE = PAGE - 1
BATCH = 16  # pages held at a time
MOST_A_MINUTE = 1_100  # of the 1,200 that the API allows a key (contract, section 2.2)
MOST_PAGES = 11_000  # of the 12,000 that it allows in an hour
MOST_READ_AGAIN = 50
LONGEST_WAIT = 60.0
MOST_WAITS = 3

SightingPage = Page[Sighting]


class Pace:
    """Lets at most `most` requests pass in any 60 seconds; sleeping is how it holds one up."""

    def __init__(self, most: int = MOST_A_MINUTE) -> None:
        self._starts: deque[float] = deque(maxlen=most)
        self._gate = anyio.Lock()

    async def admit(self) -> None:
        """Wait until one more request may start."""
        async with self._gate:
            if len(self._starts) == self._starts.maxlen:
                await anyio.sleep(max(0.0, self._starts[0] + 60 - anyio.current_time()))
            self._starts.append(anyio.current_time())


class Walk:
    """One reading of every symbol set that a query finds, to be iterated once.

    `total` is how many the API counted (None: it did not); `read` how many were given out so far, each once.
    `doubtful` says that the list did not keep its order, so that some may have been passed over. Iterating raises
    ApiError where a page cannot be had, after all rows before it were given out.
    """

    def __init__(self, api: Client, report: Report = silent, **query: str | int | None) -> None:
        self.total: int | None = None
        self.read = 0
        self.doubtful = False
        self.cut = False
        self._api = api
        self._report = report
        self._query = query
        self._pace = Pace()
        self._read_again = 0
        # Hashes instead of ids: a tenth of the memory, and one in a billion walks of 100,000 rows has two alike.
        self._seen: set[int] = set()

    async def __aiter__(self) -> AsyncIterator[Sighting]:
        """Give out every symbol set once, newest first."""
        before: SightingPage | None = None
        offset, ahead = 0, 1
        while ahead:
            pages, failure = await self._pages(range(offset, offset + ahead * STRIDE, STRIDE))
            for page in pages:
                for missed in await self._moved_over(before, page, offset):
                    for row in self._new(missed):
                        yield row
                for row in self._new(page):
                    yield row
                before, offset = page, offset + STRIDE
                if page.next_offset is None:
                    return
            if failure is not None:
                raise failure
            self.cut = offset >= MOST_PAGES * STRIDE
            ahead = 0 if self.cut else self._pages_ahead(offset)
            await self._report(self.read, self.total, self._progress())

    def _pages_ahead(self, offset: int) -> int:
        """Return how many pages to ask for at a time: none in vain where the API has counted."""
        if self.total is None:
            return AT_ONCE
        return min(BATCH, max(1, -(-(self.total - offset) // STRIDE)))

    def _progress(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        return f"Read {self.read:,}{of} symbol sets."

    def _new(self, page: SightingPage) -> Iterator[Sighting]:
        for row in page.results:
            key = hash(row.id)
            if key not in self._seen:
                self._seen.add(key)
                self.read += 1
                yield row

    async def _moved_over(self, before: SightingPage | None, page: SightingPage, offset: int) -> list[SightingPage]:
        """Read again, backwards from `offset`, until a page shares a row with the page before."""
        if before is None:
            return []
        known = {row.id for row in before.results}
        again: list[SightingPage] = []
        while known.isdisjoint(row.id for row in page.results):
            offset -= STRIDE
            if offset < 0 or self._read_again >= MOST_READ_AGAIN:
                self.doubtful = self.doubtful or offset >= 0
                break
            self._read_again += 1
            page = await self._page(offset)
            again.append(page)
        return again

    async def _pages(self, offsets: range) -> tuple[list[SightingPage], ApiError | None]:
        """Read the pages at these offsets; where one fails, return those before it and the failure."""
        found: dict[int, SightingPage] = {}
        failed: dict[int, ApiError] = {}
        asking = iter(offsets)

        async def ask() -> None:
            for offset in asking:
                if failed:
                    return
                try:
                    found[offset] = await self._page(offset)
                except ApiError as error:
                    failed[offset] = error

        async with anyio.create_task_group() as group:
            for _ in range(min(AT_ONCE, len(offsets))):
                group.start_soon(ask)
        first = min(failed, default=None)
        pages = [found[offset] for offset in offsets if first is None or offset < first]
        return pages, None if first is None else failed[first]

    async def _page(self, offset: int) -> SightingPage:
        """Read one page, waiting for a rate limit to pass where the API says that it soon will."""
        waits = 0
        while True:
            await self._pace.admit()
            # Counting costs the API as much as reading; installations that always count do so unasked.
            count = "false" if offset else None
            try:
                page = await self._api.get_page(
                    "symbol_sets", of=Sighting, offset=offset, limit=PAGE, include_count=count, **self._query
                )
            except RateLimited as limited:
                waits += 1
                wait = limited.retry_after
                if wait is None or wait > LONGEST_WAIT or waits > MOST_WAITS:
                    raise
                await self._report(self.read, self.total, f"{self._progress()} Waiting {wait:.0f} s for PostHog.")
                await anyio.sleep(wait)
                continue
            if page.count is not None:
                self.total = page.count
            return page


async def read_all(walk: Walk, visit: Callable[[Sighting], None]) -> str:
    """Show every row to `visit`, and return a sentence about what was not seen, or nothing.

    Raises ApiError if nothing at all was seen.
    """
    why = ""
    try:
        async for row in walk:
            visit(row)
    except ApiError as error:
        if not walk.read:
            raise
        why = f"PostHog stopped answering ({error.code})"
    if walk.cut:
        why = "an hour's rate limit is used up"
    if why:
        rest = f" of {walk.total:,}" if walk.total else ""
        return f"Stopped after the newest {walk.read:,}{rest} symbol sets: {why}. The older ones were not seen."
    if walk.doubtful:
        return "The list changed its order while it was read: some symbol sets may have been passed over."
    return ""
