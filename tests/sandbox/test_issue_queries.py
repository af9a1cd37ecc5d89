"""The three queries about issues, as the API really answers them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import NO_SCOPES_KEY, OWNER, READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.fixtures import MakeClient
from tests.support.issue_queries import add_event, add_issue, ask, refused
from tests.support.project import NOW
from tests.support.upstream import SwappableApp

LIST_KEYS = ["id", "name", "description", "status", "severity", "first_seen", "last_seen", "library", "source"]


def ranked(api: httpx.Client, **body: Any) -> dict[str, dict[str, Any]]:
    """List issues by id, as many as there are."""
    return {row["id"]: row for row in ask(api, "issues", **{"limit": 100, **body})["results"]}


def refusal(api: httpx.Client, query: str, **body: Any) -> dict[str, Any]:
    """Send a query that must be refused."""
    return refused(api.post(f"query/{query}", json=body))


class TestIssues:
    """POST query/issues."""

    def test_ten_active_issues_come_first(self, api: httpx.Client) -> None:
        """Without a word the answer is the first ten active issues by occurrences."""
        answer = ask(api, "issues")
        assert (answer["limit"], answer["offset"], answer["hasMore"], answer["nextOffset"]) == (10, 0, True, 10)
        rows = answer["results"]
        assert len(rows) == 10
        assert {row["status"] for row in rows} == {"active"}
        counts = [row["aggregations"]["occurrences"] for row in rows]
        assert counts == sorted(counts, reverse=True)
        assert rows[0]["id"] == issue_id("cart-total")

    def test_a_row_has_all_its_keys(self, api: httpx.Client) -> None:
        """Nulls stay, counts are floats, and volume is left out unless asked for."""
        row = ranked(api)[issue_id("merged")]
        assert list(row) == [*LIST_KEYS, "assignee", "aggregations"]
        assert row["assignee"] == {"id": "0198d2b4-11c7-7000-a5e1-6f0c8b93d7aa", "type": "role"}
        assert row["aggregations"]["occurrences"] == 22.0
        assert set(row["aggregations"]) == {"occurrences", "sessions", "users"}
        assert ranked(api)[issue_id("still-broken")]["assignee"] is None
        assert ranked(api)[issue_id("ios")]["severity"] is None

    def test_the_last_page_has_no_next_offset(self, api: httpx.Client) -> None:
        """A next offset is there only while there is more."""
        answer = ask(api, "issues", limit=100)
        assert answer["hasMore"] is False
        assert "nextOffset" not in answer
        seen = [
            row["id"] for offset in range(0, 70, 7) for row in ask(api, "issues", limit=7, offset=offset)["results"]
        ]
        assert set(seen) == {row["id"] for row in answer["results"]}

    def test_an_issue_without_an_event_in_the_period_is_absent(self, api: httpx.Client) -> None:
        """The list is no inventory; what it shows of `first_seen` ignores the period."""
        assert issue_id("no-event-in-7-days") not in ranked(api)
        found = ranked(api, dateRange={"date_from": "-30d"})[issue_id("no-event-in-7-days")]
        assert found["first_seen"] == "2026-09-01T12:00:00Z"

    def test_archived_and_pending_release_count_as_resolved(self, api: httpx.Client) -> None:
        """Asking for either finds nothing; both come with the resolved ones, and as such."""
        assert ranked(api, status="archived") == ranked(api, status="pending_release") == {}
        resolved = ranked(api, status="resolved")
        assert set(resolved) == {issue_id("resolved"), issue_id("archived"), issue_id("pending-release")}
        assert {row["status"] for row in resolved.values()} == {"resolved"}
        assert set(ranked(api, status="suppressed")) == {issue_id("suppressed")}

    def test_test_accounts_are_left_out_unless_asked_for(self, api: httpx.Client) -> None:
        """Four of the events came from a test account."""
        cart = issue_id("cart-total")
        assert ranked(api)[cart]["aggregations"]["occurrences"] == 56
        assert ranked(api, filterTestAccounts=False)[cart]["aggregations"]["occurrences"] == 60

    def test_a_long_description_is_cut(self, api: httpx.Client) -> None:
        """The note about the cut counts as part of the 300 characters."""
        description = ranked(api)[issue_id("hostile")]["description"]
        full = ask(api, "issue", issueId=issue_id("hostile"))["description"]
        assert len(description) == 300
        assert description.endswith(f"… [truncated from {len(full)} chars]")
        assert full.startswith(description.partition("…")[0])

    def test_volume_comes_in_as_many_parts_as_asked(self, api: httpx.Client) -> None:
        """The parts add up to the occurrences, and their labels have an offset instead of a Z."""
        aggregations = ranked(api, volumeResolution=5)[issue_id("cart-total")]["aggregations"]
        assert sum(aggregations["volumeRange"]) == aggregations["occurrences"]
        assert [bucket["value"] for bucket in aggregations["volume_buckets"]] == aggregations["volumeRange"]
        assert aggregations["volume_buckets"][0]["label"] == "2026-09-13T12:00:00+00:00"
        assert len(aggregations["volumeRange"]) == 5

    def test_a_relative_end_lies_ahead(self, api: httpx.Client) -> None:
        """`-1d` as an end takes nothing away; an old end without a start leaves nothing."""
        assert ranked(api, dateRange={"date_to": "-1d"}) == ranked(api)
        assert ranked(api, dateRange={"date_to": "2026-01-01"}) == {}
        assert ranked(api, dateRange={"date_from": "nonsense"}) == {}
        assert api.post("query/issues", json={"dateRange": {"date_to": "all"}}).status_code == 500

    def test_every_word_of_a_search_must_occur(self, api: httpx.Client) -> None:
        """Words are looked for anywhere in the exceptions, in any case; quotes keep some together."""
        cart = issue_id("cart-total")
        assert cart in ranked(api, searchQuery="TYPEERROR properties")
        assert cart in ranked(api, searchQuery='"of undefined"')
        assert cart not in ranked(api, searchQuery='"undefined of"')
        assert cart not in ranked(api, searchQuery="TypeError nothing-like-it")
        assert cart in ranked(api, filePath="checkout/PayButton.tsx")
        assert cart not in ranked(api, filePath="checkout/PayButton.tsx", user="somebody")

    def test_too_many_words_are_refused(self, api: httpx.Client) -> None:
        """A hundred words are the most."""
        assert refusal(api, "issues", searchQuery="a " * 101)["detail"] == "Too many search tokens"

    def test_shortcuts_filter_events(self, api: httpx.Client) -> None:
        """Library, fingerprint and URL are asked of each event."""
        python = ranked(api, library="posthog-python")
        assert set(python) == {issue_id("python")}
        assert set(ranked(api, library=["posthog-python", "posthog-go"])) == set(python) | {
            issue_id("throw-site-first")
        }
        assert set(ranked(api, url="/SEARCH?Q=hats")) == {issue_id("readable-after-upload")}
        fingerprint = ask(api, "issue_events", issueId=issue_id("ios"))["results"][0]["properties"]
        assert set(ranked(api, fingerprint=fingerprint["$exception_fingerprint"])) == {issue_id("ios")}

    def test_an_assignee_is_matched_by_kind_and_id(self, api: httpx.Client) -> None:
        """A user's id may be a text; null means everybody."""
        found = ranked(api, assignee={"id": str(OWNER), "type": "user"})
        assert issue_id("cart-total") in found
        assert {row["assignee"]["id"] for row in found.values()} == {OWNER}
        assert ranked(api, assignee=None) == ranked(api)
        assert ranked(api, assignee={"id": OWNER, "type": "role"}) == {}

    def test_filters_are_joined_by_and(self, api: httpx.Client) -> None:
        """A filter on the issue and one on its events must both hold; the counts follow the events."""
        severity = {"key": "severity", "type": "error_tracking_issue", "value": ["high"]}
        safari = {"key": "$browser", "value": "Safari"}
        both = ranked(api, filterGroup=[severity, safari])
        assert {row["severity"] for row in both.values()} == {"high"}
        cart = issue_id("cart-total")
        assert 0 < both[cart]["aggregations"]["occurrences"] < ranked(api)[cart]["aggregations"]["occurrences"]
        unset = {"key": "severity", "type": "error_tracking_issue", "operator": "is_not_set", "value": "any"}
        assert {row["severity"] for row in ranked(api, filterGroup=[unset]).values()} == {None}

    def test_the_release_filter_finds_nothing(self, api: httpx.Client) -> None:
        """It reads a property that events no longer have."""
        assert ranked(api, release="2.13.2") == {}

    def test_order_and_direction(self, api: httpx.Client) -> None:
        """Rows come in the order asked for."""
        answer = ask(api, "issues", orderBy="first_seen", orderDirection="ASC", limit=100)
        moments = [row["first_seen"] for row in answer["results"]]
        assert moments == sorted(moments)
        assert len(set(moments)) > 5

    def test_unknown_keys_are_passed_over(self, api: httpx.Client) -> None:
        """A typo in a filter means no filter."""
        assert ranked(api, statuss="resolved", environment="production") == ranked(api)

    @pytest.mark.parametrize(
        ("body", "code", "attr"),
        [
            ({"limit": 101}, "max_value", "limit"),
            ({"limit": 0}, "min_value", "limit"),
            ({"limit": "many"}, "invalid_input", "limit"),
            ({"offset": -1}, "min_value", "offset"),
            ({"volumeResolution": 201}, "max_value", "volumeResolution"),
            ({"status": "open"}, "invalid_choice", "status"),
            ({"orderBy": "revenue"}, "invalid_choice", "orderBy"),
            ({"orderDirection": "desc"}, "invalid_choice", "orderDirection"),
            ({"searchQuery": ""}, "blank", "searchQuery"),
            ({"searchQuery": "x" * 501}, "max_length", "searchQuery"),
            ({"release": None}, "null", "release"),
            ({"personId": "me"}, "invalid_input", "personId"),
            ({"library": []}, "invalid_input", "library"),
            ({"fingerprint": [1]}, "invalid_input", "fingerprint"),
            ({"filterTestAccounts": "perhaps"}, "invalid_input", "filterTestAccounts"),
            ({"dateRange": {"date_from": None}}, "null", "dateRange__date_from"),
            ({"dateRange": {"date_to": ""}}, "blank", "dateRange__date_to"),
            ({"dateRange": "-7d"}, "invalid_input", "dateRange"),
            ({"assignee": {"id": True, "type": "user"}}, "invalid_input", "assignee__id"),
            ({"assignee": {"id": 1}}, "required", "assignee__type"),
            ({"filterGroup": {"key": "a"}}, "not_a_list", "filterGroup"),
            ({"filterGroup": [{"key": "a"}]}, "required", "filterGroup__0__value"),
            ({"filterGroup": [{"key": "a", "value": None}]}, "null", "filterGroup__0__value"),
            (
                {"filterGroup": [{"key": "a", "value": 1, "operator": "is"}]},
                "invalid_choice",
                "filterGroup__0__operator",
            ),
        ],
    )
    def test_a_bad_value_is_refused_by_name(self, api: httpx.Client, body: Any, code: str, attr: str) -> None:
        """The envelope names the field and what is wrong with it."""
        answer = refusal(api, "issues", **body)
        assert (answer["code"], answer["attr"]) == (code, attr)

    def test_hogql_is_refused_as_a_filter(self, api: httpx.Client) -> None:
        """A filter in PostHog's SQL is not taken here."""
        assert refusal(api, "issues", filterGroup=[{"key": "1 = 1", "value": 1, "type": "hogql"}]) == {
            "code": "invalid_input",
            "detail": "HogQL property filters are not supported here.",
            "attr": "filterGroup",
        }

    def test_a_scope_is_needed(self, make_client: MakeClient) -> None:
        """Reading is enough."""
        assert make_client(READ_KEY).post("query/issues/", json={}).status_code == 200
        assert make_client(NO_SCOPES_KEY).post("query/issues", json={}).status_code == 403


