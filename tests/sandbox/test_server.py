"""The sandbox as a process: how it starts, what it says, and how it ends."""

import signal
from pathlib import Path

import pytest

from errtrack_mcp.sandbox.server import Contents, announcement
from tests.support.sandbox_process import running, stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Asked to stop, the sandbox ends with success."""
    with running(tmp_path / "sandbox.db") as (process, client):
        assert client.get("releases/").status_code == 200
        assert stop(process, number) == 0


def test_announcement_says_what_a_person_needs() -> None:
    """The address, the project, its token, each key with its scopes, and a first request are all told."""
    lines = announcement("http://127.0.0.1:8010/").splitlines()
    assert lines[:2] == ["PostHog sandbox at http://127.0.0.1:8010", "Project 4242 (Northwind Shop)"]
    assert lines[2].endswith(": phc_sandbox_4242")
    assert "  phx_sandbox_read       error_tracking:read, user:read, project:read, organization:read" in lines
    assert lines[-1] == (
        "  curl -H 'Authorization: Bearer phx_sandbox_full' "
        "'http://127.0.0.1:8010/api/projects/4242/error_tracking/releases/?limit=3'"
    )


def test_a_key_that_does_not_reach_the_project_is_announced_so() -> None:
    """Who tries it first would take the sandbox for broken."""
    [scoped, outsider] = [line for line in announcement("http://localhost").splitlines() if line.endswith(")")][1:]
    assert "phx_sandbox_scoped" in scoped
    assert scoped.endswith("(limited to project 4343; its user's own project is 4242)")
    assert "phx_sandbox_outsider" in outsider
    assert outsider.endswith("(of a user who is in project 4343 only)")


@pytest.mark.parametrize(
    ("contents", "files"),
    [
        (Contents(), None),
        (Contents(storage=Path("kept")), Path("kept")),
        (Contents(Path("project.db"), Path("kept")), Path("kept")),
    ],
)
def test_files_are_kept_where_it_was_said(contents: Contents, files: Path | None) -> None:
    """A sandbox in memory keeps none."""
    assert contents.files() == files
