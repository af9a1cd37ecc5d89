"""Which query is asked of which host, and what counts as missing routes."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import BadRequest, NotFound
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.tools.issues.queries import Rows, ask_general, ask_route, of_issue
from tests.support.misbehaving import Misbehaving, http, misbehave
from tests.support.replies import envelope, json_of

pytestmark = pytest.mark.anyio

ID = "019a9da0-9220-7000-912a-de2d7c339fae"
NO_ROUTE = envelope(404, "api_not_found", "Endpoint not found.")
NOTHING = http(404)
NO_PROJECT = envelope(404, "not_found", "Project not found.")
ISSUE = json_of({"id": ID})
NO_ROWS = json_of({"results": [], "hasMore": False})
PAGE = json_of({"count": 1, "next": None, "results": [{"id": ID}]})


def client(upstream: Misbehaving) -> Client:
    """Return a client of an upstream that answers byte by byte."""
    return Client(HttpTransport(upstream.url), SecretStr("phx_x"), ("projects", "7"), retry=RetryPolicy(attempts=0))


@pytest.fixture(params=[NO_ROUTE, NOTHING], ids=["with a body", "with an empty body"])
def missing(request: pytest.FixtureRequest) -> Any:
    """Give both answers that an unknown route may have: which one is not documented."""
    return request.param


async def test_missing_routes_are_remembered(missing: bytes) -> None:
    """The issue exists, the API answers, and the routes do not."""
    with misbehave(missing, ISSUE, PAGE, missing) as upstream:
        api = client(upstream)
        assert await ask_route(api, "issue", {"issueId": ID}, Rows[Any]) is None
        assert await ask_route(api, "issues", {}, Rows[Any]) is None
        assert len(upstream.requests) == 4
        assert api.query_routes.are_missing(upstream.url)


async def test_a_missing_issue_is_not_taken_for_missing_routes() -> None:
    """Other callers of the host would be sent to another query, which their keys may not be allowed to ask."""
    with misbehave(NOTHING, envelope(404, "not_found", "Not found.")) as upstream:
        api = client(upstream)
        with pytest.raises(NotFound) as raised:
            await ask_route(api, "issue", {"issueId": ID}, Rows[Any])
    assert raised.value.request.path == ("issues", ID)
    assert not api.query_routes.are_missing(upstream.url)


async def test_a_missing_project_is_not_taken_for_missing_routes() -> None:
    """A caller who names a wrong project changes nothing for others."""
    with misbehave(NO_PROJECT) as upstream:
        api = client(upstream)
        with pytest.raises(NotFound):
            await ask_route(api, "issues", {}, Rows[Any])
    assert not api.query_routes.are_missing(upstream.url)


async def test_an_issue_that_only_the_query_does_not_know_yet_is_not_found() -> None:
    """The probe shows that the routes are there."""
    with misbehave(NOTHING, ISSUE, PAGE, NO_ROWS) as upstream:
        api = client(upstream)
        with pytest.raises(NotFound):
            await ask_route(api, "issue", {"issueId": ID}, Rows[Any])
    assert not api.query_routes.are_missing(upstream.url)


async def test_objects_inside_of_text_are_unpacked_and_cleaned() -> None:
    """However long the text is: it is cut value by value, as everything else is."""
    text = '{"a": "x\\u200by", "b": "' + "z" * 9_000 + '"}'
    with misbehave(json_of({"results": [[text, text], ["{", 7]]})) as upstream:
        rows = await ask_general(client(upstream), {"kind": "HogQLQuery"}, Rows[Any], json_columns=[0])
    (unpacked, packed), (broken, number) = rows.results
    assert unpacked["a"] == r"x\u200by"
    assert unpacked["b"].startswith("zzz")
    assert "cut" in unpacked["b"]
    assert isinstance(packed, str)
    assert (broken, number) == (None, 7)


async def test_the_general_query_is_asked_beside_error_tracking() -> None:
    """Its refusal is one like any other."""
    with misbehave(envelope(400, "validation_error", "no such table")) as upstream:
        with pytest.raises(BadRequest):
            await ask_general(client(upstream), {"kind": "HogQLQuery"}, Rows[Any])
        assert upstream.requests == ["POST /api/projects/7/query/ HTTP/1.1"]


def test_the_frozen_issue_of_an_event_counts_on_old_hosts_only() -> None:
    """Newer ones keep issue_id up to date, and the frozen one would bring back what was split off."""
    api = Client(HttpTransport("https://posthog.example"), None, ("projects", "7"))
    assert of_issue(api, ID) == f"issue_id = toUUID('{ID}')"
    api.query_routes.note_missing(api.origin)
    assert "$exception_issue_id" in of_issue(replace(api, key=SecretStr("phx_other")), ID)
