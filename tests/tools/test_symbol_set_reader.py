"""Reading every symbol set while others add and delete them, through the sandbox or an API of our own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ServerError
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.tools import symbol_set_reader as reader_module
from errtrack_mcp.tools.symbol_set_reader import RateLimiter, SymbolSetReader, read_all

pytestmark = pytest.mark.anyio


class Project:
    """A list of symbol sets, newest first; `before_page` may change it before a page is answered."""

    def __init__(self, number: int) -> None:
        self.rows = [f"id-{index}" for index in range(number)]
        self.before_page: Callable[[int], None] = lambda _offset: None
        self.refuse: Callable[[int], JSONResponse | None] = lambda _offset: None
        self.counting = True
        self.offsets: list[int] = []
        self.waiting = self.most_at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one page, after others had their chance to ask."""
        query = parse_qs(Request(scope).url.query)
        offset = int(query.get("offset", ["0"])[0])
        self.offsets.append(offset)
        self.waiting += 1
        self.most_at_once = max(self.most_at_once, self.waiting)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        self.waiting -= 1
        self.before_page(offset)
        answer = self.refuse(offset)
        if answer is None:
            rows = self.rows[offset : offset + 100]
            following = "http://x/?offset" if offset + 100 < len(self.rows) else None
            count = len(self.rows) if self.counting else None
            body = {"count": count, "next": following, "results": [{"id": row, "ref": row} for row in rows]}
            answer = JSONResponse(body)
        await answer(scope, receive, send)


@asynccontextmanager
async def client_of(project: Project) -> AsyncIterator[Client]:
    """Give a client of a project that does not wait between tries."""
    pool = HttpTransport("http://localhost", project)
    try:
        yield Client(pool, SecretStr("phx_x"), ("projects", "1"), retry=RetryPolicy(first_wait=0.0))
    finally:
        await pool.aclose()


async def ids_of(project: Project) -> list[str]:
    """Read a whole project."""
    async with client_of(project) as api:
        return await ids_in(SymbolSetReader(api))


