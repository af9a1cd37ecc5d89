"""What query/issue_events shows of an event."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.issue_queries import add_event, add_issue, ask, exception, frame, refused
from tests.support.project import NOW
from tests.support.upstream import SwappableApp


@pytest.fixture
def issue(database: Database) -> str:
    """Add an issue without events."""
    return add_issue(database)


def shown(api: httpx.Client, issue: str, **body: Any) -> dict[str, Any]:
    """Ask for the newest event with everything of its stack; return its properties."""
    asked = {"include": ["stacktrace"], "onlyAppFrames": False, **body}
    properties: dict[str, Any] = ask(api, "issue_events", issueId=issue, **asked)["results"][0]["properties"]
    return properties


def frames_of(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of the first exception."""
    frames: list[dict[str, Any]] = properties["$exception_list"][0]["stacktrace"]["frames"]
    return frames


def test_a_frame_keeps_neither_raw_id_nor_junk_drawer(api: httpx.Client, database: Database, issue: str) -> None:
    """So no chunk id is left; `column` 0 and `resolved` false stay, what is empty goes."""
    add_event(database, issue, exception_list=[exception(frame(1, resolved_name="", module=None))])
    assert frames_of(shown(api, issue)) == [
        {
            "mangled_name": "fn1",
            "line": 1,
            "column": 0,
            "source": "/app.js",
            "in_app": True,
            "lang": "javascript",
            "resolved": False,
        }
    ]


def test_an_exception_keeps_only_what_tells_something(api: httpx.Client, database: Database, issue: str) -> None:
    """Id and thread are dropped."""
    add_event(database, issue, exception_list=[exception(frame(), mechanism={"handled": False}, module="m")])
    [found] = shown(api, issue)["$exception_list"]
    assert list(found) == ["type", "value", "module", "mechanism", "stacktrace"]


def test_only_frames_of_the_app_come_unless_told_otherwise(api: httpx.Client, database: Database, issue: str) -> None:
    """A stack without one keeps its type, and no list."""
    add_event(database, issue, exception_list=[exception(frame(1, in_app=False), frame(2))])
    only = ask(api, "issue_events", issueId=issue, include=["stacktrace"])["results"][0]["properties"]
    assert [each["mangled_name"] for each in frames_of(only)] == ["fn2"]
    assert len(frames_of(shown(api, issue))) == 2
    add_event(database, issue, NOW, exception_list=[exception(frame(1, in_app=False))])
    empty = shown(api, issue, onlyAppFrames=True)["$exception_list"][0]
    assert empty["stacktrace"] == {"type": "resolved"}


def test_the_end_of_a_deep_stack_is_kept(api: httpx.Client, database: Database, issue: str) -> None:
    """Fifty frames at most, the throw site last; how many are missing is said."""
    add_event(database, issue, exception_list=[exception(*(frame(number) for number in range(64)))])
    stack = shown(api, issue)["$exception_list"][0]["stacktrace"]
    assert [each["line"] for each in stack["frames"]] == list(range(14, 64))
    assert stack["frames_omitted"] == 14
    add_event(database, issue, NOW, exception_list=[exception(*(frame(number) for number in range(50)))])
    assert "frames_omitted" not in shown(api, issue)["$exception_list"][0]["stacktrace"]


def test_a_repeated_stack_is_a_pointer_to_the_first(api: httpx.Client, database: Database, issue: str) -> None:
    """To another event, or to another exception of the same one; a stack that differs stays."""
    older = NOW - timedelta(hours=2)
    add_event(database, issue, older, exception_list=[exception(frame(2)), exception(frame(3))])
    newer = add_event(database, issue, exception_list=[exception(frame(2)), exception(frame(2))])
    rows = ask(api, "issue_events", issueId=issue, include=["stacktrace"], limit=2)["results"]
    stacks = [[each["stacktrace"] for each in row["properties"]["$exception_list"]] for row in rows]
    pointer = {"same_as_event": newer, "same_as_exception": 0}
    assert "frames" in stacks[0][0]
    assert (stacks[0][1], stacks[1][0]) == (pointer, pointer)
    assert stacks[1][1]["frames"][0]["line"] == 3


