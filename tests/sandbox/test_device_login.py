"""The login of command lines, as PostHog answers it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID, PROJECT_ID
from tests.support.clock import Calendar
from tests.support.upstream import SwappableApp

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def clock(stage: SwappableApp, database: Database) -> Calendar:
    """Give the sandbox a clock that the test moves."""
    clock = Calendar()
    stage.app = create_app(database, now=clock)
    return clock


@pytest.fixture
def web(origin: str) -> Iterator[httpx.Client]:
    """Give a client without a key."""
    with httpx.Client(base_url=origin) as client:
        yield client


def asked(web: httpx.Client) -> dict[str, Any]:
    """Ask for a code."""
    answer: dict[str, Any] = web.post("/api/cli-auth/device-code/").json()
    return answer


def polled(web: httpx.Client, code: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask whether somebody has allowed it."""
    answer = web.post("/api/cli-auth/poll/", json={"device_code": code["device_code"]})
    return answer.status_code, answer.json()


def allow(web: httpx.Client, code: dict[str, Any], **fields: Any) -> httpx.Response:
    """Allow a code as the page does."""
    body = {"user_code": code["user_code"], "project_id": PROJECT_ID, **fields}
    return web.post("/api/cli-auth/authorize/", json=body)


def test_a_code_becomes_a_key_of_one_project_once(web: httpx.Client) -> None:
    """Pending until somebody allows it, then a key that opens that project alone; asked again, it is gone."""
    code = asked(web)
    assert (code["expires_in"], code["interval"]) == (600, 5)
    assert code["verification_uri_complete"] == f"{code['verification_uri']}?code={code['user_code']}"
    assert polled(web, code) == (202, {"status": "pending"})
    assert allow(web, code, scopes=["error_tracking:write"]).json()["status"] == "success"
    status, given = polled(web, code)
    assert status == 200
    assert given["label"].startswith("CLI - Northwind ")
    assert (given["status"], given["project_id"], given["scopes"]) == ("authorized", "4242", ["error_tracking:write"])
    headers = {"Authorization": f"Bearer {given['personal_api_key']}"}
    paths = [f"/api/projects/{project}/error_tracking/releases/" for project in (PROJECT_ID, OTHER_PROJECT_ID)]
    assert [web.get(path, headers=headers).status_code for path in paths] == [200, 403]
    assert polled(web, code)[1]["error"] == "expired_token"


def test_the_page_sends_what_was_chosen(web: httpx.Client) -> None:
    """A person sees the code, and the use case has ticked its scope; the form is taken as JSON is."""
    code = asked(web)
    page = web.get(f"{code['verification_uri_complete']}&use_cases=error_tracking").text
    assert f'value="{code["user_code"]}"' in page
    assert 'value="error_tracking:write" checked' in page
    assert 'value="query:read" checked' not in page
    form = {"user_code": code["user_code"], "project_id": "4343", "scopes": ["error_tracking:write", "query:read"]}
    assert web.post("/api/cli-auth/authorize/", data=form).status_code == 200
    given = polled(web, code)[1]
    assert (given["project_id"], given["scopes"]) == ("4343", ["error_tracking:write", "query:read"])


def test_a_code_expires(web: httpx.Client, clock: Calendar) -> None:
    """After ten minutes neither side can use it."""
    code = asked(web)
    clock.now += timedelta(seconds=600)
    status, answer = polled(web, code)
    assert (status, answer["status"], answer["error"]) == (400, "expired", "expired_token")
    assert allow(web, code).json()["error"] == "invalid_code"


def test_what_cannot_be_allowed_is_refused(web: httpx.Client) -> None:
    """A code twice, no scope, a project that is not there; a poll without a code."""
    code = asked(web)
    assert allow(web, code, scopes=[]).json()["error"] == "invalid_request"
    assert allow(web, code, project_id=1).json()["error"] == "invalid_project"
    assert allow(web, code).status_code == 200
    assert allow(web, code).json()["error"] == "already_authorized"
    assert web.post("/api/cli-auth/poll/", json={}).json()["code"] == "required"


def test_codes_are_limited(web: httpx.Client) -> None:
    """So many a minute from one address."""
    answers = [web.post("/api/cli-auth/device-code/") for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
