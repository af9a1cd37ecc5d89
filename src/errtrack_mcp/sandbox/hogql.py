"""A part of HogQL, PostHog's SQL: selects from `events` with the functions named here; anything else is refused.

A statement is taken apart into words, each of which must be known. It then runs in a database that holds nothing but
the events it may see, with its texts as parameters.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from errtrack_mcp.sandbox.database import shown_time, stored_time
from errtrack_mcp.sandbox.envelope import invalid
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.hogql_database import FUNCTIONS, database_of

LONGEST_STATEMENT = 100_000
DEFAULT_ROWS, MOST_ROWS = 100, 50_000

WORD = re.compile(
    r"""(?P<space>\s+)
    | (?P<text>'(?:[^'\\]|\\.|'')*')
    | (?P<ago>now\s*\(\s*\)\s*-\s*INTERVAL\s+(?P<number>\d{1,6})\s+(?P<unit>SECOND|MINUTE|HOUR|DAY|WEEK)\b)
    | (?P<placeholder>\{\s*\w+\s*\})
    | (?P<property>properties(?:\.(?:[$\w]+|`[^`]+`))+)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<rest>\d+(?:\.\d+)?|<=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
KEYWORDS = {
    *("select", "from", "where", "group", "by", "having", "order", "as", "asc", "desc", "distinct"),
    *("and", "or", "not", "in", "is", "null", "events"),
}
COLUMNS = {"uuid", "event", "timestamp", "distinct_id", "issue_id", "event_issue_id", "person_id", "properties"}
ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
STORED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
PART_OF_PROPERTY = re.compile(r"\.(?:`([^`]+)`|([$\w]+))")
TAIL = re.compile(r"\blimit\s+(?P<limit>\d{1,9})(?:\s+offset\s+(?P<offset>\d{1,9}))?\s*;?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a statement, and whether there are more."""

    columns: list[str]
    rows: list[list[Any]]
    limit: int
    offset: int
    more: bool


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement for SQLite, its parameters, and the names of its columns."""

    sql: str
    parameters: list[Any]
    columns: list[str]


def run_statement(statement: str, events: Iterable[Event], now: datetime, values: Mapping[str, Any]) -> Answer:
    """Run a statement with its own limit; `values` are those of its placeholders. Raises the API's refusal."""
    tail = TAIL.search(statement)
    limit = min(int(tail["limit"]), MOST_ROWS) if tail else DEFAULT_ROWS
    offset = int(tail["offset"] or 0) if tail else 0
    select = statement[: tail.start()] if tail else statement
    return run_select(translate(select, now, values), events, now, limit=limit, offset=offset)


def run_select(select: Translated, events: Iterable[Event], now: datetime, *, limit: int, offset: int) -> Answer:
    """Run a statement that has no limit of its own. Raises the API's refusal."""
    database = database_of(events, now)
    try:
        found = database.execute(f"{select.sql} LIMIT ? OFFSET ?", (*select.parameters, limit + 1, offset))
        rows = [[_shown(value) for value in row] for row in found]
    except sqlite3.Error as error:
        raise invalid(f"This statement cannot be run: {error}.") from None
    finally:
        database.close()
    return Answer(select.columns, rows[:limit], limit, offset, len(rows) > limit)


def translate(statement: str, now: datetime, values: Mapping[str, Any]) -> Translated:
    """Turn a statement word by word into one for SQLite. Raises the API's refusal at the first word not known."""
    words = _words(statement)
    names = [word["name"].lower() if word["name"] else "" for word in words]
    if not names or names[0] != "select" or "from" not in names:
        raise invalid("Only SELECT statements on events are read here.")
    aliases = {after for before, after in pairwise(names) if before == "as"}
    translation = _Translation(aliases, now, values)
    called = [word[0] == "(" for word in words[1:]] + [False]
    sql = " ".join(map(translation.add, words, called))
    return Translated(sql, translation.parameters, _column_names(words, names))


def _words(statement: str) -> list[re.Match[str]]:
    if len(statement) > LONGEST_STATEMENT:
        raise invalid("The statement is too long.")
    words, place = [], 0
    while place < len(statement):
        found = WORD.match(statement, place)
        if found is None:
            raise invalid(f"Syntax error at position {place}: unexpected {statement[place]!r}.")
        place = found.end()
        if not found["space"]:
            words.append(found)
    return words


@dataclass
class _Translation:
    """The parameters of a statement so far, and what the words of the rest may mean."""

    aliases: set[str]
    now: datetime
    values: Mapping[str, Any]
    parameters: list[Any] = field(default_factory=list)

    def add(self, word: re.Match[str], called: bool) -> str:  # noqa: FBT001 - whether a parenthesis follows
        """Translate the next word."""
        if word["text"]:
            return self._parameter(re.sub(r"\\(.)|''", _unescaped, word["text"][1:-1], flags=re.DOTALL))
        if word["ago"]:
            ago = timedelta(**{f"{word['unit'].lower()}s": int(word["number"])})
            return self._parameter(stored_time(self.now - ago))
        if word["placeholder"]:
            return self._parameter(_value_of(word["placeholder"].strip("{} \t\r\n"), self.values))
        if word["property"]:
            parts = [quoted or plain for quoted, plain in PART_OF_PROPERTY.findall(word["property"])]
            return f"property(properties, {', '.join(map(self._parameter, parts))})"
        return word[0] if word["name"] is None else self._name(word["name"], called=called)

    def _parameter(self, value: Any) -> str:
        self.parameters.append(value)
        return "?"

    def _name(self, name: str, *, called: bool) -> str:
        lower = name.lower()
        if called and lower not in KEYWORDS:
            if lower not in FUNCTIONS:
                raise invalid(f"Unsupported function call '{name}(...)'.")
        elif lower not in KEYWORDS | self.aliases and name not in COLUMNS:
            raise invalid(f"Unable to resolve field: {name}")
        return name


def _unescaped(found: re.Match[str]) -> str:
    return "'" if found[1] is None else ESCAPED.get(found[1], found[1])


def _value_of(name: str, values: Mapping[str, Any]) -> Any:
    value = values.get(name)
    if not isinstance(value, str | int | float):
        raise invalid(f"Placeholders, such as {{{name}}}, are not supported in this context")
    return value


def _column_names(words: list[re.Match[str]], names: list[str]) -> list[str]:
    """Name each column by its alias, by the property that it is, or by what stands there."""
    columns: list[list[re.Match[str]]] = [[]]
    depth = 0
    for word in words[1 : names.index("from")]:
        depth += (word[0] == "(") - (word[0] == ")")
        if word[0] == "," and depth == 0:
            columns.append([])
        elif word[0].lower() != "distinct" or depth:
            columns[-1].append(word)
    return [_column_name(column) for column in columns]


def _column_name(column: list[re.Match[str]]) -> str:
    if len(column) > 2 and column[-2][0].lower() == "as":
        return str(column[-1][0])
    if len(column) == 1 and column[0]["property"]:
        quoted, plain = PART_OF_PROPERTY.findall(column[0]["property"])[-1]
        return str(quoted or plain)
    return "".join(word[0] for word in column)


def _shown(value: Any) -> Any:
    return shown_time(value) if isinstance(value, str) and STORED_TIME.fullmatch(value) else value