def test_long_values_are_cut(api: httpx.Client, database: Database, issue: str) -> None:
    """At 1000 characters, the note included."""
    add_event(database, issue, exception_list=[exception(value="x" * 1500)], exception_values=["y" * 1001])
    found = shown(api, issue, include=["exception"])
    for value, full in ((found["$exception_list"][0]["value"], 1500), (found["$exception_values"][0], 1001)):
        assert len(value) == 1000
        assert value.endswith(f"… [truncated from {full} chars]")


def test_properties_come_by_group(api: httpx.Client, database: Database, issue: str) -> None:
    """Four groups by default, without stacks; others when asked, and none for an empty list."""
    add_event(
        database,
        issue,
        exception_list=[exception(frame(code_variables={"a": 1}))],
        exception_types=["Error"],
        exception_issue_id=issue,
        exception_release={"id": "r", "version": "1"},
        exception_handled=False,
        lib="web",
        current_url="https://shop.example/",
        session_id="s",
        cymbal_errors=["oops"],
        exception_steps=[],
    )
    by_default = ask(api, "issue_events", issueId=issue)["results"][0]["properties"]
    assert set(by_default) == {
        *("$exception_list", "$exception_types", "$exception_handled", "$lib", "$current_url", "$session_id"),
    }
    assert "stacktrace" not in by_default["$exception_list"][0]
    assert shown(api, issue, include=[]) == {}
    assert shown(api, issue, include=["release"]) == {}
    assert shown(api, issue, include=["diagnostics"]) == {"$cymbal_errors": ["oops"]}
    assert "code_variables" not in frames_of(shown(api, issue))[0]
    assert frames_of(shown(api, issue, include=["code_variables"]))[0]["code_variables"] == {"a": 1}
    answer = refused(api.post("query/issue_events", json={"issueId": issue, "include": ["everything"]}))
    assert (answer["code"], answer["attr"]) == ("invalid_choice", "include__0")


class TestVerbosity:
    """An installation of June 2026, which knows no `include`."""

    @pytest.fixture(autouse=True)
    def era(self, stage: SwappableApp, database: Database) -> None:
        """Put such an installation on the stage."""
        stage.app = create_app(database, now=lambda: NOW, era="2026-06")

    def test_raw_keeps_everything(self, api: httpx.Client, database: Database, issue: str) -> None:
        """Chunk ids, whole values, all frames, and no pointers."""
        stack = [frame(number) for number in range(60)]
        add_event(database, issue, exception_list=[exception(*stack, value="x" * 1500), exception(*stack)])
        found = shown(api, issue, verbosity="raw", include=["exception"])["$exception_list"]
        assert (found[0]["id"], len(found[0]["value"]), found[0]["thread_id"]) == ("e", 1500, 1)
        for each in found:
            assert len(each["stacktrace"]["frames"]) == 60
            assert each["stacktrace"]["frames"][0]["junk_drawer"] == {"raw_frame": {"chunk_id": "chunk"}}

    def test_stack_hides_what_is_internal(self, api: httpx.Client, database: Database, issue: str) -> None:
        """Frames come without raw id; the summary has none at all, and is the default."""
        add_event(database, issue, exception_list=[exception(frame())], exception_issue_id=issue)
        assert not {"raw_id", "junk_drawer"} & frames_of(shown(api, issue, verbosity="stack"))[0].keys()
        summary = shown(api, issue)
        assert summary["$exception_list"] == [{"type": "Error", "value": "broken"}]
        assert summary["$exception_issue_id"] == issue
        answer = refused(api.post("query/issue_events", json={"issueId": issue, "verbosity": "all"}))
        assert (answer["code"], answer["attr"]) == ("invalid_choice", "verbosity")
