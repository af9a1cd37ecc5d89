"""Every caller with a key of their own: what they may choose, and what they never see of each other."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, READ_KEY, seed
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from errtrack_mcp.settings import ConfigurationError
from tests.support.installed import run_to_its_end
from tests.support.invoked import invoke
from tests.support.results import text_of
from tests.support.serving import (
    LIST,
    Serving,
    call_body,
    caller,
    post,
    posting,
    serving,
    serving_here,
    sse_caller,
)
from tests.support.tokens import TOKEN, store_token
from tests.support.upstream import Upstream, serve

pytestmark = pytest.mark.attack("one caller's data for another")

CALLERS = 50
CALLS_EACH = 3


def ask(
    replica: Serving | Upstream, path: str = "/mcp", headers: dict[str, str] | None = None, **arguments: Any
) -> httpx.Response:
    """Call the list of releases."""
    sent = posting() if headers is None else headers
    return post(replica.url + path, json=call_body(limit=1, **arguments), headers=sent)


def names(replica: Serving | Upstream, path: str = "/mcp", **headers: str) -> set[str]:
    """List the tools that such a caller sees."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = post(replica.url + path, json=body, headers=posting(FULL_KEY, **headers))
    return {tool["name"] for tool in answer.json()["result"]["tools"]}


SHARING = {"ERRTRACK_SHARED_KEY": "1", "POSTHOG_PERSONAL_API_KEY": FULL_KEY}


def test_the_operators_key_is_never_used_unasked(replica: Serving) -> None:
    """The process holds a key of its own (the sandbox's), and still asks the caller for theirs."""
    assert ask(replica, headers=posting(None)).status_code == 401


def test_the_operators_key_is_used_where_they_say_so(sandbox: Upstream) -> None:
    """Only then, and not to a caller who chooses another host."""
    operator = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": READ_KEY, "ERRTRACK_SHARED_KEY": "1"}
    with serving_here(**operator) as replica:
        assert ask(replica, headers=posting(None)).json()["result"]["isError"] is False
        elsewhere = posting(None) | {"X-PostHog-Host": "https://eu.posthog.com"}
        assert ask(replica, headers=elsewhere).status_code == 403
        for header in ("X-Forwarded-For", "Forwarded", "Via"):
            assert ask(replica, headers=posting(None) | {header: "for=203.0.113.9"}).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["--host", "192.0.2.1"], {}, "add --public"),
        ([], {"ERRTRACK_STATE_KEYS": "short"}, "at least 32 characters"),
        ([], {"ERRTRACK_ALLOWED_HOSTS": "http://elsewhere.example"}, "ERRTRACK_ALLOWED_HOSTS"),
    ],
)
def test_settings_that_would_be_unsafe_stop_the_start(
    arguments: list[str], variables: dict[str, str], words: str
) -> None:
    """Exit 2 with a sentence that names the setting, before anything listens."""
    ended = invoke("serve", "--transport", "http", "--port", "0", *arguments, **variables)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "short" not in ended.stderr.replace("ERRTRACK", "")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (SHARING | {"ERRTRACK_SERVED_HOSTS": "mcp.example"}, "never with --public, ERRTRACK_PUBLIC_URL or --allowed"),
        (SHARING | {"ERRTRACK_PUBLIC_URL": "https://mcp.example"}, "never with"),
        ({"ERRTRACK_SHARED_KEY": "1"}, "POSTHOG_PERSONAL_API_KEY is not"),
        ({"ERRTRACK_REDIS_URL": "http://redis"}, "must be like redis://"),
    ],
)
def test_settings_that_cannot_work_together_make_no_app(variables: dict[str, str], words: str) -> None:
    """Whatever would serve it: the operator's key is never shared with everybody."""
    with pytest.raises(ConfigurationError, match=words), serving_here(**variables):
        pass


def test_a_shared_key_and_a_public_address_stop_the_start() -> None:
    """The installed command ends with 2 and a sentence, before it says where it listens."""
    ended = run_to_its_end("serve", "--transport", "http", "--port", "0", "--public", **SHARING)
    assert ended.returncode == 2
    assert ended.stderr.startswith("errtrack-mcp: ERRTRACK_SHARED_KEY lets every caller use your key: never with")
    assert len(ended.stderr.splitlines()) == 1


def test_a_plan_is_of_one_host_alone(sandbox: Upstream) -> None:
    """The same key and the same project number on another host have nothing to do with it."""
    other = Database()
    seed(other, datetime.now(UTC))
    with other.transaction():
        other.execute(
            "DELETE FROM symbol_sets WHERE ref = (SELECT max(ref) FROM symbol_sets WHERE storage_ptr IS NULL)"
        )
    before = other.execute("SELECT count(*) FROM symbol_sets").fetchone()[0]

    def prune(replica: Upstream, host: str, **confirmed: Any) -> Any:
        body = call_body("error-tracking-symbol-sets-prune", no_file=True, **confirmed)
        answer = post(
            f"{replica.url}/mcp",
            json=body,
            headers=posting() | {"X-PostHog-Host": host, "Mcp-Session-Id": "cannot-ask-0"},
            timeout=30,
        )
        return answer.json()["result"]["structuredContent"]

    with (
        serve(create_app(other)) as second,
        serving_here(POSTHOG_HOST=sandbox.url, ERRTRACK_ALLOWED_HOSTS=second.url) as replica,
    ):
        plan = prune(replica, sandbox.url)
        elsewhere = prune(replica, second.url, confirm=plan["confirm"])
        at_home = prune(replica, sandbox.url, confirm=plan["confirm"])
    assert elsewhere["deleted"] is False
    assert other.execute("SELECT count(*) FROM symbol_sets").fetchone()[0] == before
    assert at_home["deleted"] is True
    assert at_home["deleted_count"] == plan["planned"]