async def ids_in(reader: SymbolSetReader) -> list[str]:
    """Show a whole reader."""
    ids: list[str] = []
    await reader.show_all(lambda row: ids.append(row["id"]))
    return ids


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 199, 200, 1_000, 3_333])
@pytest.mark.parametrize("counting", [True, False])
async def test_every_row_comes_once_and_in_order(number: int, *, counting: bool) -> None:
    """Whatever the number of rows, and whether or not the API counts them."""
    project = Project(number)
    project.counting = counting
    assert await ids_of(project) == [f"id-{index}" for index in range(number)]
    assert project.most_at_once <= 8
    wasted = 0 if counting else 16
    assert len(project.offsets) <= max(1, -(-(number - 1) // 99)) + 1 + wasted


async def test_eight_pages_are_read_at_once() -> None:
    """As many as that where there are so many, and never more."""
    project = Project(5_000)
    await ids_of(project)
    assert project.most_at_once == 8


@pytest.mark.parametrize("deleted", [1, 5, 60, 99, 150])
async def test_rows_deleted_while_reading_hide_no_other(deleted: int) -> None:
    """Rows that were read and then deleted pull others over the border of a page; those are still found."""
    project = Project(3_000)
    kept = set(project.rows[deleted:])

    def delete(offset: int) -> None:
        if offset >= 1_000 and len(project.rows) == 3_000:
            del project.rows[:deleted]

    project.before_page = delete
    ids = await ids_of(project)
    assert len(ids) == len(set(ids))
    assert kept <= set(ids)


async def test_a_row_deleted_before_every_page_hides_no_other() -> None:
    """Someone tidies up all the time, at the front and in the middle."""
    project = Project(2_000)

    def delete(_offset: int) -> None:
        for place in (0, len(project.rows) // 2):
            del project.rows[place]

    project.before_page = delete
    ids = await ids_of(project)
    assert len(ids) == len(set(ids))
    assert set(project.rows) <= set(ids)


@pytest.mark.parametrize("added", [1, 7, 250])
async def test_rows_added_while_reading_make_none_come_twice(added: int) -> None:
    """New rows push others over the border of a page: each comes once, and all old ones come."""
    project = Project(2_000)
    old = set(project.rows)
    counter: Iterator[int] = iter(range(10**6))

    def add(offset: int) -> None:
        if offset:
            project.rows[:0] = [f"new-{next(counter)}" for _ in range(added)]
            project.before_page = (lambda _offset: None) if added > 10 else add

    project.before_page = add
    ids = await ids_of(project)
    assert len(ids) == len(set(ids))
    assert old <= set(ids)


async def test_a_list_without_order_is_doubted() -> None:
    """An installation that does not keep an order is read to its end, once, and not trusted."""
    project = Project(10_000)

    def rotate(_offset: int) -> None:
        project.rows = project.rows[313:] + project.rows[:313]

    project.before_page = rotate
    async with client_of(project) as api:
        reader = SymbolSetReader(api)
        ids = await ids_in(reader)
    assert len(ids) == len(set(ids))
    assert reader.doubtful
    assert len(project.offsets) <= 110 + reader_module.MAX_READ_AGAIN


async def test_rows_before_a_failure_are_given_out_first() -> None:
    """What a failing page leaves behind it is not seen; what came before it is."""
    project = Project(2_000)
    body = {"type": "server_error", "code": "error", "detail": "", "attr": None}
    project.refuse = lambda offset: JSONResponse(body, 500) if offset == 5 * 99 else None
    ids: list[str] = []
    async with client_of(project) as api:
        reader = SymbolSetReader(api)
        with pytest.raises(ServerError):
            await reader.show_all(lambda row: ids.append(row["id"]))
    assert ids == project.rows[: 4 * 99 + 100]
    assert (reader.read, reader.total) == (496, 2_000)


async def test_a_rate_limit_is_waited_for_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that is longer than one call may take is still taken by the reader, with a sentence about it."""
    project = Project(500)
    slept: list[float] = []
    said: list[str] = []
    refusals = iter([30])

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def report(_done: float, _total: float | None, words: str) -> None:
        said.append(words)

    def refuse(offset: int) -> JSONResponse | None:
        wait = next(refusals, None) if offset == 99 else None
        body = {"type": "throttled_error", "code": "throttled", "detail": "", "attr": None}
        return JSONResponse(body, 429, {"Retry-After": str(wait)}) if wait else None

    project.refuse = refuse
    monkeypatch.setattr("anyio.sleep", sleep)
    async with client_of(project) as api:
        ids = await ids_in(SymbolSetReader(api, report))
    assert ids == project.rows
    assert 30 in slept
    assert "Read 100 of 500 symbol sets. Waiting 30 s for PostHog." in said


async def test_no_more_start_in_a_minute_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next request waits until the first of the last so many is a minute old."""
    now = 1_000.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.extend([seconds] if seconds else [])
        now += seconds

    monkeypatch.setattr("anyio.sleep", sleep)
    monkeypatch.setattr("anyio.current_time", lambda: now)
    pace = RateLimiter(most=3)
    for _ in range(7):
        await pace.admit()
        now += 1
    assert slept == [57.0, 57.0]


async def test_cancelled_reading_asks_no_further() -> None:
    """Cancelling causes no more requests than those under way."""
    project = Project(10_000)
    async with client_of(project) as api:
        with anyio.CancelScope() as scope:
            await SymbolSetReader(api).show_all(lambda row: scope.cancel() if row["id"] == "id-2000" else None)
        assert scope.cancelled_caught
    assert len(project.offsets) <= 1 + 2_000 // 99 + reader_module.MAX_HELD


async def test_a_slow_page_holds_up_no_more_than_a_few() -> None:
    """Others are read meanwhile, as many as may be held; then all wait for it."""
    project = Project(5_000)
    held = asked = 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal held, asked
        offset = int(parse_qs(Request(scope).url.query).get("offset", ["0"])[0])
        asked = max(asked, offset)
        if offset == 5 * 99:
            await anyio.wait_all_tasks_blocked()
            held = asked
        await project(scope, receive, send)

    pool = HttpTransport("http://localhost", slow)
    ids = await ids_in(SymbolSetReader(Client(pool, SecretStr("phx_x"), ("projects", "1"))))
    await pool.aclose()
    assert ids == project.rows
    assert held == (5 + reader_module.MAX_HELD - 1) * 99


@pytest.mark.parametrize(("number", "cut"), [(5 * 99 + 1, False), (5 * 99 + 2, True), (2_000, True)])
@pytest.mark.parametrize("counting", [True, False])
async def test_no_more_pages_are_read_than_an_hour_allows(
    monkeypatch: pytest.MonkeyPatch, number: int, *, cut: bool, counting: bool
) -> None:
    """The rest is not seen, and that is said; a list that ends with the last page that may be read is whole."""
    monkeypatch.setattr(reader_module, "MAX_PAGES", 5)
    project = Project(number)
    project.counting = counting
    async with client_of(project) as api:
        reader = SymbolSetReader(api)
        seen: list[str] = []
        said = await read_all(reader, lambda row: seen.append(row["id"]))
    assert seen == project.rows[: 4 * 99 + 100]
    assert reader.cut is cut
    assert ("an hour's rate limit is used up" in said) is cut
    assert max(project.offsets) == 4 * 99
