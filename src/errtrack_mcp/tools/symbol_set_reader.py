"""Every symbol set of a project, read page by page, several pages at once.

The API pages by offset, newest first, so rows move while they are read: a row that is added pushes all others one
place on, a row that is deleted pulls those behind it one place back. Pages therefore overlap by one row. Where two
neighbours share none, rows were deleted in between, and what moved over the border is read again; a row that comes
twice is passed over.
"""

from collections import deque
from collections.abc import Callable

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, RateLimited, RequestInfo, TimedOut
from errtrack_mcp.api.models import ListBody
from errtrack_mcp.api.posthog import SYMBOL_SET_LIMITS
from errtrack_mcp.tools.progress import Report, silent
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow

AT_ONCE = 8
PAGE = 100  # the API gives no more (docs/posthog-api.md, section 3)
STRIDE = PAGE - 1
MAX_HELD = 16  # pages asked for and not yet shown
REPORTED = 16  # pages between two reports of progress
# A little less than PostHog allows a key in a minute and in an hour: others use the same key.
MAX_A_MINUTE, MAX_PAGES = (limit.requests * 11 // 12 for limit in SYMBOL_SET_LIMITS)
MAX_READ_AGAIN = 50
MAX_WAIT = 60.0
MAX_WAITS = 3
GO_ON = "error-tracking-symbol-sets-diagnose with release_id counts those of one release, and can go on by its offset."
MAX_SECONDS = 40.0  # many clients give a call up after 45 or 60 seconds

SymbolSetPage = ListBody[SymbolSetRow]


class RateLimiter:
    """Lets at most `most` requests pass in any 60 seconds; sleeping is how it holds one up."""

    def __init__(self, most: int = MAX_A_MINUTE) -> None:
        self._starts: deque[float] = deque(maxlen=most)

    async def admit(self) -> None:
        """Wait until one more request may start."""
        while len(self._starts) == self._starts.maxlen:
            wait = self._starts[0] + 60 - anyio.current_time()
            if wait <= 0:
                break
            await anyio.sleep(wait)
        self._starts.append(anyio.current_time())


class SymbolSetReader:
    """One reading of the symbol sets that a query finds, from row `offset` on; it is done once.

    `total` is how many the API counted (None: it did not); `read` how many were shown so far, each once. `doubtful`
    says that the list did not keep its order, so that some may have been passed over, `cut` that there were more than
    may be read in an hour, `out_of_time` that reading stopped at the moment `deadline` (of anyio's clock). The newest
    come first, or with `oldest_first` the oldest.
    """

    def __init__(
        self,
        api: Client,
        report: Report = silent,
        *,
        offset: int = 0,
        deadline: float | None = None,
        oldest_first: bool = False,
        **query: str | int | None,
    ) -> None:
        self.total: int | None = None
        self.read = 0
        self.doubtful = False
        self.cut = False
        self.out_of_time = False
        self._api = api
        self._report = report
        self._query = {**query, "order_by": "created_at"} if oldest_first else query
        self.order = "oldest first" if oldest_first else "newest first"
        self._deadline = anyio.current_time() + MAX_SECONDS if deadline is None else deadline
        self._rate_limiter = RateLimiter()
        self._read_again = 0
        # Hashes instead of ids: a tenth of the memory, and one in a billion walks of 100,000 rows has two alike.
        self._seen: set[int] = set()
        self._first = offset
        self._asked = offset  # the offset to ask for next
        self._due = offset  # the offset of the page to show next
        self._arrived: dict[int, SymbolSetPage | ApiError] = {}
        self._held = anyio.Semaphore(MAX_HELD, fast_acquire=True)
        self._before: SymbolSetPage | None = None
        self._showing = False
        self._reading = anyio.CancelScope()

    async def show_all(self, visit: Callable[[SymbolSetRow], None]) -> None:
        """Show every symbol set once to `visit`, newest first.

        Raises ApiError where a page cannot be had, after all rows before it were shown.
        """
        with anyio.CancelScope(deadline=self._deadline) as time_limit, self._reading:
            await self._ask(visit, pages=1)
            async with anyio.create_task_group() as group:
                for _ in range(AT_ONCE):
                    group.start_soon(self._ask, visit, MAX_PAGES)
        self.out_of_time = time_limit.cancelled_caught
        if self.out_of_time and not self.read:
            raise self._timed_out()
        failure = self._arrived.get(self._due)
        if isinstance(failure, ApiError):
            raise failure
        self.cut = not (self._reading.cancel_called or self.out_of_time)

    @property
    def is_unfinished(self) -> bool:
        """Whether another reading can go on where this one stopped."""
        return self.is_out_of_room or isinstance(self._arrived.get(self._due), ApiError)

    @property
    def is_out_of_room(self) -> bool:
        """Whether it stopped at a limit of ours: of time, or of requests in an hour."""
        return self.out_of_time or self.cut

    @property
    def next_offset(self) -> int:
        """The row at which another reading goes on."""
        return self._first if self._due == self._first else self._due + 1

    def _timed_out(self) -> TimedOut:
        error = TimedOut(may_have_happened=False)
        error.request = RequestInfo(self._api.origin, self._api.prefix[-1], ("symbol_sets",))
        return error

    async def _ask(self, visit: Callable[[SymbolSetRow], None], pages: int) -> None:
        """Read at most so many pages, each the next that nobody has asked for, and show what is due."""
        for _ in range(pages):
            await self._held.acquire()
            if self._is_enough():
                self._held.release()
                return
            offset = self._asked
            self._asked += STRIDE
            try:
                self._arrived[offset] = await self._page(offset)
            except ApiError as error:
                self._arrived[offset] = error
            if not self._showing:
                self._showing = True
                await self._show_what_is_due(visit)
                self._showing = False

    def _is_enough(self) -> bool:
        """Return whether to ask no further: what lies beyond the count is there only if the page before says so."""
        if self._reading.cancel_called or self._asked - self._first >= MAX_PAGES * STRIDE:
            return True
        return self.total is not None and self._asked >= self.total and self._asked != self._due

    async def _show_what_is_due(self, visit: Callable[[SymbolSetRow], None]) -> None:
        """Show the pages that have arrived, in order; the last of the list ends the reading, and so does a failure."""
        while (page := self._arrived.get(self._due)) is not None:
            if isinstance(page, ApiError):
                self._reading.cancel()
                return
            try:
                missed = await self._moved_over(page)
            except ApiError as error:
                self._arrived[self._due] = error
                continue
            for shown in (*missed, page):
                self._show(shown, visit)
            del self._arrived[self._due]
            self._before, self._due = page, self._due + STRIDE
            self._held.release()
            if self._due // STRIDE % REPORTED == 1:
                await self._report(self.read, self.total, self._progress())
            if not (page.next and page.results):
                self._reading.cancel()
                return

    def _progress(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        return f"Read {self.read:,}{of} symbol sets."

    def _show(self, page: SymbolSetPage, visit: Callable[[SymbolSetRow], None]) -> None:
        seen = self._seen
        for row in page.results:
            key = hash(row["id"])
            if key not in seen:
                seen.add(key)
                self.read += 1
                visit(row)

    async def _moved_over(self, page: SymbolSetPage) -> list[SymbolSetPage]:
        """Read again, backwards from a page, until one shares a row with the page before it."""
        if self._before is None:
            return []
        known = {row["id"] for row in self._before.results}
        offset = self._due
        again: list[SymbolSetPage] = []
        while known.isdisjoint(row["id"] for row in page.results):
            offset -= STRIDE
            if offset < self._first or self._read_again >= MAX_READ_AGAIN:
                self.doubtful = self.doubtful or offset >= self._first
                break
            self._read_again += 1
            page = await self._page(offset)
            again.append(page)
        return again

    async def _page(self, offset: int) -> SymbolSetPage:
        """Read one page, waiting for a rate limit to pass where the API says that it soon will."""
        waits = 0
        while True:
            await self._rate_limiter.admit()
            # Counting costs the API as much as reading; installations that always count do so unasked.
            count = "false" if offset != self._first else None
            try:
                page = await self._api.get(
                    "symbol_sets",
                    into=SymbolSetPage,
                    offset=offset or None,
                    limit=PAGE,
                    include_count=count,
                    **self._query,
                )
            except RateLimited as limited:
                waits += 1
                wait = limited.retry_after
                if wait is None or wait > MAX_WAIT or waits > MAX_WAITS:
                    raise
                await self._report(self.read, self.total, f"{self._progress()} Waiting {wait:.0f} s for PostHog.")
                await anyio.sleep(wait)
                continue
            if page.count is not None:
                self.total = page.count
            return page


async def read_all(reader: SymbolSetReader, visit: Callable[[SymbolSetRow], None]) -> str:
    """Show every row to `visit`, and return a sentence about what was not seen, or nothing.

    `reader.next_offset` is where another reading goes on.

    Raises ApiError if nothing at all was seen.
    """
    why = ""
    try:
        await reader.show_all(visit)
    except ApiError as error:
        if not reader.read:
            raise
        why = f"PostHog stopped answering ({error.code})"
    if reader.out_of_time:
        why = "that took as long as many clients wait for a call"
    if reader.cut:
        why = "an hour's rate limit is used up"
    if why:
        rest = f" of {reader.total:,}" if reader.total else ""
        return f"Stopped after {reader.read:,}{rest} symbol sets, {reader.order}: {why}. The rest was not seen."
    if reader.doubtful:
        return "The list changed its order while it was read: some symbol sets may have been passed over."
    return ""