def test_an_oauth_token_is_passed_on(sandbox: Upstream, database: Database) -> None:
    """A pha_ token opens the same door, and PostHog decides about it: one that it does not know is a 401."""
    store_token(database)
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        answer = ask(replica, headers=posting(TOKEN)).json()["result"]
        refused = ask(replica, headers=posting("pha_unknown_token"))
    assert answer["isError"] is False
    assert refused.status_code == 401


def test_the_project_is_the_callers_choice(sandbox: Upstream) -> None:
    """By header for all calls, then no argument may change it; without one by argument."""
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        ask(replica, headers=posting() | {"X-PostHog-Project-Id": str(PROJECT_ID)})
        assert sandbox.requests[-1].startswith(f"GET /api/projects/{PROJECT_ID}/")
        fixed = ask(replica, headers=posting() | {"X-PostHog-Project-Id": "1"}, project_id="2").json()["result"]
        assert fixed["content"][0]["text"].startswith("invalid_arguments: ")
        ask(replica, project_id=str(PROJECT_ID))
        assert sandbox.requests[-1].startswith(f"GET /api/projects/{PROJECT_ID}/")
        assert ask(replica, headers=posting() | {"X-PostHog-Project-Id": "1/../2"}).status_code == 400


def test_an_operator_can_fix_the_project(sandbox: Upstream) -> None:
    """Then the header may only repeat it."""
    with serving_here(POSTHOG_HOST=sandbox.url, POSTHOG_PROJECT_ID=str(PROJECT_ID)) as replica:
        assert ask(replica, headers=posting() | {"X-PostHog-Project-Id": str(PROJECT_ID)}).status_code == 200
        refused = ask(replica, headers=posting() | {"X-PostHog-Project-Id": "1"})
    assert refused.status_code == 403
    assert f"project {PROJECT_ID} only" in refused.json()["message"]


def test_the_host_is_one_that_the_operator_allows(sandbox: Upstream) -> None:
    """A key is never sent to a host of the caller's making."""
    with serve(_echo()) as other, serving_here(POSTHOG_HOST=sandbox.url, ERRTRACK_ALLOWED_HOSTS=other.url) as replica:
        ask(replica, headers=posting() | {"X-PostHog-Host": other.url})
        assert len(other.requests) == 1
        for host in ("https://evil.example", f"{other.url}@evil.example", f"{other.url}.evil.example", "https://["):
            refused = ask(replica, headers=posting() | {"X-PostHog-Host": host})
            assert refused.status_code == 403
            assert "ERRTRACK_ALLOWED_HOSTS" in refused.json()["message"]


def test_an_operators_limits_hold_for_every_caller(sandbox: Upstream) -> None:
    """ERRTRACK_READ_ONLY and ERRTRACK_TOOLSETS cannot be widened."""
    with serving_here(POSTHOG_HOST=sandbox.url, ERRTRACK_READ_ONLY="1", ERRTRACK_TOOLSETS="releases") as replica:
        wide = {"X-Errtrack-Read-Only": "0", "X-Errtrack-Toolsets": "releases,symbol-sets"}
        assert names(replica, "/mcp", **wide) == {tool.name for tool in TOOLSETS["releases"] if is_read_only(tool)}


def _digest(key: str) -> str:
    """Return what stands for a key in an answer, since the key itself is taken out of every response."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _echo() -> Starlette:
    """Answer a list of releases with a digest of the key, and the project, that were asked with."""

    async def releases(request: Request) -> JSONResponse:
        await anyio.sleep(0.005)
        key = _digest(request.headers["authorization"].removeprefix("Bearer "))
        row = {"id": "019b0000-0000-7000-8000-000000000000", "version": key, "project": request.path_params["team"]}
        return JSONResponse({"count": 1, "next": None, "previous": None, "results": [row]})

    return Starlette(routes=[Route("/api/projects/{team}/error_tracking/releases/", releases)])


@pytest.mark.anyio
@pytest.mark.slow  # fifty clients take both cores: next to other tests, connecting can take too long
async def test_fifty_callers_at_once_see_only_their_own() -> None:
    """Different keys, projects, transports and eras, all at once: every answer is checked."""
    checked: list[int] = []
    with serve(_echo()) as upstream, serving(POSTHOG_HOST=upstream.url) as replica:

        async def one(number: int) -> None:
            key, project = f"phx_caller_{number}", str(1000 + number)
            headers = {"X-PostHog-Project-Id": project}
            connection = (
                sse_caller(replica.url, key, **headers)
                if number % 3 == 0
                else caller(replica.url, key, mode="legacy" if number % 3 == 1 else "2026-07-28", headers=headers)
            )
            async with connection as client:
                for _ in range(CALLS_EACH):
                    result = await client.call_tool(LIST, {})
                    assert result.structured_content is not None, text_of(result)
                    (row,) = result.structured_content["results"]
                    assert (row["version"], row["project"]) == (_digest(key), project)
                    checked.append(number)

        async with anyio.create_task_group() as group:
            for number in range(CALLERS):
                group.start_soon(one, number)
    assert len(checked) == CALLERS * CALLS_EACH
