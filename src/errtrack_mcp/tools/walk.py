"""Every symbol set of a project, page by page and several pages at once, with nothing kept of them."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.model import Answer
from errtrack_mcp.api.page import Page

ROWS_A_PAGE = 100  # the API's own maximum (contract, section 3)
AT_ONCE = 8
MOST_PASSES = 3
REPORT_EVERY = 10  # pages


class BoundRelease(Answer):
    """The release that a symbol set names."""

    id: str | None = None
    version: str | None = None
    project: str | None = None


class WalkedSet(Answer):
    """As much of a symbol set as decides what state it is in (contract, section 4)."""

    id: str
    ref: str | None = None
    has_uploaded_file: bool | None = None
    storage_ptr: str | None = None
    failure_reason: str | None = None
    created_at: str | None = None
    last_used: str | None = None
    release: BoundRelease | None = None

    @property
    def has_file(self) -> bool:
        """Whether an upload was begun; before May 2026 a storage pointer stood for that."""
        return bool(self.has_uploaded_file or self.storage_ptr)

    @property
    def release_id(self) -> str | None:
        """The id of the release that it is bound to."""
        return self.release.id if self.release else None


Visit = Callable[[WalkedSet], None]
Report = Callable[[int, int | None], Awaitable[None]]
Look = Callable[[int], Awaitable[int | None]]


@dataclass
class Walk:
    """How far a walk came: rows seen, rows there are (where the API counts), and why it stopped early, if it did."""

    seen: int = 0
    count: int | None = None
    stopped: str = ""
    shrank: bool = False
    _ids: set[int] = field(default_factory=set)

    @property
    def unseen(self) -> int:
        """How many rows are there, as far as the API counts them, that were not seen."""
        return max(0, (self.count or 0) - self.seen)

    def take(self, page: Page[WalkedSet], visit: Visit) -> None:
        """Show each row that was not seen yet: rows move between pages while others come and go."""
        self.shrank = self.shrank or (page.count or 0) < (self.count or 0)
        self.count = page.count
        for row in page.results:
            number = UUID(row.id).int
            if number not in self._ids:
                self._ids.add(number)
                self.seen += 1
                visit(row)

    def offsets(self, first: int) -> Iterator[int]:
        """Return where pages begin, up to the end as it is known when each is asked for."""
        offset = first
        while offset < (self.count or 0):
            yield offset
            offset += ROWS_A_PAGE


async def walk_symbol_sets(
    api: Client, visit: Visit, *, seconds: float, report: Report | None = None, **query: str | None
) -> Walk:
    """Show every symbol set that answers `query` to `visit`, once each, for at most so many `seconds`.

    `report` is told now and then the rows seen and the rows there are. Where the first page fails it raises ApiError;
    what goes wrong later ends the walk, which then says why.
    """
    walk = Walk()

    async def look(offset: int) -> int | None:
        page = await api.get_page(
            "symbol_sets", of=WalkedSet, offset=offset, limit=ROWS_A_PAGE, order_by="ref", **query
        )
        walk.take(page, visit)
        if report and offset // ROWS_A_PAGE % REPORT_EVERY == 0:
            await report(walk.seen, walk.count)
        return page.next_offset

    with anyio.move_on_after(seconds) as limited:
        next_offset = await look(0)
        try:
            await _look_on(walk, look, next_offset)
        except* ApiError as errors:
            walk.stopped = f"PostHog stopped answering ({_first(errors).code})"
    if limited.cancelled_caught:
        walk.stopped = f"{seconds:.0f} seconds had passed"
    return walk


async def _look_on(walk: Walk, look: Look, offset: int | None) -> None:
    """Read the pages from `offset` on, and all of them again when a deletion may have pulled rows past those read."""
    if walk.count is None:
        while offset is not None:
            offset = await look(offset)
        return
    for _ in range(MOST_PASSES if offset is not None else 0):
        offsets = walk.offsets(offset or 0)
        walk.shrank = False
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(_worker, look, offsets)
        if not walk.shrank:
            return
        offset = 0
    if walk.shrank:
        walk.stopped = "symbol sets were being deleted faster than they could be read"


async def _worker(look: Look, offsets: Iterator[int]) -> None:
    for offset in offsets:
        await look(offset)


def _first(errors: BaseExceptionGroup[Any]) -> Any:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
