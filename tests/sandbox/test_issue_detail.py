"""What query/issue adds to a row: the frame, the release, and the breakdown."""

import json
from datetime import timedelta
from typing import Any

import httpx

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.issue_detail import latest_release, top_in_app_frame
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.issue_queries import add_event, add_issue, ask, exception, frame
from tests.support.project import NOW
from tests.support.upstream import SwappableApp

ROW = {"function": "fallback", "source": "fallback.ts"}


def event(*exceptions: dict[str, Any], **properties: Any) -> Event:
    """Make an event of a time when releases were a map."""
    named = {f"${name}": value for name, value in {"exception_list": exceptions, **properties}.items()}
    return Event("u", "t", "d", "f", "i", "i", None, None, json.dumps(named), release_map=True)


def test_the_frame_is_the_last_of_the_app() -> None:
    """In the last exception that has one; its mangled name is shown, the issue's own where that is no name."""
    of_library = frame(9, in_app=False)
    found = top_in_app_frame(event(exception(frame(1), frame(2, resolved_name="total")), exception(of_library)), ROW)
    assert found == {"function": "fn2", "source": "/app.js", "line": 2, "column": 0, "in_app": True}
    nameless = top_in_app_frame(event(exception(frame(1, mangled_name="?", source=None))), ROW)
    assert (nameless["function"], nameless["source"]) == ("fallback", "fallback.ts")
    assert top_in_app_frame(event(exception(of_library)), ROW) == {}


def test_the_release_is_the_newest_of_the_map() -> None:
    """An event without the map has none."""
    git = {"git": {"commit_id": "9f2c", "branch": "main", "repo_name": "shop"}}
    releases = {
        "a": {"version": "2", "project": "shop", "timestamp": "2026-07-02T00:00:00Z", "metadata": git},
        "b": {"version": "1", "project": "shop", "timestamp": "2026-07-01T00:00:00Z"},
    }
    assert latest_release(event(exception_releases=releases)) == {
        "version": "2",
        "project": "shop",
        "timestamp": "2026-07-02T00:00:00Z",
        "commit_id": "9f2c",
        "branch": "main",
        "repo_name": "shop",
    }
    assert latest_release(event()) == {}


def test_older_installations_know_the_release_and_filter_by_it(
    api: httpx.Client, stage: SwappableApp, database: Database
) -> None:
    """Their events name it where the query looks; they know no severity, no breakdown, and list 25 issues."""
    stage.app = create_app(database, now=lambda: NOW, era="2026-06")
    asked = {"issueId": issue_id("cart-total"), "includeBreakdown": True}
    body = ask(api, "issue", **asked)
    assert body["latest_release"]["version"] == "2.13.2"
    assert not {"severity", "breakdown"} & body.keys()
    answer = ask(api, "issues", release="2.13.2")
    assert issue_id("cart-total") in {row["id"] for row in answer["results"]}
    assert answer["limit"] == 25
    row = answer["results"][0]
    assert "severity" not in row
    assert len(row["aggregations"]["volume_buckets"]) == 1
    [hostile] = ask(api, "issues", searchQuery="Ignore previous instructions")["results"]
    assert len(hostile["description"]) > 300


def test_a_breakdown_names_five_values_of_each_kind(api: httpx.Client, database: Database) -> None:
    """The most frequent first; URLs only without a path, and nothing that is empty or no text."""
    issue = add_issue(database)
    for number in range(6):
        for _ in range(number + 1):
            url = f"https://shop.example/{number}" + "x" * 300
            add_event(database, issue, current_url=url, session_id=f"s{number}", os="", browser=7)
    add_event(database, issue, NOW - timedelta(days=8), current_url="old")
    found = ask(api, "issue", issueId=issue, includeBreakdown=True)["breakdown"]
    assert found["sample_session_ids"] == ["s5", "s4", "s3", "s2", "s1"]
    assert list(found["top_values"]) == ["url"]
    assert [each["count"] for each in found["top_values"]["url"]] == [6, 5, 4, 3, 2]
    assert {len(each["value"]) for each in found["top_values"]["url"]} == {200}
    assert (found["occurrences"], found["range_limited"]) == (21, False)
    assert found["date_from"] == "2026-09-13T12:00:00Z"