class TestIssue:
    """POST query/issue."""

    def test_what_is_empty_is_left_out(self, api: httpx.Client) -> None:
        """The answer is compact, its description whole, and the counts are its impact."""
        body = ask(api, "issue", issueId=issue_id("cart-total"))
        assert set(body) == {*LIST_KEYS, "function", "assignee", "top_in_app_frame", "impact"}
        assert body["impact"]["occurrences"] == 56.0
        plain = ask(api, "issue", issueId=issue_id("still-broken"))
        assert "assignee" not in plain

    def test_the_top_frame_has_the_name_of_the_script(self, api: httpx.Client) -> None:
        """The last frame of the app is shown, by its mangled name though the frame is resolved."""
        frame = ask(api, "issue", issueId=issue_id("cart-total"))["top_in_app_frame"]
        assert frame == {"function": "qe", "source": frame["source"], "line": 1, "column": 88213, "in_app": True}
        resolved = ask(api, "issue", issueId=issue_id("readable-after-upload"))["top_in_app_frame"]
        assert (resolved["function"], resolved["source"]) == ("u", "source/order/discount.ts")

    def test_without_an_event_in_the_period_only_the_basics_are_left(self, api: httpx.Client) -> None:
        """The assignee and the breakdown vanish although they are asked for and set."""
        asked = {"issueId": issue_id("no-event-in-7-days"), "includeBreakdown": True}
        body = ask(api, "issue", **asked)
        assert set(body) == {"id", "name", "description", "status", "severity", "impact"}
        assert body["impact"] == {}
        assert ask(api, "issue", **asked, includeSparkline=True)["sparkline"] == []
        assert "assignee" in ask(api, "issue", **asked, dateRange={"date_from": "all"})

    def test_basics_tell_the_status_that_queries_hide(self, api: httpx.Client) -> None:
        """The basics come from the other store, where an archived issue is archived."""
        later = {"date_from": "2026-09-20T11:59:59Z"}
        assert ask(api, "issue", issueId=issue_id("archived"), dateRange=later)["status"] == "archived"
        assert ask(api, "issue", issueId=issue_id("archived"))["status"] == "resolved"

    def test_a_sparkline_has_twelve_parts_unless_told_otherwise(self, api: httpx.Client) -> None:
        """Its parts add up to the occurrences."""
        asked = {"issueId": issue_id("cart-total"), "includeSparkline": True}
        assert len(ask(api, "issue", **asked)["sparkline"]) == 12
        assert sum(ask(api, "issue", **asked, volumeResolution=3)["sparkline"]) == 56

    def test_a_breakdown_counts_where_events_come_from(self, api: httpx.Client) -> None:
        """At most 30 days, five values of each dimension; a URL only where there is no path."""
        asked = {"issueId": issue_id("cart-total"), "includeBreakdown": True, "dateRange": {"date_from": "all"}}
        found = ask(api, "issue", **asked)["breakdown"]
        assert (found["range_limited"], found["occurrences"]) == (True, 56)
        assert found["date_from"] == "2026-08-21T12:00:00Z"
        assert sum(each["count"] for each in found["top_values"]["browser"]) == 56
        assert found["top_values"]["path"] == [{"value": "/checkout", "count": 56}]
        assert "url" not in found["top_values"]
        assert len(found["sample_session_ids"]) == 5

    def test_no_release_is_found(self, api: httpx.Client) -> None:
        """The query reads a property that events no longer have."""
        body = ask(api, "issue", issueId=issue_id("in-three-releases"))
        assert "latest_release" not in body

    @pytest.mark.parametrize("query", ["issue", "issue_events"])
    def test_a_missing_issue_is_an_empty_404(self, api: httpx.Client, query: str) -> None:
        """No body tells it apart from an unknown path; so is an issue of another project."""
        for missing in (str(uuid4()), issue_id("back-office")):
            response = api.post(f"query/{query}", json={"issueId": missing})
            assert (response.status_code, response.content) == (404, b"")

    @pytest.mark.parametrize("query", ["issue", "issue_events"])
    def test_an_issue_is_named_by_a_uuid(self, api: httpx.Client, query: str) -> None:
        """It must be there, and be one."""
        assert refusal(api, query) == {"code": "required", "detail": "This field is required.", "attr": "issueId"}
        wrong = {"code": "invalid_input", "detail": "Must be a valid UUID.", "attr": "issueId"}
        assert refusal(api, query, issueId="cart") == wrong


