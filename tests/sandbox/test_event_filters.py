"""Filters on events."""

import json
from typing import Any

import pytest

from errtrack_mcp.sandbox.envelope import ApiError
from errtrack_mcp.sandbox.event_filters import (
    group_condition,
    is_no_test_account,
    property_condition,
    release_condition,
    search_condition,
)
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.known_issues import KnownIssue, KnownIssues

ISSUE = KnownIssue("i", "TypeError", "Broken", "active", None, "2026-09-01T00:00:00.000000Z", None)
KNOWN = KnownIssues({"i": ISSUE}, {"f": "i"})
PROPERTIES = {
    "$browser": "Safari",
    "$browser_version": 18,
    "$exception_types": ["TypeError", "Error"],
    "$exception_list": [{"type": "TypeError", "stacktrace": {"frames": [{"module": "shop.pay"}]}}],
    "$exception_releases": {"r1": {"version": "2.1.0", "metadata": {"git": {"commit_id": "9f2c"}}}},
    "$set": {"email": "Ada@northwind.example"},
}


def event(host: str | None = None) -> Event:
    """Make the event that all filters are tried on."""
    return Event("u", "t", "d", "f", "i", "i", None, host, json.dumps(PROPERTIES), release_map=False)


def holds(key: str, operator: str, value: Any, kind: str = "event") -> bool:
    """Try one filter."""
    item = {"key": key, "operator": operator, "value": value, "type": kind}
    return property_condition(item, KNOWN)(event())


@pytest.mark.parametrize(
    ("key", "operator", "value"),
    [
        ("$browser", "exact", "Safari"),
        ("$browser", "exact", ["Chrome", "Safari"]),
        ("$browser_version", "exact", ["18"]),
        ("$browser", "is_not", ["Chrome"]),
        ("$missing", "is_not", "x"),
        ("$browser", "icontains", "SAF"),
        ("$exception_types", "icontains", '"error"'),
        ("$browser", "not_icontains", "chrome"),
        ("$missing", "not_icontains", "x"),
        ("$browser", "regex", "^S.*i$"),
        ("$browser", "not_regex", "^C"),
        ("$browser", "starts_with", "saf"),
        ("$browser", "not_ends_with", "x"),
        ("$browser_version", "gt", "9"),
        ("$browser_version", "lte", 18),
        ("$browser", "is_set", "any"),
        ("$missing", "is_not_set", "any"),
    ],
)
def test_a_filter_holds(key: str, operator: str, value: Any) -> None:
    """What is true of the event; and an absent property differs from everything."""
    assert holds(key, operator, value)


@pytest.mark.parametrize(
    ("key", "operator", "value"),
    [
        ("$browser", "exact", "safari"),
        ("$missing", "exact", "x"),
        ("$missing", "icontains", ""),
        ("$browser", "is_not", "Safari"),
        ("$browser_version", "gt", 18),
        ("$browser", "is_not_set", "any"),
    ],
)
def test_a_filter_does_not_hold(key: str, operator: str, value: Any) -> None:
    """What is not true of it."""
    assert not holds(key, operator, value)


def test_the_issue_and_the_person_can_be_asked_for() -> None:
    """By the type of the filter; a key of an issue that does not exist is never set."""
    assert holds("name", "icontains", "type", "error_tracking_issue")
    assert holds("issue_description", "exact", "Broken", "error_tracking_issue")
    assert holds("first_seen", "is_date_before", "2026-09-02", "error_tracking_issue")
    assert holds("severity", "is_not_set", "any", "error_tracking_issue")
    assert not holds("assignee", "is_set", "any", "error_tracking_issue")
    assert holds("email", "icontains", "ada@", "person")
    assert not holds("name", "is_set", "any")


def test_what_is_not_held_or_known_is_refused() -> None:
    """The sandbox has no sessions; an operator has to be one; a pattern that is none breaks the service."""
    for item, status in (
        ({"key": "$a", "value": 1, "type": "session"}, 400),
        ({"key": "$a", "value": 1, "operator": "is"}, 400),
        ({"key": "$a", "value": "(", "operator": "regex"}, 500),
    ):
        with pytest.raises(ApiError) as refused:
            property_condition(item, KNOWN)
        assert refused.value.status == status


def test_groups_are_joined() -> None:
    """By AND or OR; an empty one holds."""
    yes, no = {"key": "$browser", "value": "Safari"}, {"key": "$browser", "value": "Chrome"}
    for group, expected in (
        ({"type": "AND", "values": [yes, no]}, False),
        ({"type": "OR", "values": [yes, no]}, True),
        ({"type": "AND", "values": [yes, {"type": "OR", "values": [no, yes]}]}, True),
        ({"type": "OR", "values": []}, True),
    ):
        assert group_condition(group, KNOWN)(event()) is expected


def test_a_search_looks_at_whole_frames_in_newer_installations() -> None:
    """A module is part of a frame, and of no list beside it; the person's address is looked at always."""
    assert search_condition("SHOP.PAY", whole_list=True)(event())
    assert not search_condition("shop.pay", whole_list=False)(event())
    assert search_condition("typeerror ada@", whole_list=False)(event())
    assert search_condition("''", whole_list=False)(event())


def test_a_release_is_named_by_id_version_or_commit() -> None:
    """Whole; the project does not count."""
    assert all(release_condition(name)(event()) for name in ("r1", "2.1.0", "9f2c"))
    assert not any(release_condition(name)(event()) for name in ("2.1", "shop", ""))


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1:8000"])
def test_a_developer_is_a_test_account(host: str) -> None:
    """Known by the host of the page; an event without one counts."""
    assert not is_no_test_account(event(host))
    assert is_no_test_account(event("localhost.shop.example"))
    assert is_no_test_account(event())
