"""The general query, as far as error tracking needs it."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.fixtures import MakeClient
from tests.support.issue_queries import add_event, add_issue, ask, ask_generally, refused
from tests.support.project import NOW
from tests.support.upstream import SwappableApp

ISSUES = {
    "kind": "ErrorTrackingQuery",
    "orderBy": "occurrences",
    "dateRange": {"date_from": "-7d"},
    "volumeResolution": 1,
}
EVENTS = {"kind": "EventsQuery", "event": "$exception", "after": "-7d"}


def answered(api: httpx.Client, **query: Any) -> dict[str, Any]:
    """Send a query that must succeed."""
    response = ask_generally(api, **query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_scope_of_its_own_is_needed(make_client: MakeClient) -> None:
    """A key that may read error tracking alone is told which scope is missing."""
    response = ask_generally(make_client(READ_KEY), **ISSUES)
    assert response.status_code == 403
    assert response.json()["detail"] == "API key missing required scope 'query:read'"


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "TrendsQuery"},
        {},
        {"kind": ["HogQLQuery"]},
        {**ISSUES, "statuss": "active"},
        {key: value for key, value in ISSUES.items() if key != "orderBy"},
        {**ISSUES, "issueId": "cart"},
        {**ISSUES, "filterGroup": {"type": "AND", "values": ["x"]}},
        {"kind": "HogQLQuery", "query": "SELECT 1"},
        {**EVENTS, "select": ["*"]},
    ],
)
def test_another_query_is_refused(api: httpx.Client, query: dict[str, Any]) -> None:
    """Kinds, keys and values that are not known are refused, and not passed over."""
    assert refused(ask_generally(api, **query))["detail"]


@pytest.mark.parametrize("body", [{}, {"query": None}, {"query": []}])
def test_a_body_without_a_query_is_refused(api: httpx.Client, body: Any) -> None:
    """So is one whose query is no object."""
    assert refused(api.post("../query/", json=body))["attr"] == "query__kind"


class TestErrorTrackingQuery:
    """Kind ErrorTrackingQuery."""

    def test_rows_are_those_of_the_ranking_and_more(self, api: httpx.Client) -> None:
        """Test accounts are counted unless told otherwise, and a row has the function and two events as well."""
        rows = {row["id"]: row for row in answered(api, **ISSUES)["results"]}
        cart = rows[issue_id("cart-total")]
        assert cart["aggregations"]["occurrences"] == 60
        assert cart["aggregations"]["volumeRange"] == [60.0]
        assert (cart["function"], cart["first_event"], cart["last_event"]) == ("qe", None, None)
        assert "resolved" in {row["status"] for row in rows.values()}

    def test_envelope_and_paging(self, api: httpx.Client) -> None:
        """Each page says whether there are more, with no next offset."""
        answer = answered(api, **ISSUES, limit=5)
        assert (answer["hasMore"], answer["limit"], answer["offset"]) == (True, 5, 0)
        assert "nextOffset" not in answer
        assert {"columns", "timezone", "is_cached", "query_status", "hogql"} <= answer.keys()
        assert not answered(api, **ISSUES, offset=95)["results"]

    def test_events_come_with_their_properties_as_text(self, api: httpx.Client) -> None:
        """The first and the last event of the period, each as JSON in a text."""
        asked = {**ISSUES, "issueId": issue_id("cart-total"), "withFirstEvent": True, "withLastEvent": True}
        [row] = answered(api, **asked, withAggregations=False)["results"]
        assert row["aggregations"] is None
        assert row["first_event"]["timestamp"] < row["last_event"]["timestamp"]
        frames = json.loads(row["last_event"]["properties"])["$exception_list"][0]["stacktrace"]["frames"]
        assert frames[-1]["raw_id"]
        assert frames[-1]["junk_drawer"]

    def test_filters_are_in_groups(self, api: httpx.Client) -> None:
        """The groups of the user interface, which know OR."""
        safari = {"key": "$browser", "value": "Safari", "type": "event"}
        python = {"key": "$lib", "value": ["posthog-python"], "type": "event"}

        def found(join: str) -> set[str]:
            group = {"type": "AND", "values": [{"type": join, "values": [safari, python]}]}
            return {row["id"] for row in answered(api, **ISSUES, filterGroup=group)["results"]}

        assert found("AND") == set()
        assert {issue_id("python"), issue_id("cart-total")} <= found("OR")

    def test_first_seen_is_sorted_upward_by_default(self, api: httpx.Client) -> None:
        """Everything else downward."""
        rows = answered(api, **{**ISSUES, "orderBy": "first_seen"})["results"]
        assert rows == sorted(rows, key=lambda row: str(row["first_seen"]))

    def test_an_unknown_issue_is_no_row(self, api: httpx.Client) -> None:
        """And no 404; a bad end of the period breaks the service."""
        assert answered(api, **ISSUES, issueId="0199fa00-0000-7000-8000-000000000000")["results"] == []
        assert ask_generally(api, **{**ISSUES, "dateRange": {"date_to": "all"}}).status_code == 500

    def test_old_installations(self, api: httpx.Client, stage: SwappableApp, database: Database) -> None:
        """They answer the first event unasked, know no severity, and divide by the resolution."""
        stage.app = create_app(database, now=lambda: NOW, era="2026-03")
        row = answered(api, **ISSUES)["results"][0]
        assert row["first_event"]["uuid"]
        assert "severity" not in row
        assert ask_generally(api, **{**ISSUES, "volumeResolution": 0}).status_code == 500
        unknown = api.post("query/issues", json={})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "api_not_found")


class TestHogQLQuery:
    """Kind HogQLQuery; the language is in test_hogql.py."""

    def test_releases_of_an_issue_are_counted(self, api: httpx.Client) -> None:
        """Groups of a property that is an object: it arrives as JSON in a text."""
        statement = (
            "SELECT properties.$exception_release, count(), min(timestamp), max(timestamp) FROM events"
            " WHERE event = '$exception' AND issue_id = toUUID({issue})"
            " AND timestamp >= now() - INTERVAL 30 DAY"
            " GROUP BY properties.$exception_release ORDER BY max(timestamp) DESC LIMIT 10"
        )
        issue = issue_id("in-three-releases")
        answer = answered(api, kind="HogQLQuery", query=statement, values={"issue": issue})
        assert answer["columns"] == ["$exception_release", "count()", "min(timestamp)", "max(timestamp)"]
        assert len(answer["results"]) == 3
        assert sum(row[1] for row in answer["results"]) == 40
        release = json.loads(answer["results"][0][0])
        assert {"id", "version", "project"} <= release.keys()
        assert answer["results"][0][3] == "2026-09-20T09:00:00Z"
        assert (answer["limit"], answer["hasMore"]) == (10, False)

    def test_a_project_has_120_statements_an_hour(self, api: httpx.Client, make_client: MakeClient) -> None:
        """All of its keys together; other queries go on."""
        statement = {"kind": "HogQLQuery", "query": "SELECT count() FROM events"}
        codes = [ask_generally(api, **statement).status_code for _ in range(121)]
        assert codes == [200] * 120 + [429]
        assert ask_generally(api, **ISSUES).status_code == 200
        assert make_client(READ_KEY).post("query/issues", json={}).status_code == 200


class TestEventsQuery:
    """Kind EventsQuery."""

    def test_columns_come_in_the_order_of_the_select(self, api: httpx.Client) -> None:
        """The newest events first; the properties are a text."""
        select = ["uuid", "timestamp", "distinct_id", "properties"]
        where = [f"issue_id = '{issue_id('cart-total')}'"]
        answer = answered(api, **EVENTS, select=select, where=where, orderBy=["timestamp DESC"], limit=2)
        assert (answer["columns"], answer["hasMore"], answer["limit"]) == (select, True, 2)
        [newest, _] = answer["results"]
        assert newest[0] == ask(api, "issue_events", issueId=issue_id("cart-total"))["results"][0]["uuid"]
        assert newest[1] == "2026-09-20T11:48:00Z"
        assert "$exception_list" in json.loads(newest[3])

    def test_a_day_is_looked_at_unless_told_otherwise(self, api: httpx.Client, database: Database) -> None:
        """`after` is the window, and has to be sent."""
        issue = add_issue(database)
        add_event(database, issue, NOW - timedelta(days=2))
        query = {"kind": "EventsQuery", "select": ["uuid"], "where": [f"issue_id = '{issue}'"]}
        assert answered(api, **query)["results"] == []
        assert len(answered(api, **query, after="all")["results"]) == 1
        assert answered(api, **query, after="all", before=stored_time(NOW - timedelta(days=3)))["results"] == []

    def test_filters_are_a_flat_list(self, api: httpx.Client) -> None:
        """Together with the filter of test accounts, which is off by default."""
        query = {**EVENTS, "select": ["count()"], "where": [f"issue_id = '{issue_id('cart-total')}'"]}
        assert answered(api, **query, orderBy=["count()"])["results"] == [[60]]
        assert answered(api, **query, orderBy=["count()"], filterTestAccounts=True)["results"] == [[56]]
        none = [{"key": "$lib", "value": "posthog-go", "type": "event"}]
        assert answered(api, **query, orderBy=["count()"], properties=none)["results"] == [[0]]
        other = {**query, "event": "$pageview", "orderBy": ["count()"]}
        assert answered(api, **other)["results"] == [[0]]

    def test_old_installations_name_releases_in_the_plural(
        self, api: httpx.Client, stage: SwappableApp, database: Database
    ) -> None:
        """A map by id instead of one object."""
        query = {**EVENTS, "select": ["properties.$exception_release", "properties.$exception_releases"], "limit": 1}
        query["where"] = [f"issue_id = '{issue_id('cart-total')}'"]
        [[one, several]] = answered(api, **query)["results"]
        assert several is None
        stage.app = create_app(database, now=lambda: NOW, era="2026-06")
        [[nothing, older]] = answered(api, **query)["results"]
        assert nothing is None
        assert json.loads(older)[json.loads(one)["id"]]["version"] == json.loads(one)["version"]
