"""The functions that statements may call."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.hogql_database import FUNCTIONS, database_of

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
PROPERTIES = {"text": "a", "empty": "", "number": 18, "yes": True, "null": None, "object": {"inner": {"deep": "é"}}}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """Hold three events, the second with properties."""
    events = [
        Event(f"u{number}", f"t{number}", who, "f", "i", "c", None, None, json.dumps(properties), release_map=False)
        for number, (who, properties) in enumerate((("b", {}), ("a", PROPERTIES), ("a", {})))
    ]
    database = database_of(events, NOW)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("property(properties, 'text')", "a"),
        ("property(properties, 'empty')", None),
        ("property(properties, 'null')", None),
        ("property(properties, 'number')", "18"),
        ("property(properties, 'yes')", "true"),
        ("property(properties, 'object')", '{"inner":{"deep":"é"}}'),
        ("property(properties, 'object', 'inner', 'deep')", "é"),
        ("property(properties, 'text', 'inner')", None),
        ("JSONExtractString(properties, 'object', 'inner', 'deep')", "é"),
        ("JSONExtractString(properties, 'number')", ""),
        ("JSONExtractRaw(properties, 'object', 'inner')", '{"deep":"é"}'),
        ("JSONExtractString('no JSON', 'a')", ""),
        ("toDateTime('2026-09-18')", "2026-09-18T00:00:00.000000Z"),
        ("toDateTime('2026-09-18T02:00:00+02:00')", "2026-09-18T00:00:00.000000Z"),
        ("toDateTime('soon')", None),
        ("now()", "2026-09-20T12:00:00.000000Z"),
        ("toUUID('0199FA0000007000800000000000000A')", "0199fa00-0000-7000-8000-00000000000a"),
        ("isNotNull(property(properties, 'null'))", 0),
        ("notEmpty('')", 0),
        ("event_issue_id", "c"),
    ],
)
def test_a_function_answers(database: sqlite3.Connection, expression: str, value: Any) -> None:
    """As ClickHouse does: a property is a text, or nothing."""
    [found] = database.execute(f"SELECT {expression} FROM events WHERE uuid = 'u1'").fetchone()  # noqa: S608
    assert found == value


def test_aggregates(database: sqlite3.Connection) -> None:
    """Values beside the greatest and the smallest of others, different ones, and any that is not null."""
    chosen = "argMax(distinct_id, timestamp), argMin(distinct_id, timestamp), uniq(distinct_id)"
    found = database.execute(f"SELECT {chosen}, any(property(properties, 'text')) FROM events").fetchone()  # noqa: S608
    assert found == ("a", "b", 2, "a")


def test_functions_of_sqlite_itself_are_not_all_open() -> None:
    """Only those that HogQL has too."""
    assert {"count", "min", "max", "lower"} <= FUNCTIONS
    assert not {"load_extension", "randomblob", "property", "printf"} & FUNCTIONS
