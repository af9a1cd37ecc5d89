"""The connections of each key: what follows one caller's answer answers neither them nor anybody else."""

import anyio
import pytest

from errtrack_mcp.api.transport import Request
from errtrack_mcp.remote.upstream import KeyConnections
from tests.support.misbehaving import misbehave
from tests.support.replies import ID, RELEASE, json_of
from tests.support.serving import call_body, post, posting, serving_here
from tests.support.tokens import caller
from tests.support.waiting import until

pytestmark = pytest.mark.attack("bytes behind an answer")

RETRIEVE = "error-tracking-releases-retrieve"


def test_no_key_sees_what_followed_an_answer_to_another() -> None:
    """Every first answer of a connection has a second one behind it, and no caller ever gets that."""
    own, poison = (json_of({**RELEASE, "version": version}, Connection="keep-alive") for version in ("own", "POISON"))
    with misbehave(own + poison, kept=True) as upstream, serving_here(POSTHOG_HOST=upstream.url) as replica:
        versions = [
            post(f"{replica.url}/mcp", json=call_body(RETRIEVE, id=ID), headers=posting(key)).json()["result"][
                "structuredContent"
            ]["version"]
            for key in ("phx_first_key", "phx_second_key") * 3
        ]
    assert versions == ["own"] * 6
    assert upstream.connections == [1] * 6


def test_each_key_has_connections_of_its_own() -> None:
    """A clean connection is kept for its key, and another key opens one more."""
    with misbehave(json_of(RELEASE, Connection="keep-alive"), kept=True) as upstream:
        with serving_here(POSTHOG_HOST=upstream.url) as replica:
            for key in ("phx_first_key", "phx_second_key") * 3:
                body = call_body(RETRIEVE, id=ID)
                assert post(f"{replica.url}/mcp", json=body, headers=posting(key)).status_code == 200
        assert upstream.connections == [3, 3]


@pytest.mark.anyio
async def test_keys_whose_requests_end_together_close_each_connection_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing takes time, in which another request ends: it must not find what is being closed already."""
    monkeypatch.setattr("errtrack_mcp.remote.upstream.MAX_KEYS_CONNECTED", 2)
    connections = KeyConnections()
    release = anyio.Event()

    async def ask(url: str, key: str, *, wait: bool) -> None:
        async with connections.of(caller(url, key)) as transport:
            await transport.send(Request("GET", f"{url}/", "releases", {}, None, dict))
            if wait:
                await release.wait()

    with misbehave(json_of(RELEASE, Connection="keep-alive"), kept=True) as upstream:
        for number in range(2):
            await ask(upstream.url, f"pha_{number}", wait=False)
        async with anyio.create_task_group() as tasks:
            for number in range(2, 6):
                tasks.start_soon(lambda number: ask(upstream.url, f"pha_{number}", wait=True), number)
            await anyio.to_thread.run_sync(until, lambda: len(upstream.requests) == 6)
            await anyio.wait_all_tasks_blocked()
            release.set()
        await connections.aclose()
