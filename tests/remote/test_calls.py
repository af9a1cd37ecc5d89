"""Calls of many callers in one process: whose each is, how it counts, and which may not be done twice."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.calls import create_remote_server
from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.streamable_http import StreamableHttp
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, SCOPED_KEY, release_id
from errtrack_mcp.server.catalog.filters import Selection
from errtrack_mcp.settings import load_settings
from tests.support.asgi import body_of, call, scope_of
from tests.support.fixtures import Serve
from tests.support.redis_dict import RedisDict
from tests.support.serving import LIST, asked_call, call_body, posting

if TYPE_CHECKING:
    from starlette.testclient import TestClient
    from starlette.types import ASGIApp

    from errtrack_mcp.remote.redis import RedisStore

CREATE = "error-tracking-releases-create"
DESTROY = "error-tracking-releases-destroy"
STATE_KEYS = "k" * 32
REFUSED = "Invalid or expired requestState"


def ask(client: "TestClient") -> dict[str, Any]:
    """Begin the confirmed deletion of a release, and return what the next round is called with: the user's yes."""
    arguments = {"id": release_id(2)}
    preview = client.post("/mcp", **asked_call(DESTROY, arguments=arguments)).json()["result"]["structuredContent"]
    arguments["confirm"] = preview["confirm"]
    asked = client.post("/mcp", **asked_call(DESTROY, arguments=arguments)).json()["result"]
    (question,) = asked["inputRequests"]
    yes = {question: {"action": "accept", "content": {"agree": True}}}
    return {"arguments": arguments, "requestState": asked["requestState"], "inputResponses": yes}


def is_there(database: Database) -> bool:
    """Return whether the release is still there."""
    return database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),)) is not None


@pytest.mark.parametrize(
    ("key", "headers"),
    [(SCOPED_KEY, {}), (FULL_KEY, {"X-PostHog-Project-Id": str(PROJECT_ID)})],
    ids=["another key", "another project"],
)
def test_a_question_is_answered_by_its_caller_alone(
    in_memory: Serve, database: Database, key: str, headers: dict[str, str]
) -> None:
    """Whoever else gets hold of the state can do nothing with it."""
    with in_memory() as client:
        sent = asked_call(DESTROY, key, **ask(client))
        sent["headers"] |= headers
        assert client.post("/mcp", **sent).json()["error"]["message"] == REFUSED
        assert is_there(database)
        assert client.post("/mcp", **asked_call(DESTROY, **ask(client))).json()["result"]["structuredContent"][
            "deleted"
        ]
    assert not is_there(database)


@pytest.mark.parametrize(("variables", "shared"), [({"ERRTRACK_STATE_KEYS": STATE_KEYS}, True), ({}, False)])
def test_another_process_reads_an_answer_where_both_have_the_state_keys(
    in_memory: Serve,
    database: Database,
    variables: dict[str, str],
    shared: bool,  # noqa: FBT001
) -> None:
    """Without them, only the process that asked does."""
    with in_memory(**variables) as first, in_memory(**variables) as second:
        answer = second.post("/mcp", **asked_call(DESTROY, **ask(first))).json()
    assert ("error" in answer) is not shared
    assert is_there(database) is not shared


def test_a_question_is_an_outcome_of_its_own(in_memory: Serve) -> None:
    """Neither a success nor a failure."""
    with in_memory() as client:
        ask(client)
        metrics = client.get("/metrics").text
    assert f'errtrack_calls_total{{outcome="input_required",tool="{DESTROY}"}} 1.0' in metrics
    assert f'errtrack_calls_total{{outcome="ok",tool="{DESTROY}"}} 1.0' in metrics


@asynccontextmanager
async def remembering(database: Database) -> AsyncIterator["ASGIApp"]:
    """Run the server for one caller, with a Redis that remembers which requests were begun."""
    settings = load_settings(None, POSTHOG_HOST="http://localhost")
    project = ("projects", "@current")
    caller = Caller(SecretStr(FULL_KEY), settings.host, project, False, Selection(), "1")  # noqa: FBT003
    metrics = Metrics()
    store = IdempotencyStore(cast("RedisStore", RedisDict()))
    upstream = Upstream(settings, KeyRateLimiter(None), store, metrics, create_app(database))
    http = StreamableHttp(create_remote_server(settings, upstream, Replica(metrics), None))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await http({**scope, CALLER: caller}, receive, send)

    async with http.running():
        yield app
    await upstream.aclose()


@pytest.mark.anyio
async def test_a_change_that_a_proxy_sends_again_is_not_made_again(database: Database) -> None:
    """Its first replica may have died after it was made. A read, and another change, are done."""
    create = call_body(CREATE, version="1", project="again")
    asked = [(create, "one"), (create, "one"), (call_body(LIST), "one"), (create, "two"), (create, "")]
    texts = []
    async with remembering(database) as app:
        for body, once in asked:
            scope = scope_of("POST", "/mcp", posting() | {"Idempotency-Key": once})
            answer = json.loads((await call(app, scope, body_of(json.dumps(body).encode()))).text)
            texts.append(answer["result"]["content"][0]["text"])
    refused = [text.startswith("interrupted: ") for text in texts]
    assert refused == [False, True, False, False, False]
    assert len(database.all("SELECT 1 FROM releases WHERE project = 'again'")) == 3
