"""Where maps come from, and what is said where there is none."""

import pytest
from benchmarks.large_map import large_build

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import chunk_id
from tests.support.fixtures import Answer, Connect
from tests.support.uploading import upload
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

TOOL = "error-tracking-stack-traces-resolve"


def trace(*urls: str) -> str:
    """Return a trace with a frame in each of these scripts."""
    return "\n".join(["Error: x", *(f"    at f ({url}:1:48)" for url in urls)])


async def test_a_file_is_fetched_once_for_all_its_frames(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """The row, the link, the file: three requests, and the link is in none of the answers."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace(*["a.js"] * 5), refs=[chunk_id("unbound/main")])
    assert len(sandbox.requests) == 3
    assert "object-storage" not in str(resolved)


async def test_a_damaged_file_says_what_is_wrong_with_it(connect: Connect, answer: Answer, database: Database) -> None:
    """Kept apart from an upload that was never finished."""
    ref = "https://shop.northwind.example/static/js/app.9a1f2c.js"
    [row] = database.all("SELECT failure_reason FROM symbol_sets WHERE failure_reason IS NOT NULL LIMIT 1")
    database.execute(
        "UPDATE symbol_sets SET ref = ?, storage_ptr = NULL, failure_reason = ? WHERE ref = ?",
        (ref, row["failure_reason"], chunk_id("unbound/main")),
    )
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace(ref))
    [frame] = resolved["traces"][0]["frames"]
    assert frame["reason"] == "fetch_failed"
    assert frame["detail"]


async def test_a_map_of_20_megabytes_is_used(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Every frame, from the first module to the last."""
    build = large_build(20_000_000)
    upload(sandbox.url, "large", build.container("large"))
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=build.trace(50), refs=["large"])
    frames = resolved["traces"][0]["frames"]
    step = len(build.columns) // 50
    assert len(build.source_map) > 19_000_000
    assert [frame["source"] for frame in frames] == [f"src/module{number * step:05}.ts" for number in range(50)]
