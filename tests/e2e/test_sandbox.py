"""The command that serves the sandbox, as a process."""

import contextlib
import os
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.installed import COMMAND
from tests.support.serving import NO_AUTHORITIES


@contextlib.contextmanager
def serving(*options: str) -> Iterator[tuple[list[str], httpx.Client]]:
    """Serve a sandbox on a free port; yield what it says at the start, and a client of its project."""
    command = [COMMAND, "sandbox", "--port", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline()]
            while "curl" not in said[-1]:
                said.append(process.stdout.readline())
            address = said[0].split()[-1]
            base_url = f"{address}/api/projects/{PROJECT_ID}/error_tracking/"
            with httpx.Client(
                base_url=base_url, headers={"Authorization": f"Bearer {FULL_KEY}"}, verify=NO_AUTHORITIES
            ) as client:
                yield said, client
        finally:
            process.kill()


def test_it_names_its_keys_and_their_scopes() -> None:
    """One key may send the general query, another lacks its scope."""
    with serving() as (said, client):
        scopes = {line.split()[0]: line for line in said if line.startswith("  phx_")}
        assert client.post("query/issues/", json={}).status_code == 200
    assert "query:read" in scopes[FULL_KEY]
    assert "query:read" not in scopes[READ_KEY]


def test_an_old_era_has_no_routes_for_issues() -> None:
    """The queries are an unknown path; the rest of the API is there."""
    with serving("--era", "2026-03") as (_said, client):
        answer = client.post("query/issues/", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "api_not_found")
        assert client.get("issues/").status_code == 200


@pytest.mark.parametrize(("lag", "seen"), [("600", "active"), ("0", "resolved")])
def test_queries_lag_as_long_as_asked(lag: str, seen: str) -> None:
    """A change that the issue shows is not in the list yet."""
    issue = issue_id("cart-total")
    with serving("--era", "2026-06", "--list-lag", lag) as (_said, client):
        assert client.patch(f"issues/{issue}/", json={"status": "resolved"}).json()["status"] == "resolved"
        rows = client.post("query/issues/", json={"status": "all"}).json()["results"]
        assert next(row for row in rows if row["id"] == issue)["status"] == seen


def test_an_unknown_era_is_refused() -> None:
    """With those that there are."""
    done = subprocess.run([COMMAND, "sandbox", "--era", "2025-01"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'2026-03', '2026-06', '2026-09'" in done.stderr