class TestIssueEvents:
    """POST query/issue_events: which events; what is shown of them is in test_event_context.py."""

    def test_one_event_comes_unless_more_are_asked_for(self, api: httpx.Client) -> None:
        """The newest first; twenty at most."""
        asked = {"issueId": issue_id("cart-total")}
        answer = ask(api, "issue_events", **asked)
        assert (answer["limit"], len(answer["results"]), answer["nextOffset"]) == (1, 1, 1)
        page = ask(api, "issue_events", **asked, limit=20, offset=50)
        assert (len(page["results"]), page["hasMore"]) == (6, False)
        assert "nextOffset" not in page
        moments = [event["timestamp"] for event in page["results"]]
        assert moments == sorted(moments, reverse=True)
        first = ask(api, "issue_events", **asked, orderDirection="ASC")["results"]
        assert first == page["results"][-1:]
        assert refusal(api, "issue_events", **asked, limit=21)["code"] == "max_value"

    def test_a_merged_issue_has_the_events_of_both(self, api: httpx.Client) -> None:
        """Which issue an event belongs to is decided by its fingerprint."""
        events = ask(api, "issue_events", issueId=issue_id("merged"), limit=20)["results"]
        assert len({event["properties"]["$exception_fingerprint"] for event in events}) == 2

    def test_an_event_leaves_an_issue_with_its_fingerprint(self, api: httpx.Client, database: Database) -> None:
        """It was captured for one issue, and belongs to another since."""
        before, after = add_issue(database), add_issue(database)
        event = add_event(database, before)
        database.execute("UPDATE issue_fingerprints SET issue_id = ? WHERE fingerprint = ?", (after, before))
        assert ask(api, "issue_events", issueId=before)["results"] == []
        assert [row["uuid"] for row in ask(api, "issue_events", issueId=after)["results"]] == [event]
        assert ask(api, "issue", issueId=before)["impact"] == {}

    def test_an_event_at_the_bound_counts_and_is_not_shown(self, api: httpx.Client, database: Database) -> None:
        """The bounds of a period belong to the counts, and not to the events."""
        issue = add_issue(database)
        add_event(database, issue, NOW - timedelta(hours=1))
        for dates in ({"date_from": "2026-09-20T11:00:00Z"}, {"date_to": "2026-09-20T11:00:00Z", "date_from": "-1d"}):
            assert ask(api, "issue", issueId=issue, dateRange=dates)["impact"]["occurrences"] == 1
            assert ask(api, "issue_events", issueId=issue, dateRange=dates)["results"] == []

    def test_an_issue_without_fingerprints_has_no_events(self, api: httpx.Client) -> None:
        """That is an answer, and no 404."""
        assert ask(api, "issue_events", issueId=issue_id("no-fingerprints"))["results"] == []

    def test_dates_are_read_in_the_time_zone_of_the_project(
        self, api: httpx.Client, stage: SwappableApp, database: Database
    ) -> None:
        """A bare date begins when the project's day does; a relative end counts backward."""
        asked = {"issueId": issue_id("cart-total"), "limit": 20, "orderDirection": "ASC"}
        dates = {"date_from": "2026-09-20"}
        in_utc = ask(api, "issue_events", **asked, dateRange=dates)["results"][0]["timestamp"]
        stage.app = create_app(database, now=lambda: NOW, timezone="Asia/Tokyo")
        in_tokyo = ask(api, "issue_events", **asked, dateRange=dates)["results"][0]["timestamp"]
        assert in_tokyo < "2026-09-20T00" < in_utc
        newest = ask(api, "issue_events", issueId=issue_id("cart-total"), dateRange={"date_to": "-1d"})["results"][0]
        assert newest["timestamp"] < stored_time(NOW - timedelta(days=1))

    def test_a_search_is_one_text(self, api: httpx.Client) -> None:
        """Type, message and URL hold it or not, letter by letter, `%` and `_` too."""
        asked = {"issueId": issue_id("cart-total")}
        assert ask(api, "issue_events", **asked, searchQuery="PROPERTIES OF undefined")["results"]
        assert ask(api, "issue_events", **asked, searchQuery="undefined of")["results"] == []
        assert ask(api, "issue_events", **asked, searchQuery="prop%undefined")["results"] == []

    def test_filters_hold_of_each_event(self, api: httpx.Client) -> None:
        """The same flat list as in the ranking."""
        asked = {"issueId": issue_id("cart-total"), "limit": 20}
        one = [{"key": "$browser", "operator": "is_not", "value": ["Safari"]}]
        found = ask(api, "issue_events", **asked, filterGroup=one)["results"]
        assert {event["properties"]["$browser"] for event in found} == {"Chrome", "Firefox"}
