"""Which events a query is about: test accounts, words, and property filters."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from errtrack_mcp.sandbox.envelope import invalid, server_error
from errtrack_mcp.sandbox.exception_events import Condition, Event
from errtrack_mcp.sandbox.known_issues import KnownIssues

TEST_HOST = re.compile(r"^(localhost|127\.0\.0\.1)($|:)")  # the project's filter for test accounts
TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|\S+')
MOST_TOKENS = 100
SEARCHED = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions", "email")
SEARCHED_IN_EVENTS = ("$exception_types", "$exception_values", "$current_url")
ISSUE_KEYS = {
    "name": "name",
    "issue_description": "description",
    "status": "status",
    "severity": "severity",
    "first_seen": "first_seen",
}
NEGATIONS = {
    "is_not": "exact",
    "not_icontains": "icontains",
    "not_regex": "regex",
    "not_starts_with": "starts_with",
    "not_ends_with": "ends_with",
    "is_not_set": "is_set",
}


def is_no_test_account(event: Event) -> bool:
    """Return whether an event comes from where the app is used, rather than developed."""
    return not TEST_HOST.match(event.host or "")


def search_condition(query: str, *, whole_list: bool) -> Condition:
    """Look for every word of a text, quoted ones together; in the whole exception list too where the API does."""
    tokens = [token.strip("'\"").lower() for token in TOKEN.findall(query)]
    if len(tokens) > MOST_TOKENS:
        raise invalid("Too many search tokens")
    names = ("$exception_list", *SEARCHED) if whole_list else SEARCHED

    def holds(event: Event) -> bool:
        texts = [_text(event.properties.get(name)).lower() for name in names]
        texts.append(str(_person(event).get("email", "")).lower())
        return all(any(token in text for text in texts) for token in tokens if token)

    return holds


def phrase_condition(phrase: str) -> Condition:
    """Look for a whole text in types, values and the address of the page."""
    wanted = phrase.lower()
    return lambda event: any(wanted in _text(event.properties.get(name)).lower() for name in SEARCHED_IN_EVENTS)


def release_condition(release: str) -> Condition:
    """Compare with id, version and commit of `$exception_releases`, which newer events do not have."""

    def holds(event: Event) -> bool:
        releases: dict[str, Any] = event.properties.get("$exception_releases") or {}
        return any(
            release in (key, entry.get("version"), ((entry.get("metadata") or {}).get("git") or {}).get("commit_id"))
            for key, entry in releases.items()
        )

    return holds


def group_condition(group: Mapping[str, Any], known: KnownIssues) -> Condition:
    """Join the filters of a group, and of groups in it, by its AND or OR."""
    items = group.get("values")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid("A group of filters holds a list of filters or groups.")
    conditions = [
        group_condition(item, known) if "values" in item else property_condition(item, known) for item in items
    ]
    join = any if group.get("type") == "OR" else all
    return lambda event: not conditions or join(condition(event) for condition in conditions)


def property_condition(item: Mapping[str, Any], known: KnownIssues) -> Condition:
    """Make a filter on one property of an event, of its person, or of its issue."""
    read = _reader(item, known)
    operator = item.get("operator") or "exact"
    positive = NEGATIONS.get(operator, operator)
    if positive not in COMPARISONS:
        raise invalid(f'"{operator}" is not a valid choice.', "invalid_choice", "operator")
    compare, wanted = COMPARISONS[positive], item.get("value")
    if positive == "is_set":
        return lambda event: (read(event) is not None) is (operator == "is_set")
    if positive == "regex":
        _check_regex(wanted)

    def holds(event: Event) -> bool:
        value = read(event)
        met = value is not None and compare(value, wanted)
        return met is (operator == positive)

    return holds


def _reader(item: Mapping[str, Any], known: KnownIssues) -> Callable[[Event], Any]:
    """Return what reads the property that a filter is about. The sandbox holds no sessions, groups and cohorts."""
    key, kind = str(item.get("key")), item.get("type") or "event"
    if kind == "event":
        return lambda event: event.properties.get(key)
    if kind == "person":
        return lambda event: _person(event).get(key)
    if kind == "error_tracking_issue":
        name = ISSUE_KEYS.get(key, "")
        return lambda event: getattr(known.issues.get(event.issue_id), name, None)
    raise invalid(f"The sandbox holds no properties of type {kind}.")


def _person(event: Event) -> dict[str, Any]:
    """Return the properties of the person behind an event, as far as the event sets them."""
    person: dict[str, Any] = event.properties.get("$set") or {}
    return person


def _text(value: Any) -> str:
    """Write a property as queries compare it: a text as it is, a number or anything larger as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_regex(wanted: Any) -> None:
    """Break the service at a pattern that is none, as the API does."""
    try:
        re.compile(_text(wanted))
    except re.error:
        raise server_error() from None


def _equals(value: Any, wanted: Any) -> bool:
    return _text(value) in [_text(each) for each in (wanted if isinstance(wanted, list) else [wanted])]


def _contains(value: Any, wanted: Any) -> bool:
    parts = wanted if isinstance(wanted, list) else [wanted]
    return any(_text(part).lower() in _text(value).lower() for part in parts)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare as numbers where both are, as texts otherwise."""

    def holds(value: Any, wanted: Any) -> bool:
        try:
            return compare(float(value), float(wanted))
        except (TypeError, ValueError):
            return compare(_text(value), _text(wanted))

    return holds


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": _equals,
    "in": _equals,
    "icontains": _contains,
    "regex": lambda value, wanted: re.search(_text(wanted), _text(value)) is not None,
    "starts_with": lambda value, wanted: _text(value).lower().startswith(_text(wanted).lower()),
    "ends_with": lambda value, wanted: _text(value).lower().endswith(_text(wanted).lower()),
    "gt": _ordered(lambda value, wanted: value > wanted),
    "gte": _ordered(lambda value, wanted: value >= wanted),
    "lt": _ordered(lambda value, wanted: value < wanted),
    "lte": _ordered(lambda value, wanted: value <= wanted),
    "is_date_exact": lambda value, wanted: _text(value)[:10] == _text(wanted)[:10],
    "is_date_after": _ordered(lambda value, wanted: value > wanted),
    "is_date_before": _ordered(lambda value, wanted: value < wanted),
    "is_set": lambda _value, _wanted: True,
}
OPERATORS = (*COMPARISONS, *NEGATIONS)
