"""An installation without the query routes: what one caller finds out, no other has to."""

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, READ_KEY
from tests.support.serving import call_body, post, posting, serving
from tests.support.upstream import serve

ISSUES = call_body("query-error-tracking-issues-list", limit=1)


def test_callers_share_what_is_known_of_a_host_and_nothing_else(database: Database) -> None:
    """The second caller is asked for the scope that the general query needs, and gets no row of the first."""
    with serve(create_app(database, era="2026-03")) as upstream, serving(POSTHOG_HOST=upstream.url) as replica:
        first, second = (
            post(f"{replica.url}/mcp", json=ISSUES, headers=posting(key), timeout=60).json()["result"]
            for key in (FULL_KEY, READ_KEY)
        )
    assert len(first["structuredContent"]["results"]) == 1
    assert second["isError"] is True
    assert "query:read" in second["content"][0]["text"]
    paths = [request.rpartition("@current")[2] for request in upstream.requests]
    assert paths == [
        *("/error_tracking/query/issues/", "/error_tracking/issues/?limit=1", "/error_tracking/query/issues/"),
        *("/query/", "/query/"),
    ]
