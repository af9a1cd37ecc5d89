"""Queries learn of changes later than the other endpoints."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.issue_queries import add_event, add_issue, ask
from tests.support.project import NOW
from tests.support.upstream import SwappableApp

LAG = 3.0
CART = issue_id("cart-total")


@pytest.fixture(params=["2026-06", "2026-09"])
def era(request: pytest.FixtureRequest, stage: SwappableApp, database: Database) -> str:
    """Put an installation that lags on the stage, once without and once with an eye for changes of the last minute."""
    era: str = request.param
    stage.app = create_app(database, now=lambda: NOW, era=era, list_lag=LAG)
    return era


def listed(api: httpx.Client, issue: str = CART) -> dict[str, Any] | None:
    """Find an issue in the ranking of all."""
    rows = ask(api, "issues", limit=100, status="all")["results"]
    return next((row for row in rows if row["id"] == issue), None)


def pass_time(database: Database, seconds: float) -> None:
    """Let all changes have happened so long ago."""
    moment = stored_time(datetime.now(UTC) - timedelta(seconds=seconds))
    for table in ("former_issues", "former_issue_fingerprints"):
        database.execute(f"UPDATE {table} SET replaced_at = ?", (moment,))  # noqa: S608 - two tables of our own


def test_a_change_shows_later_unless_it_is_looked_for(api: httpx.Client, database: Database, era: str) -> None:
    """The endpoint of the issue shows it at once; newer installations look it up for the list as well."""
    assert api.patch(f"issues/{CART}/", json={"status": "resolved"}).status_code == 200
    assert api.patch(f"issues/{CART}/", json={"name": "Second change"}).status_code == 200
    assert api.get(f"issues/{CART}/").json()["status"] == "resolved"
    row = listed(api)
    assert row is not None
    seen = (row["status"], row["name"])
    assert seen == (("active", "TypeError") if era == "2026-06" else ("resolved", "Second change"))
    pass_time(database, LAG + 1)
    row = listed(api)
    assert row is not None
    assert (row["status"], row["name"]) == ("resolved", "Second change")


def test_more_than_a_hundred_changes_are_not_looked_for(
    api: httpx.Client, stage: SwappableApp, database: Database
) -> None:
    """Then the list is as late as in older installations; so it is when a minute has passed."""
    stage.app = create_app(database, now=lambda: NOW, list_lag=120)
    database.execute("UPDATE issues SET status = 'suppressed' WHERE id = ?", (CART,))
    row = listed(api)
    assert row is not None
    assert row["status"] == "suppressed"
    pass_time(database, 61)
    row = listed(api)
    assert row is not None
    assert row["status"] == "active"
    pass_time(database, 1)
    for _ in range(100):
        database.execute("UPDATE issues SET name = 'x' WHERE id = ?", (add_issue(database),))
    row = listed(api)
    assert row is not None
    assert row["status"] == "active"


@pytest.mark.usefixtures("era")
def test_a_merger_shows_later_everywhere(api: httpx.Client, database: Database) -> None:
    """Counts stay with the issue that is gone; the query of one issue does not know it any more."""
    gone, kept = add_issue(database), add_issue(database)
    add_event(database, gone)
    add_event(database, kept)
    assert api.post(f"issues/{kept}/merge/", json={"ids": [gone]}).json() == {"success": True}
    row = listed(api, kept)
    assert row is not None
    assert row["aggregations"]["occurrences"] == 1
    assert listed(api, gone) is not None
    assert api.post("query/issue", json={"issueId": gone}).status_code == 404
    pass_time(database, LAG + 1)
    row = listed(api, kept)
    assert row is not None
    assert row["aggregations"]["occurrences"] == 2
    assert listed(api, gone) is None


def test_without_a_lag_everything_shows_at_once(api: httpx.Client, database: Database) -> None:
    """As the sandbox is unless told otherwise."""
    gone, kept = add_issue(database), add_issue(database)
    add_event(database, gone)
    api.post(f"issues/{kept}/merge/", json={"ids": [gone]})
    assert listed(api, gone) is None
    assert listed(api, kept) is not None
