"""OAuth tokens at the door: asked about once a minute, refused once PostHog no longer takes them.

That nobody holds up others with them is in test_token_check_load.py.
"""

from datetime import UTC, datetime

import pytest

from errtrack_mcp.remote.auth import RequestRefused
from errtrack_mcp.remote.token_check import TokenCheck
from errtrack_mcp.remote.upstream import Upstream as Upstreams
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import FULL_KEY, OTHER_PROJECT_ID, PROJECT_ID
from tests.support.clock import Clock
from tests.support.fixtures import Serve
from tests.support.misbehaving import http, misbehave
from tests.support.serving import call_body, post, posting, serving_here
from tests.support.tokens import CURRENT, TOKEN, caller, store_token
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

INTROSPECT = "POST /oauth/introspect/"


async def test_a_token_is_asked_about_once_a_minute(
    sandbox: Upstream, database: Database, upstreams: Upstreams, clock: Clock
) -> None:
    """Each token for itself."""
    store_token(database)
    store_token(database, value="pha_another")
    check = TokenCheck(upstreams, clock)
    for key in (TOKEN, TOKEN, "pha_another"):
        await check(caller(sandbox.url, key))
    assert sandbox.requests == [INTROSPECT] * 2
    clock.now += 60
    await check(caller(sandbox.url))
    assert sandbox.requests == [INTROSPECT] * 3


async def test_a_token_that_is_revoked_is_refused_within_a_minute(
    sandbox: Upstream, database: Database, upstreams: Upstreams, clock: Clock
) -> None:
    """PostHog answers 403 without a word; that the API does not take it either settles it."""
    store_token(database)
    check = TokenCheck(upstreams, clock)
    await check(caller(sandbox.url))
    database.execute("DELETE FROM oauth_tokens")
    clock.now += 60
    for _ in range(2):
        with pytest.raises(RequestRefused, match="does not take this token any more"):
            await check(caller(sandbox.url))
    assert [request.split("?")[0] for request in sandbox.requests[1:]] == [
        INTROSPECT,
        "GET /api/projects/@current/error_tracking/releases/",
    ]


async def test_a_token_is_asked_about_again_when_it_expires(
    sandbox: Upstream, database: Database, upstreams: Upstreams, clock: Clock
) -> None:
    """Not a minute later."""
    store_token(database, seconds=30)
    check = TokenCheck(upstreams, clock)
    await check(caller(sandbox.url))
    database.execute("UPDATE oauth_tokens SET expires_at = ?", (stored_time(datetime.now(UTC)),))
    clock.now += 29
    await check(caller(sandbox.url))
    clock.now += 2
    with pytest.raises(RequestRefused):
        await check(caller(sandbox.url))


async def test_a_token_of_one_project_leads_there(
    sandbox: Upstream, database: Database, upstreams: Upstreams, clock: Clock
) -> None:
    """Unless the caller or the operator names one; a token of several leads nowhere by itself."""
    store_token(database, OTHER_PROJECT_ID)
    store_token(database, OTHER_PROJECT_ID, PROJECT_ID, value="pha_of_two")
    check = TokenCheck(upstreams, clock)
    assert (await check(caller(sandbox.url))).prefix == ("projects", str(OTHER_PROJECT_ID))
    fixed = caller(sandbox.url, prefix=("projects", "7"), project_fixed=True)
    assert (await check(fixed)).prefix == ("projects", "7")
    assert (await check(caller(sandbox.url, "pha_of_two"))).prefix == CURRENT


@pytest.mark.parametrize("reply", [http(500, b"{}"), http(404, b"<html>"), http(200, b"{}"), http(403, b"<html>")])
async def test_where_posthog_does_not_answer_the_token_is_let_through(
    upstreams: Upstreams, clock: Clock, reply: bytes
) -> None:
    """And asked about again after five seconds, not with each request. A page of a firewall is no answer."""
    check = TokenCheck(upstreams, clock)
    with misbehave(reply) as upstream:
        for _ in range(3):
            await check(caller(upstream.url))
        assert len(upstream.requests) == 1
        clock.now += 5
        await check(caller(upstream.url))
        assert len(upstream.requests) == 2


async def test_the_latest_answer_holds_where_posthog_falls_silent(upstreams: Upstreams, clock: Clock) -> None:
    """A refused token stays refused, and a project known."""
    check = TokenCheck(upstreams, clock)
    known = http(200, b'{"active": true, "scoped_teams": [7]}')
    expired = http(200, b'{"active": false}')
    with misbehave(known, http(500, b"{}"), expired, http(500, b"{}")) as upstream:
        for _ in range(2):
            assert (await check(caller(upstream.url))).prefix == ("projects", "7")
            clock.now += 60
        for _ in range(2):
            with pytest.raises(RequestRefused):
                await check(caller(upstream.url))
            clock.now += 60
        assert len(upstream.requests) == 4


@pytest.mark.parametrize("answer", [http(200, b'{"results": []}'), http(403, b'{"detail": "no scope"}')])
async def test_an_installation_whose_tokens_cannot_ask_is_believed_by_its_api(
    upstreams: Upstreams, clock: Clock, answer: bytes
) -> None:
    """There 403 means nothing: the API takes the token, or only lacks a scope."""
    check = TokenCheck(upstreams, clock)
    with misbehave(http(403, b""), answer) as upstream:
        await check(caller(upstream.url))
        await check(caller(upstream.url))
        assert upstream.methods() == ["POST", "GET"]


async def test_the_tokens_remembered_are_bounded(
    sandbox: Upstream, database: Database, upstreams: Upstreams, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one used longest ago is forgotten."""
    monkeypatch.setattr("errtrack_mcp.remote.token_check.MAX_TOKENS", 2)
    check = TokenCheck(upstreams, clock)
    for number in (1, 2, 3):
        store_token(database, value=f"pha_number_{number}")
    for number in (1, 2, 1, 3, 1, 2):
        await check(caller(sandbox.url, f"pha_number_{number}"))
    assert sandbox.requests.count(INTROSPECT) == 4


def test_nobody_asks_about_a_personal_api_key(sandbox: Upstream) -> None:
    """It does not expire, and no client can renew it."""
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        assert post(f"{replica.url}/mcp", json=call_body(), headers=posting(FULL_KEY)).status_code == 200
    assert sandbox.requests
    assert INTROSPECT not in sandbox.requests


async def test_over_http_it_is_a_401_that_names_the_error(in_memory: Serve, database: Database) -> None:
    """Before the session, the call, and everything that costs something; the token is in no answer."""
    store_token(database, OTHER_PROJECT_ID)
    with in_memory() as client:
        served = client.post("/mcp", json=call_body(), headers=posting(TOKEN))
        refused = client.post("/mcp", json=call_body(), headers=posting("pha_nobody_knows_it"))
    assert served.json()["result"]["structuredContent"]["results"][0]["version"] == "0.4.1"
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_token"
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert "nobody_knows" not in refused.text
