"""Which symbol sets belong to a release and have a file."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, RELEASES, chunk_id, release_id
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.stack_traces import release_files
from errtrack_mcp.tools.stack_traces.release_files import read_release_files

pytestmark = pytest.mark.anyio

LOADED = 2  # a release with three symbol sets that PostHog has loaded


@pytest.fixture
async def api(database: Database) -> AsyncIterator[Client]:
    """Give an API client of the seeded project, in memory."""
    transport = HttpTransport("http://localhost", create_app(database))
    yield Client(transport, SecretStr(FULL_KEY), ("projects", str(PROJECT_ID)))
    await transport.aclose()


def seeded(number: int) -> Release:
    """Return a seeded release."""
    return Release(id=release_id(number), project=RELEASES[number].project, version=RELEASES[number].version)


async def test_only_its_own_with_a_file_are_read(api: Client, database: Database) -> None:
    """The search also finds a ref with the same words, and a release may have symbol sets without a file."""
    release = seeded(LOADED)
    chunks = [chunk_id(f"{release.project}/{release.version}/{name}") for name in ("main", "vendor", "checkout")]
    database.execute("UPDATE symbol_sets SET storage_ptr = NULL WHERE ref = ?", (chunks[1],))
    database.execute("UPDATE symbol_sets SET ref = ? WHERE ref = ?", (f"x-{release.version}", chunk_id("unbound/main")))
    found = await read_release_files(api, release)
    assert {row.ref for row in found.symbol_sets} == {chunks[0], chunks[2]}
    assert found.complete


async def test_it_stops_after_a_few_pages_and_says_so(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest may hold what was looked for."""
    monkeypatch.setattr(release_files, "PAGE", 1)
    monkeypatch.setattr(release_files, "MAX_PAGES", 2)
    found = await read_release_files(api, seeded(LOADED))
    assert (len(found.symbol_sets), found.complete) == (2, False)
