"""The app of the demo: its errors come from where its code is, before and after an injection."""

from pathlib import Path

import pytest
from mcp import Client

from errtrack_mcp.builds.inject import with_injection
from errtrack_mcp.cli.demo_app import SCRIPT, DeployedApp
from errtrack_mcp.sandbox.database import Database
from tests.support.fixtures import Answer, Connect
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio


async def newest_frames(client: Client, answer: Answer) -> list[tuple[str, int]]:
    """Return function and column of each frame of the newest error."""
    listed = await answer(
        client, "query-error-tracking-issues-list", search="reading 'discount'", order_by="first_seen"
    )
    events = await answer(client, "query-error-tracking-issue-events", issue_id=listed["results"][0]["id"])
    frames = events["results"][0]["exceptions"][0]["frames"]
    return [(frame["function"], frame["column"]) for frame in frames]


async def test_an_error_comes_from_where_the_code_is(
    sandbox: Upstream, database: Database, connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """An injection moves the columns, and the page then reports the chunk id."""
    app = DeployedApp(tmp_path)
    async with connect() as client:
        app.fail(sandbox.url)
        before = await newest_frames(client, answer)
        script = app.folder / SCRIPT
        edited = with_injection(script.read_text(), "an-id")
        script.write_text(edited.script)
        app.fail(sandbox.url)
        after = await newest_frames(client, answer)
    assert [function for function, _ in before] == ["c", "submit", "i", "u"]
    assert edited.place is not None
    assert after == [(function, column + edited.place.width) for function, column in before]
    assert database.one("SELECT 1 FROM exception_events WHERE properties LIKE '%an-id%'") is not None
