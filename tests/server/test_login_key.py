"""The key of a login: which one a call gets, and when it is looked for."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from mcp import Client
from pydantic import SecretStr

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, OTHER_PROJECT_ID, PROJECT_ID, SCOPED_KEY
from errtrack_mcp.server.app import local_server
from errtrack_mcp.server.login_key import Login, SeveralHosts, chosen
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Answer, Refusal
from tests.support.upstream import Upstream, serve

US, EU = "https://us.posthog.com", "https://eu.posthog.com"
LIST = "error-tracking-releases-list"
NEWEST_FIRST = [Login(host, project, SecretStr("phx_made_up")) for host, project in ((EU, "3"), (US, "2"), (EU, "1"))]


@pytest.mark.parametrize(
    ("host", "project", "expected"),
    [
        (None, "", (EU, "3")),
        (None, "@current", (EU, "3")),
        (None, "1", (EU, "1")),
        (None, "2", (US, "2")),
        (None, "99", (EU, "3")),
        (US, "", (US, "2")),
        (US, "1", (US, "2")),
        ("https://posthog.example", "1", None),
    ],
)
def test_a_login_fits_host_and_project(host: str | None, project: str, expected: tuple[str, str] | None) -> None:
    """That of the project, else the newest one; never one of another host than the settings name."""
    found = chosen(NEWEST_FIRST, host, project)
    assert (found and (found.host, found.project)) == expected


def test_a_number_that_two_hosts_hold_is_refused_with_their_names() -> None:
    """They are two projects; the newest login says nothing of which one is meant. A host that is named decides."""
    logins = [Login(EU, "3", SecretStr("phx_made_up")), Login(US, "3", None)]
    with pytest.raises(SeveralHosts, match=f"a project 3 at each of {EU} and {US}: set POSTHOG_HOST"):
        chosen(logins, None, "3")
    assert chosen(logins, US, "3") == logins[1]
    assert chosen(logins, None, "") == logins[0]


@dataclass
class Made:
    """Logins that a test makes; counts the looks."""

    made: Sequence[Login] = ()
    known: Sequence[Login] = ()
    problem: str = ""
    looks: int = 0

    async def look(self) -> None:
        """Find them."""
        self.looks += 1
        self.known = self.made


@asynccontextmanager
async def connect(logins: Made, **variables: str) -> AsyncIterator[Client]:
    """Connect to a server that was given no key."""
    async with local_server(load_settings(None, **variables), None, logins) as server, Client(server) as client:
        yield client


@pytest.fixture
def other_sandbox(database: Database) -> Iterator[Upstream]:
    """Serve the same project at another address."""
    with serve(create_app(database)) as upstream:
        yield upstream


def login(upstream: Upstream, project: int = PROJECT_ID, key: str | None = FULL_KEY) -> Login:
    """Return a login to a sandbox."""
    return Login(upstream.url, str(project), None if key is None else SecretStr(key))


@pytest.mark.anyio
async def test_a_login_after_the_start_is_found_by_the_next_call(
    sandbox: Upstream, answer: Answer, refusal: Refusal
) -> None:
    """Listing tools looks for none; a logout ends it again."""
    logins = Made()
    async with connect(logins) as client:
        await client.list_tools()
        assert logins.looks == 0
        assert "errtrack-mcp login" in await refusal(client, LIST)
        logins.made = [login(sandbox)]
        assert (await answer(client, LIST, limit=1))["results"]
        logins.made = []
        assert (await refusal(client, LIST)).startswith("no_key: ")
    assert [request.split("?")[0] for request in sandbox.requests] == [
        f"GET /api/projects/{PROJECT_ID}/error_tracking/releases/"
    ]


@pytest.mark.anyio
async def test_the_project_is_that_of_the_login(sandbox: Upstream, answer: Answer) -> None:
    """Its key opens no other; one that the call names has its own login."""
    logins = Made([login(sandbox, OTHER_PROJECT_ID, SCOPED_KEY), login(sandbox)])
    async with connect(logins, POSTHOG_HOST=sandbox.url) as client:
        for asked, versions in (({}, ["0.4.1"]), ({"project_id": "@current"}, ["0.4.1"])):
            assert [row["version"] for row in (await answer(client, LIST, **asked))["results"]] == versions
        named = await answer(client, LIST, project_id=str(PROJECT_ID), limit=1)
    assert named["results"][0]["project"] == "storefront-web"


@pytest.mark.anyio
async def test_each_key_goes_to_the_host_that_made_it(
    sandbox: Upstream, other_sandbox: Upstream, answer: Answer
) -> None:
    """Where the settings name no host, the login does; where they name one, only its own logins count."""
    both = [login(other_sandbox), login(sandbox)]
    async with connect(Made(both)) as client:
        await answer(client, LIST, limit=1)
    assert (len(sandbox.requests), len(other_sandbox.requests)) == (0, 1)
    async with connect(Made(both), POSTHOG_HOST=sandbox.url) as client:
        await answer(client, LIST, limit=1)
    assert (len(sandbox.requests), len(other_sandbox.requests)) == (1, 1)


@pytest.mark.anyio
async def test_a_project_of_two_hosts_is_asked_of_neither(
    sandbox: Upstream, other_sandbox: Upstream, refusal: Refusal
) -> None:
    """The refusal says what to set."""
    async with connect(Made([login(other_sandbox), login(sandbox)])) as client:
        said = await refusal(client, LIST, project_id=str(PROJECT_ID))
    assert f"at each of {other_sandbox.url} and {sandbox.url}: set POSTHOG_HOST to one of them." in said
    assert not sandbox.requests + other_sandbox.requests


@pytest.mark.anyio
async def test_a_key_that_cannot_be_had_is_not_replaced_by_another(sandbox: Upstream, refusal: Refusal) -> None:
    """The answer would be that of another project: the reason is told instead."""
    logins = Made([login(sandbox, OTHER_PROJECT_ID, None), login(sandbox)], problem="The keyring is locked.")
    async with connect(logins) as client:
        said = await refusal(client, LIST)
    assert said == "no_key: The keyring is locked. Nothing was sent. Fix this, then try again."
    assert not sandbox.requests


@pytest.mark.anyio
async def test_the_settings_go_before_a_login(sandbox: Upstream, answer: Answer) -> None:
    """Nothing is looked for where they hold a key; a project that they fix is asked with the login's key."""
    logins = Made([login(sandbox)])
    async with connect(logins, POSTHOG_HOST=sandbox.url, POSTHOG_PERSONAL_API_KEY=SCOPED_KEY) as client:
        await client.call_tool(LIST, {})
    assert logins.looks == 0
    async with connect(logins, POSTHOG_HOST=sandbox.url, POSTHOG_PROJECT_ID=str(OTHER_PROJECT_ID)) as client:
        assert [row["version"] for row in (await answer(client, LIST))["results"]] == ["0.4.1"]
    async with connect(logins, POSTHOG_HOST=sandbox.url, POSTHOG_ENVIRONMENT_ID=str(PROJECT_ID)) as client:
        await answer(client, LIST)
    assert f"/api/environments/{PROJECT_ID}/" in sandbox.requests[-1]
