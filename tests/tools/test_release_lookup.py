"""A release by what a person calls it, against the sandbox."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, release_id
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.release_lookup import find_release, find_version

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(database: Database) -> AsyncIterator[Client]:
    """Give an API client of the seeded project, in memory."""
    transport = HttpTransport("http://localhost", create_app(database))
    yield Client(transport, SecretStr(FULL_KEY), ("projects", str(PROJECT_ID)))
    await transport.aclose()


@pytest.mark.parametrize(
    ("named", "project", "number"),
    [(release_id(3), "", 3), ("mobile-119", "", 3), ("2.13.2", "storefront-web", 2), ("1.9.1-hotfix", "", 7)],
)
async def test_it_is_found_by_id_hash_id_or_version(api: Client, named: str, project: str, number: int) -> None:
    """Whatever it is called, it is the same release."""
    assert (await find_release(api, named, project)).id == release_id(number)


async def test_a_version_of_two_apps_asks_for_the_project(api: Client, database: Database) -> None:
    """It does not take the newest in silence, and names both."""
    database.execute("UPDATE releases SET version = '5' WHERE id IN (?, ?)", (release_id(0), release_id(1)))
    with pytest.raises(Refusal, match="Several projects have version") as refused:
        await find_version(api, "5")
    assert "checkout-api" in refused.value.message
    assert (await find_version(api, "5", "checkout-api")).id == release_id(1)


async def test_two_releases_of_one_version_are_named_by_id(api: Client, database: Database) -> None:
    """Two deployments of one version are told apart by their ids."""
    database.execute(
        "UPDATE releases SET version = '5', project = 'a' WHERE id IN (?, ?)", (release_id(0), release_id(1))
    )
    with pytest.raises(Refusal, match="2 releases are version") as refused:
        await find_version(api, "5", "a")
    assert release_id(0) in refused.value.message
    assert release_id(1) in refused.value.message


async def test_a_name_that_nothing_has_is_refused_with_a_way_on(api: Client) -> None:
    """It says where to look, and what `project` means."""
    with pytest.raises(Refusal, match="error-tracking-releases-list"):
        await find_release(api, "no such", "app")
