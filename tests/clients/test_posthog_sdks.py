"""PostHog's own SDKs report errors to the sandbox, and our tools lead from a minified one to its source."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import RELEASES
from tests.support.browser import Browser, serve_pages
from tests.support.bundler import bundle_reporting_app, bundle_reporting_page, inject
from tests.support.fixtures import Answer, Connect
from tests.support.installed import environment
from tests.support.npm import CLIENTS, Node
from tests.support.upstream import Upstream, serve

pytestmark = pytest.mark.anyio

AN_HOUR_AGO = timedelta(hours=1)
DIAGNOSE = "error-tracking-issues-diagnose"
EVENTS = "query-error-tracking-issue-events"
RESOLVE = "error-tracking-stack-traces-resolve"
UPLOAD = "error-tracking-symbol-sets-upload"
ORIGINAL = [("main", "../src/main.ts", 8), ("averagePrice", "../src/cart.ts", 8)]


@pytest.fixture
def an_hour_ago(database: Database) -> Iterator[Upstream]:
    """Serve the same project as it was an hour ago: PostHog looks for a map again only after a while."""
    with serve(create_app(database, now=lambda: datetime.now(UTC) - AN_HOUR_AGO)) as upstream:
        yield upstream


def run_program(origin: str, *options: str) -> None:
    """Run the program in Python, which reports its error there."""
    command = [sys.executable, str(CLIENTS / "reporting_app" / "program.py"), origin, *options]
    subprocess.run(command, check=True, timeout=60, env=environment())


async def reported(answer: Answer, client: Client) -> list[dict[str, Any]]:
    """List the issues that the apps of this test reported."""
    listed = await answer(client, "query-error-tracking-issues-list", search="average price")
    results: list[dict[str, Any]] = listed["results"]
    return results


async def upload(answer: Answer, client: Client, **arguments: Any) -> dict[str, Any]:
    """Plan an upload of the build, and carry it out."""
    planned = await answer(client, UPLOAD, **arguments)
    return await answer(client, UPLOAD, **arguments, confirm=planned["confirm"])


async def test_an_error_of_a_bundle_goes_from_minified_to_readable(  # noqa: PLR0913, PLR0917
    node: Node, an_hour_ago: Upstream, sandbox: Upstream, connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """Never uploaded, then uploaded: the stored event is resolved on the spot, and the next one comes readable.

    Another tool has injected the bundle; its id is kept.
    """
    script = bundle_reporting_app(tmp_path)
    ref = inject(script)
    deployed = script.read_bytes()
    done = node(script, an_hour_ago.url)
    assert done.returncode == 0, done.stderr
    release = {"project": RELEASES[0].project, "version": RELEASES[0].version, "release_mode": "symbol-set"}
    async with connect(build_root=str(script.parent)) as client:
        [minified] = await reported(answer, client)
        before = await answer(client, DIAGNOSE, issue_id=minified["id"])
        sent = await upload(answer, client, **release, inject=False)
        uploaded = await answer(client, DIAGNOSE, issue_id=minified["id"])
        resolved = await answer(client, RESOLVE, issue_id=minified["id"])
        assert node(script, sandbox.url).returncode == 0
        [readable] = [issue for issue in await reported(answer, client) if issue["id"] != minified["id"]]
        stayed = await answer(client, DIAGNOSE, issue_id=minified["id"])
        events = await answer(client, EVENTS, issue_id=readable["id"])
        both = [resolved, await answer(client, RESOLVE, issue_id=readable["id"])]
        releases = await answer(client, "error-tracking-issues-releases", issue_id=readable["id"])
    assert [(cause["kind"], cause["ref"]) for cause in before["causes"]] == [("never_uploaded", ref)]
    assert "errtrack-mcp upload DIST" in before["causes"][0]["remedy"]
    assert [(each["state"], each["chunk_id"]) for each in sent["scripts"]] == [("uploaded", ref)]
    assert script.read_bytes() == deployed
    assert uploaded["causes"][0]["now"].startswith("has not occurred since its upload began")
    assert [each["readable"] for each in both] == [True, True]
    assert all("at averagePrice (../src/cart.ts:8:11)" in each["stack_trace"] for each in both)
    assert '>     8 |     throw new RangeError("A cart without lines has no average price");' in resolved["stack_trace"]
    assert stayed["readable"] is False
    assert stayed["causes"][0]["now"].startswith("fixed since")
    assert places(events) == ORIGINAL
    assert RELEASES[0].version in str(releases)


async def test_a_bundle_that_nobody_injected_is_readable_after_one_upload(
    node: Node, sandbox: Upstream, connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """Minified and without any id at first; the files that the upload injected run, and their errors are readable."""
    script = bundle_reporting_app(tmp_path)
    assert node(script, sandbox.url).returncode == 0
    async with connect(build_root=str(script.parent)) as client:
        [minified] = await reported(answer, client)
        before = await answer(client, EVENTS, issue_id=minified["id"])
        sent = await upload(answer, client, project="cart", version="1.0")
        done = node(script, sandbox.url)
        assert done.returncode == 0, done.stderr
        [readable] = [issue for issue in await reported(answer, client) if issue["id"] != minified["id"]]
        found = await answer(client, DIAGNOSE, issue_id=readable["id"])
        events = await answer(client, EVENTS, issue_id=readable["id"])
    assert all(source.endswith("dist/app.js") for _, source, _ in places(before))
    assert sent["uploaded"] is True
    assert found["readable"] is True
    assert places(events) == ORIGINAL


def places(events: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Return where the last two frames of the newest event are."""
    [frames] = [each["frames"] for each in events["results"][0]["exceptions"]]
    return [(frame["function"], frame["source"], frame["line"]) for frame in frames[-2:]]


