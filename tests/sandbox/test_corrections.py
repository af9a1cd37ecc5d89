"""What PostHog really does where one would expect something else: releases and lists."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from tests.support.fixtures import MakeClient
from tests.support.project import find_symbol_sets

HUGE = str(2**63)
AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://me:secret@github.com:443/a/b.git?token=x#y", "https://github.com:443/a/b.git"),
        ("//me:secret@github.com/a/b.git#y", "//github.com/a/b.git"),
        ("git@github.com:a/b.git?token=x#y", "git@github.com:a/b.git"),
        ("ssh://git@github.com/a@b.git?x", "ssh://github.com/a@b.git"),
        ("../b.git?token=x", "../b.git"),
        ("https://[me:secret@github.com/a", "https://github.com/a"),
    ],
)
def test_a_remote_url_of_any_form_loses_its_secrets(api: httpx.Client, sent: str, kept: str) -> None:
    """What comes back can differ from what was sent."""
    body = {"version": "1", "project": "a", "metadata": {"git": {"remote_url": sent}}}
    assert api.post("releases/", json=body).json()["metadata"] == {"git": {"remote_url": kept}}


@pytest.mark.parametrize(
    "metadata",
    [
        r'{"a": "\u0000"}',
        r'{"a\u0000": 1}',
        r'{"a": [{"b": "x\u0000"}]}',
        r'"\u0000"',
        '{"a": NaN}',
        '{"a": [-Infinity]}',
    ],
)
def test_metadata_that_cannot_be_kept_breaks_the_service(api: httpx.Client, metadata: str) -> None:
    """Nothing is stored, on create and on patch."""
    before = api.get("releases/").json()
    content = f'{{"version": "1", "project": "a", "metadata": {metadata}}}'
    assert api.post("releases/", content=content, headers=AS_JSON).status_code == 500
    assert api.patch(f"releases/{release_id(1)}/", content=content, headers=AS_JSON).status_code == 500
    assert api.get("releases/").json() == before


def test_a_backslash_is_no_nul(api: httpx.Client) -> None:
    """Only the character itself cannot be kept."""
    body = {"version": "1", "project": "a", "metadata": {"a": r"\u0000"}}
    assert api.post("releases/", json=body).json()["metadata"] == {"a": r"\u0000"}


@pytest.mark.parametrize(
    ("field", "path"), [("limit", "releases/"), ("offset", "releases/"), ("offset", "symbol_sets/")]
)
def test_a_window_that_no_database_counts_to_breaks_the_service(api: httpx.Client, field: str, path: str) -> None:
    """2^63 and more is a 500, one less is not."""
    assert api.get(path, params={field: HUGE}).status_code == 500
    assert api.get(path, params={field: str(int(HUGE) - 1)}).status_code == 200


def test_last_used_breaks_ties_by_id(api: httpx.Client, database: Database) -> None:
    """Ids rise among sets of one moment, and among those never used."""
    moment = "2026-09-01T00:00:00.000000Z"
    database.execute("UPDATE symbol_sets SET last_used = ? WHERE last_used IS NOT NULL", (moment,))
    rows = find_symbol_sets(api, order_by="last_used", limit=100)
    for used in (True, False):
        ids = [row["id"] for row in rows if bool(row["last_used"]) == used]
        assert len(ids) > 3
        assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("ids", "status", "deleted"),
    [([None], 200, 0), ([5], 200, 0), ([True], 200, 0), ([1.5], 500, None), ([[]], 500, None)],
)
def test_bulk_delete_takes_what_a_uuid_is_made_of(
    api: httpx.Client, ids: list[Any], status: int, deleted: int | None
) -> None:
    """Null, numbers and truth values name no row; the rest of the list still counts."""
    answer = api.post("symbol_sets/bulk_delete/", json={"ids": ids})
    assert (answer.status_code, answer.json().get("deleted")) == (status, deleted)
    if status == 200:
        some = find_symbol_sets(api)[0]["id"]
        assert api.post("symbol_sets/bulk_delete/", json={"ids": [*ids, some]}).json() == {"deleted": 1}


def test_no_challenge_comes_with_a_401(make_client: MakeClient) -> None:
    """A client is not led to believe that there is another way to log in."""
    assert "www-authenticate" not in make_client("phx_wrong").get("releases/").headers
