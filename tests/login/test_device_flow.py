"""The login for command lines, against the sandbox and against what else may answer."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import trustme
from pydantic_core import to_json

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import RateLimited, TlsFailed
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.login.device_flow import (
    DeviceCode,
    LoginFailed,
    anonymous_client,
    ask_for_code,
    wait_for_key,
)
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.lossy import LossySandbox
from tests.support.misbehaving import Reply, http, misbehave, reset
from tests.support.project import NOW
from tests.support.upstream import serve

pytestmark = pytest.mark.anyio

CODE = {
    "device_code": "d" * 43,
    "user_code": "ABCD-1234",
    "verification_uri": "https://posthog.example/cli/authorize",
    "verification_uri_complete": "https://posthog.example/cli/authorize?code=ABCD-1234",
    "expires_in": 600,
    "interval": 5,
}
PENDING = http(202, to_json({"status": "pending"}))
GIVEN = {"status": "authorized", "personal_api_key": "phx_given", "label": "CLI - x", "project_id": "4242"}


@dataclass
class Time:
    """Time that passes where something waits; `then` says what happens after so many waits."""

    now: datetime = NOW
    waits: list[float] = field(default_factory=list)
    then: dict[int, Callable[[], Any]] = field(default_factory=dict)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.then.get(len(self.waits), lambda: None)()

    def clock(self) -> float:
        """Tell the seconds."""
        return self.now.timestamp()

    def present(self) -> datetime:
        """Tell the time to the sandbox."""
        return self.now


@pytest.fixture
def time() -> Time:
    """Give a time of its own to each test."""
    return Time()


@pytest.fixture
def lossy(database: Database, time: Time) -> Iterator[LossySandbox]:
    """Serve a sandbox in that time, which can lose answers."""
    app = LossySandbox(create_app(database, now=time.present))
    with serve(app) as upstream:
        app.upstream = upstream
        yield app


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """Connect without a key."""
    transport = HttpTransport(url)
    yield anonymous_client(transport, 10)
    await transport.aclose()


def allow(url: str, code: DeviceCode) -> None:
    """Allow a code as its page does."""
    body = {"user_code": code.user_code, "project_id": 4242, "scopes": ["error_tracking:write"]}
    assert httpx.post(f"{url}/api/cli-auth/authorize/", json=body).status_code == 200


async def test_a_key_comes_once_somebody_allows_the_code(lossy: LossySandbox, time: Time) -> None:
    """Until then it asks at the pace that it was told."""
    async with client(lossy.url) as api:
        code = await ask_for_code(api)
        time.then[3] = lambda: allow(lossy.url, code)
        answer = await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
    assert time.waits == [5, 5, 5]
    assert answer.personal_api_key is not None
    assert answer.personal_api_key.get_secret_value().startswith("phx_")
    assert (answer.project_id, answer.scopes) == ("4242", ["error_tracking:write"])
    assert code.page == f"{lossy.url}/cli/authorize?code={code.user_code}&use_cases=error_tracking"
    shown = repr(answer) + repr(code)
    assert "phx_" not in shown
    assert code.device_code.get_secret_value() not in shown


async def test_a_code_that_nobody_allows_expires(lossy: LossySandbox, time: Time) -> None:
    """Nothing is asked any more after its ten minutes."""
    async with client(lossy.url) as api:
        code = await ask_for_code(api)
        with pytest.raises(LoginFailed, match=r"nobody has allowed it in time\. Run errtrack-mcp login again"):
            await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
    assert 590 <= sum(time.waits) <= 600


async def test_a_code_that_is_forgotten_early_is_told(lossy: LossySandbox, time: Time, database: Database) -> None:
    """As where a self-hosted PostHog restarts."""
    async with client(lossy.url) as api:
        code = await ask_for_code(api)
        lossy.app = create_app(database)
        with pytest.raises(LoginFailed, match="nobody has allowed it in time"):
            await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
    assert len(time.waits) == 1


async def test_an_answer_that_was_lost_is_told_with_the_key_to_delete(lossy: LossySandbox, time: Time) -> None:
    """The key is there, and nobody has it: the next poll says that the code is used up."""
    async with client(lossy.url) as api:
        code = await ask_for_code(api)
        allow(lossy.url, code)
        lossy.ending = "/poll/"
        time.then[2] = lambda: setattr(lossy, "ending", "")
        with pytest.raises(LoginFailed, match="was lost on the way") as failed:
            await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
    assert f"delete it at {lossy.url}/settings/user-api-keys" in str(failed.value)
    assert len(time.waits) == 2


async def test_an_installation_without_the_login_says_where_to_make_a_key() -> None:
    """It answers 404."""
    with misbehave(http(404, b'{"detail": "Endpoint not found."}')) as upstream:
        async with client(upstream.url) as api:
            with pytest.raises(LoginFailed, match="has no login for command lines") as failed:
                await ask_for_code(api)
    assert f"{upstream.url}/settings/user-api-keys" in str(failed.value)
    assert "error_tracking:read and error_tracking:write" in str(failed.value)


async def test_too_many_codes_are_refused_at_once(lossy: LossySandbox) -> None:
    """With the seconds to wait: a person would rather come back than watch."""
    async with client(lossy.url) as api:
        for _ in range(20):
            await ask_for_code(api)
        with pytest.raises(RateLimited) as refused:
            await ask_for_code(api)
    assert refused.value.retry_after


async def polled(time: Time, *replies: Reply) -> str:
    """Wait for a key from an upstream that answers so, and return the key."""
    with misbehave(*replies) as upstream:
        async with client(upstream.url) as api:
            code = DeviceCode.model_validate(CODE)
            answer = await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
        assert not upstream.keys_seen
    assert answer.personal_api_key is not None
    return answer.personal_api_key.get_secret_value()


async def test_it_waits_as_long_as_it_is_told_when_it_asks_too_often(time: Time) -> None:
    """And at the usual pace afterwards."""
    wait = http(429, b'{"detail": "Request was throttled."}', Retry_After="31")
    assert await polled(time, PENDING, wait, PENDING, http(200, to_json(GIVEN))) == "phx_given"
    assert time.waits == [5, 5, 31, 5]


async def test_a_long_wait_that_it_is_told_does_not_end_the_login(time: Time) -> None:
    """The page stays open all the time; it asks again within a minute, and a last time while the code is good."""
    wait = http(429, b'{"detail": "Request was throttled."}', Retry_After="3600")
    assert await polled(time, wait, PENDING, http(200, to_json(GIVEN))) == "phx_given"
    assert time.waits == [5, 60, 5]


async def test_a_login_that_ends_with_a_refusal_says_that_there_may_be_a_key(time: Time) -> None:
    """Somebody may have allowed it meanwhile; one that was answered afterwards is simply too old."""
    wait = http(429, b'{"detail": "Request was throttled."}', Retry_After="3600")
    with pytest.raises(LoginFailed, match=r"refused the last question .* there is a key by now that nobody has"):
        await polled(time, *[wait] * 20)
    assert (time.waits[:2], 590 <= sum(time.waits) < 600) == ([5, 60], True)
    with pytest.raises(LoginFailed, match="nobody has allowed it in time"):
        await polled(time, wait, PENDING, http(400, b'{"error": "expired"}'))


@pytest.mark.parametrize("trouble", [reset, http(502, b"<html>"), http(500, b"{}")])
async def test_a_connection_that_fails_ends_nothing(time: Time, trouble: Reply) -> None:
    """It asks again at its next turn; older installations keep the answer for a minute."""
    assert await polled(time, trouble, PENDING, trouble, http(200, to_json(GIVEN))) == "phx_given"


@pytest.mark.parametrize(
    "odd",
    [
        GIVEN | {"personal_api_key": "phs_secret"},
        GIVEN | {"personal_api_key": "pha_token"},
        GIVEN | {"personal_api_key": "phx_two words"},
        GIVEN | {"personal_api_key": None},
        GIVEN | {"project_id": "../1"},
        GIVEN | {"status": "denied"},
        {},
    ],
)
async def test_what_is_no_key_is_refused_without_repeating_it(time: Time, odd: dict[str, Any]) -> None:
    """There may be a key that nobody has: the sentence says where to look."""
    with pytest.raises(LoginFailed, match="there is a key by now that nobody has") as failed:
        await polled(time, http(200, to_json(odd)))
    assert not any(secret in str(failed.value) for secret in ("phs_", "pha_", "two words"))


async def test_a_certificate_that_is_not_trusted_ends_it(time: Time) -> None:
    """Nothing that passes by itself."""
    with misbehave(PENDING, certificate=trustme.CA().issue_cert("127.0.0.1")) as upstream:
        async with client(upstream.url) as api:
            with pytest.raises(TlsFailed):
                await wait_for_key(api, DeviceCode.model_validate(CODE), sleep=time.sleep, clock=time.clock)
    assert len(time.waits) == 1


@pytest.mark.parametrize(
    ("page", "host", "at_host"),
    [
        ("https://eu.posthog.com/cli/authorize?code=A", "https://eu.posthog.com", True),
        ("https://eu.posthog.com.evil.example/cli", "https://eu.posthog.com", False),
        ("https://eu.posthog.com@evil.example/cli", "https://eu.posthog.com", False),
        ("http://eu.posthog.com/cli", "https://eu.posthog.com", False),
        ("file:///etc/passwd", "https://eu.posthog.com", False),
        ("https://[", "https://eu.posthog.com", False),
    ],
)
async def test_only_a_page_of_the_host_is_opened_unseen(page: str, host: str, at_host: bool) -> None:  # noqa: FBT001
    """The address is the upstream's to choose."""
    assert DeviceCode.model_validate(CODE | {"verification_uri_complete": page}).is_at(host) is at_host


async def test_times_of_an_upstream_are_bounded() -> None:
    """Nobody waits for a year, and nobody asks without a pause."""
    code = DeviceCode.model_validate(CODE | {"expires_in": 1e9, "interval": 0})
    assert code.seconds == 1800
    time = Time()
    with misbehave(PENDING, PENDING, http(200, to_json(GIVEN))) as upstream:
        async with client(upstream.url) as api:
            await wait_for_key(api, code, sleep=time.sleep, clock=time.clock)
    assert time.waits == [1, 1, 1]