@pytest.mark.browser
async def test_an_error_of_a_page_goes_from_minified_to_readable(  # noqa: PLR0913, PLR0917
    browser: Browser, an_hour_ago: Upstream, sandbox: Upstream, connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """In a real browser, from another origin, and caught by PostHog's SDK itself: nobody calls it."""
    script = bundle_reporting_page(tmp_path)
    ref = inject(script)
    with serve_pages(script.parent) as shop:
        browser(f"{shop}/index.html?host={an_hour_ago.url}")
        async with connect(build_root=str(script.parent)) as client:
            [minified] = await reported(answer, client)
            before = await answer(client, DIAGNOSE, issue_id=minified["id"])
            await upload(answer, client, project="cart", version="1.0", release_mode="symbol-set", inject=False)
            resolved = await answer(client, RESOLVE, issue_id=minified["id"])
            browser(f"{shop}/index.html?host={sandbox.url}")
            [readable] = [issue for issue in await reported(answer, client) if issue["id"] != minified["id"]]
            events = await answer(client, EVENTS, issue_id=readable["id"])
    assert (minified["name"], minified["library"]) == ("RangeError", "web")
    assert [(cause["kind"], cause["ref"]) for cause in before["causes"]] == [("never_uploaded", ref)]
    assert resolved["readable"] is True
    assert '>     8 |     throw new RangeError("A cart without lines has no average price");' in resolved["stack_trace"]
    [frames] = [each["frames"] for each in events["results"][0]["exceptions"]]
    assert (frames[-1]["function"], frames[-1]["source"], frames[-1]["line"]) == ("averagePrice", "../src/cart.ts", 8)
    assert events["results"][0]["exceptions"][0]["handled"] is False


@pytest.mark.parametrize("options", [(), ("--gzip",)])
async def test_an_error_of_a_python_program_is_readable_at_once(
    sandbox: Upstream, connect: Connect, answer: Answer, options: tuple[str, ...]
) -> None:
    """Its frames bring their lines along; the cause follows the error."""
    run_program(sandbox.url, *options)
    async with connect() as client:
        [issue] = await reported(answer, client)
        found = await answer(client, DIAGNOSE, issue_id=issue["id"])
        events = await answer(client, EVENTS, issue_id=issue["id"])
    assert found["readable"] is True
    assert issue["name"] == "LookupError"
    error, cause = events["results"][0]["exceptions"]
    assert (error["type"], error["handled"], cause["type"]) == ("LookupError", True, "ZeroDivisionError")
    assert [(frame["function"], frame["source"]) for frame in cause["frames"]] == [
        ("main", "program.py"),
        ("average_price", "program.py"),
    ]
