"""The part of PostHog's SQL that the sandbox reads."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from errtrack_mcp.sandbox.envelope import ApiError
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.hogql import Answer, run_statement

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
ISSUE = "0199fa00-0000-7000-8000-000000000001"


def event(number: int, **properties: Any) -> Event:
    """Make an event of so many hours ago."""
    moment = f"2026-09-20T{12 - number:02}:00:00.000000Z"
    named = {f"${name}": value for name, value in properties.items()}
    return Event(
        f"event-{number}", moment, "somebody", "f", ISSUE, ISSUE, None, None, json.dumps(named), release_map=False
    )


EVENTS = [event(3, lib="web", level="error"), event(2, lib="node", numbers=[1, 2]), event(1, lib="web", count=5)]


def run(statement: str, **values: Any) -> Answer:
    """Run a statement on the three events."""
    return run_statement(statement, EVENTS, NOW, values)


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT count() FROM events", [[3]]),
        ("select uuid from events order by timestamp desc limit 1", [["event-1"]]),
        ("SELECT uuid FROM events ORDER BY timestamp LIMIT 1 OFFSET 1", [["event-2"]]),
        ("SELECT uuid FROM events WHERE timestamp >= now() - INTERVAL 90 MINUTE", [["event-1"]]),
        ("SELECT uuid FROM events WHERE timestamp < toDateTime('2026-09-20 09:30:00')", [["event-3"]]),
        ("SELECT uuid FROM events WHERE properties.$lib = 'node' OR properties.`$count` = '5' ORDER BY uuid",
         [["event-1"], ["event-2"]]),
        ("SELECT uuid FROM events WHERE isNotNull(properties.$level) AND event = '$exception'", [["event-3"]]),
        ("SELECT properties.$lib AS lib, count() AS n FROM events GROUP BY lib ORDER BY n DESC",
         [["web", 2], ["node", 1]]),
        ("SELECT uniq(properties.$lib), argMax(uuid, timestamp), any(distinct_id) FROM events",
         [[2, "event-1", "somebody"]]),
        ("SELECT properties.$numbers, properties.$missing FROM events WHERE properties.$lib IN ('node')",
         [["[1,2]", None]]),
        ("SELECT max(timestamp) FROM events", [["2026-09-20T11:00:00Z"]]),
        (f"SELECT count() FROM events WHERE issue_id = toUUID('{ISSUE.upper()}')", [[3]]),  # noqa: S608
    ],
)  # fmt: skip
def test_a_statement_is_answered(statement: str, rows: list[list[Any]]) -> None:
    """Columns, properties, conditions, groups, order and limits."""
    assert run(statement).rows == rows


def test_a_text_keeps_its_quotes_and_stays_a_text() -> None:
    """Both ways to write a quote in a text; what looks like SQL in it is nothing but text."""
    assert run(r"SELECT 'it\'s', 'it''s', '; DROP TABLE events' FROM events LIMIT 1").rows == [
        ["it's", "it's", "; DROP TABLE events"]
    ]


def test_columns_are_named_by_alias_property_or_text() -> None:
    """As PostHog names them."""
    statement = "SELECT uuid, properties.$lib, count() AS n, min(timestamp) FROM events GROUP BY uuid"
    assert run(statement).columns == ["uuid", "$lib", "n", "min(timestamp)"]


def test_there_are_a_hundred_rows_at_most_without_a_limit() -> None:
    """And one more is known of."""
    answer = run_statement("SELECT uuid FROM events", EVENTS * 40, NOW, {})
    assert (len(answer.rows), answer.limit, answer.more) == (100, 100, True)
    assert not run("SELECT uuid FROM events LIMIT 3").more


def test_a_placeholder_is_a_value() -> None:
    """It is given beside the statement; one without a value is refused."""
    assert run("SELECT count() FROM events WHERE properties.$lib = {lib}", lib="web' OR '1' = '1").rows == [[0]]
    with pytest.raises(ApiError, match="Placeholders"):
        run("SELECT count() FROM events WHERE {filters}")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("", "Only SELECT"),
        ("DELETE FROM events", "Only SELECT"),
        ("SELECT uuid", "Only SELECT"),
        ("SELECT uuid FROM persons", "Unable to resolve field: persons"),
        ("SELECT uuid FROM sqlite_master", "Unable to resolve field: sqlite_master"),
        ("SELECT nothing FROM events", "Unable to resolve field: nothing"),
        ("SELECT load_extension('x') FROM events", "Unsupported function call 'load_extension"),
        ("SELECT property('a') FROM events", "Unsupported function call 'property"),
        ("SELECT uuid FROM events; SELECT uuid FROM events", "Syntax error at position 23: unexpected ';'"),
        ("SELECT uuid FROM events -- all", "unexpected '-'"),
        ("SELECT 'open FROM events", "unexpected"),
        ("SELECT uuid FROM events WHERE", "cannot be run"),
        ("SELECT uuid FROM events WHERE issue_id = toUUID('cart')", "cannot be run"),
        ("SELECT uuid FROM events UNION SELECT uuid FROM events", "Unable to resolve field: UNION"),
        (f"SELECT '{'x' * 100_001}' FROM events", "too long"),  # noqa: S608
    ],
)
def test_what_is_not_known_is_refused(statement: str, why: str) -> None:
    """With PostHog's own kind of refusal."""
    with pytest.raises(ApiError) as refused:
        run(statement)
    assert (refused.value.status, refused.value.body["type"]) == (400, "validation_error")
    assert why in str(refused.value)


def test_a_statement_without_an_end_is_stopped() -> None:
    """A product of many copies of the events takes about two seconds at most."""
    copies = ", ".join(f"events AS e{number}" for number in range(6))
    with pytest.raises(ApiError, match="interrupted"):
        run_statement(f"SELECT count() FROM {copies}", EVENTS * 40, NOW, {})  # noqa: S608
