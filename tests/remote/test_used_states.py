"""The answer to a question counts once, at whichever replica it arrives, and never while nobody can know."""

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.redis import RedisStore
from errtrack_mcp.remote.used_states import SharedUsedStates
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from tests.support.cluster import redis, replica
from tests.support.installed import free_port
from tests.support.serving import post, posting
from tests.support.upstream import Upstream

pytestmark = [pytest.mark.cluster, pytest.mark.attack("a question answered twice")]

DESTROY = "error-tracking-releases-destroy"
MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
}


def destroy(url: str, arguments: dict[str, Any], **answered: Any) -> dict[str, Any]:
    """Call the deletion of a release at one replica, as a client of the newer protocol that can ask its user."""
    params = {"name": DESTROY, "arguments": {"id": release_id(2), **arguments}, "_meta": META, **answered}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = posting(FULL_KEY) | {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": DESTROY}
    reply: dict[str, Any] = post(f"{url}/mcp", json=body, headers=headers, timeout=30).json()
    return reply


def test_a_no_at_one_replica_cannot_be_turned_into_a_yes_at_another(sandbox: Upstream, database: Database) -> None:
    """Both read the same state; while Redis is away neither takes one, and says so."""
    port = free_port()
    with replica(sandbox.url, free_port(), port) as one, replica(sandbox.url, free_port(), port) as other:
        with redis(port):
            confirm = {"confirm": destroy(one.url, {})["result"]["structuredContent"]["confirm"]}
            asked = destroy(one.url, confirm)["result"]
            (question,) = asked["inputRequests"]
            state = {"requestState": asked["requestState"]}
            yes = {question: {"action": "accept", "content": {"agree": True}}}
            declined = destroy(one.url, confirm, **state, inputResponses={question: {"action": "decline"}})
            replayed = destroy(other.url, confirm, **state, inputResponses=yes)
            state = {"requestState": destroy(one.url, confirm)["result"]["requestState"]}
        unknown = destroy(other.url, confirm, **state, inputResponses=yes)
        assert database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),))
    assert declined["result"]["structuredContent"]["deleted"] is False
    assert replayed["error"]["message"] == "Invalid or expired requestState"
    assert unknown["error"]["message"].startswith("Nothing was done: the user's answer counts once, and Redis")


@pytest.mark.anyio
async def test_a_use_is_known_to_another_process_until_its_time_is_over() -> None:
    """Then Redis forgets it."""
    port = free_port()
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    with redis(port):
        stores = [RedisStore(url, Metrics()) for _ in range(2)]
        uses = [SharedUsedStates(store, 600.0) for store in stores]
        assert await uses[0].is_first_use("a")
        assert not await uses[1].is_first_use("a")
        assert await uses[1].is_first_use("b")
        kept = await stores[0].run(lambda held: held.ttl("errtrack:state:a"), default=None, read=int)
        assert kept is not None
        assert 590 < kept <= 600
        for store in stores:
            await store.aclose()
    with pytest.raises(MCPError, match="Redis"):
        await SharedUsedStates(RedisStore(url, Metrics()), 600.0).is_first_use("c")
