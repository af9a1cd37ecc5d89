"""The fingerprints of an issue."""

from uuid import uuid4

import pytest

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import PROJECT_ID
from errtrack_mcp.sandbox.seed_issues import WITHOUT_EVENTS, issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.project import NOW

pytestmark = pytest.mark.anyio

FINGERPRINTS = "error-tracking-fingerprints-list"


async def test_a_merged_issue_has_the_fingerprints_of_both(connect: Connect, answer: Answer) -> None:
    """Also when it is asked for by the address of the one that is gone."""
    gone = issue_id("merged-away")
    address = f"/error_tracking/{gone}?fingerprint={fingerprint_of('merged-away')}"
    async with connect() as client:
        page = await answer(client, FINGERPRINTS, issue_id=address)
    assert {row["fingerprint"] for row in page["results"]} == {fingerprint_of(key) for key in ("merged", "merged-away")}
    assert page["issue_id"] == issue_id("merged")
    assert (page["count"], page["next_offset"]) == (2, None)
    assert gone in page["merged"]


async def test_an_issue_without_fingerprints_has_none(connect: Connect, answer: Answer, refusal: Refusal) -> None:
    """Which is not the same as an issue that does not exist: PostHog answers both with an empty list."""
    async with connect() as client:
        page = await answer(client, FINGERPRINTS, issue_id=issue_id(WITHOUT_EVENTS))
        said = await refusal(client, FINGERPRINTS, issue_id=str(uuid4()))
    assert (page["count"], page["results"]) == (0, [])
    assert said.startswith("not_found:")


async def test_every_fingerprint_is_reached_by_paging(connect: Connect, answer: Answer, database: Database) -> None:
    """An issue may have more than a thousand, and a client may make them long."""
    issue = issue_id("cart-total")
    long = "x" * 900
    rows = [
        (str(uuid4()), PROJECT_ID, issue, f"{number}-{long}", stored_time(NOW), stored_time(NOW))
        for number in range(40)
    ]
    database.many("INSERT INTO issue_fingerprints VALUES (?, ?, ?, ?, ?, ?)", rows)
    seen: list[str] = []
    offset: int | None = 0
    async with connect() as client:
        while offset is not None:
            page = await answer(client, FINGERPRINTS, issue_id=issue, offset=offset, limit=30)
            seen += [row["fingerprint"] for row in page["results"]]
            offset = page["next_offset"]
    assert len(seen) == len(set(seen)) == 41
