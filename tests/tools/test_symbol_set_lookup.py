"""Asking the project for the chunk ids of a build: how many at once, and what a failure leaves known."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import anyio.lowlevel
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import RateLimited, TimedOut, Unauthenticated
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.builds.directory import BuildDirectory, Bundle
from errtrack_mcp.builds.script import Script
from errtrack_mcp.builds.source_map import MapState
from errtrack_mcp.builds.verdict import Uploaded
from errtrack_mcp.tools import symbol_set_lookup
from errtrack_mcp.tools.build_check import Lookup, conclude, look_up

HERE = Path(__file__).parent


class Project:
    """An API that answers every list with what `answer` makes of the ref, and remembers how many asked at once."""

    def __init__(self, answer: Callable[[str, int], Response]) -> None:
        self.answer = answer
        self.asked = self.waiting = self.most_at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer after others had their chance to ask."""
        self.asked += 1
        self.waiting += 1
        self.most_at_once = max(self.most_at_once, self.waiting)
        number = self.asked
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        self.waiting -= 1
        (ref,) = parse_qs(Request(scope).url.query)["ref"]
        await self.answer(ref, number)(scope, receive, send)


def found(*rows: dict[str, object]) -> Response:
    """Return a page of a list."""
    return JSONResponse({"count": len(rows), "next": None, "previous": None, "results": list(rows)})


def refused(status: int, code: str, **headers: str) -> Response:
    """Return an error as the API words it."""
    body = {"type": "error", "code": code, "detail": "", "attr": None}
    return JSONResponse(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def bundles(number: int) -> list[Bundle]:
    """Make scripts with chunk ids of their own."""
    scripts = [Script(9_000, str(index).encode(), f"id-{index}", registered=True) for index in range(number)]
    return [Bundle(f"{script.chunk_id}.js", script, MapState.PRESENT) for script in scripts]


async def ask(project: Project, number: int) -> Lookup:
    """Look up so many chunk ids."""

    async def silent(_done: float, _total: float | None, _words: str) -> None:
        pass

    pool = HttpTransport("http://localhost", project)
    try:
        return await look_up(Client(pool, SecretStr("phx_x"), ("projects", "1")), bundles(number), silent)
    finally:
        await pool.aclose()


@pytest.mark.anyio
async def test_eight_are_asked_about_at_once() -> None:
    """As many as that where there is work for them, and never more."""
    project = Project(lambda _ref, _number: found())
    lookup = await ask(project, 100)
    assert project.most_at_once == 8
    assert project.asked == len(lookup.uploaded) == 100


@pytest.mark.anyio
async def test_only_a_file_for_that_very_ref_counts() -> None:
    """A reason next to a file is an old one; a row of another ref comes from an API that does not filter."""
    rows: dict[str, list[dict[str, object]]] = {
        "id-0": [{"id": "1", "ref": "id-0", "has_uploaded_file": True}],
        "id-1": [{"id": "1", "ref": "id-1", "has_uploaded_file": False}],
        "id-2": [
            {"id": "1", "ref": "id-2", "has_uploaded_file": True, "failure_reason": '{"JavaScript":"NoSourcemap"}'}
        ],
        "id-3": [],
        "id-4": [{"id": "1", "ref": "other", "has_uploaded_file": True}],
        "id-5": [{"id": "1", "ref": "id-5", "storage_ptr": "symbolsets/1"}],
    }
    lookup = await ask(Project(lambda ref, _number: found(*rows[ref])), 6)
    assert lookup.uploaded == {
        "id-0": Uploaded.FILE,
        "id-1": Uploaded.FAILED,
        "id-2": Uploaded.FILE,
        "id-3": Uploaded.NOTHING,
        "id-5": Uploaded.FILE,
    }
    check = conclude(BuildDirectory(HERE, HERE), bundles(6), lookup, "A=1")
    assert "1 uploaded symbol set works; a failure_reason there is older than the file." in check.notes


@pytest.mark.anyio
async def test_a_limit_reached_on_the_way_leaves_what_is_known() -> None:
    """What was asked stays; the rest is called not looked up, and the answer is neither yes nor no."""

    def answer(ref: str, number: int) -> Response:
        if number > 20:
            return refused(429, "throttled", retry_after="3600")
        return found({"id": "1", "ref": ref, "has_uploaded_file": True})

    project = Project(answer)
    lookup = await ask(project, 100)
    assert isinstance(lookup.stopped_by, RateLimited)
    assert 13 <= len(lookup.uploaded) <= 20
    assert project.asked <= 28
    check = conclude(BuildDirectory(HERE, HERE), bundles(100), lookup, "A=1")
    assert check.readable is None
    assert check.commands == []
    assert check.states["not_looked_up"].startswith(f"{100 - len(lookup.uploaded)}: ")
    assert any("rate_limited" in note for note in check.notes)


@pytest.mark.anyio
async def test_a_refused_key_ends_it_at_once() -> None:
    """Nothing is known, and no more than those already on their way have asked."""
    project = Project(lambda _ref, _number: refused(401, "authentication_failed"))
    lookup = await ask(project, 100)
    assert isinstance(lookup.stopped_by, Unauthenticated)
    assert lookup.uploaded == {}
    assert project.asked <= 8


@pytest.mark.anyio
async def test_a_long_look_up_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends before a client gives up; the rest is called not looked up, and the answer says why."""
    monkeypatch.setattr(symbol_set_lookup, "MAX_SECONDS", 0.5)

    def answer(ref: str, number: int) -> Response:
        if number > 10:
            return refused(429, "throttled", retry_after="5")  # the client waits so long
        return found({"id": "1", "ref": ref, "has_uploaded_file": True})

    lookup = await ask(Project(answer), 30)
    assert isinstance(lookup.stopped_by, TimedOut)
    assert 0 < len(lookup.uploaded) < 30
