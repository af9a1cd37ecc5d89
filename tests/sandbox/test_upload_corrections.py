"""What PostHog really does with bulk uploads where one would expect something else."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import chunk_id, release_id
from tests.support.project import find_symbol_sets
from tests.support.serving import get, post

UNBOUND = chunk_id("unbound/main")
NEVER = chunk_id("never/admin")  # bound to release 4, finished, never used
START = "symbol_sets/bulk_start_upload/"
CHECK = "symbol_sets/bulk_check_upload/"
FINISH = "symbol_sets/bulk_finish_upload/"
NOT_HEXADECIMAL = "z" * 32


def started(api: httpx.Client, **row: Any) -> dict[str, Any]:
    """Start one upload that must be accepted."""
    answer = api.post(START, json={"symbol_sets": [row]})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()["id_map"][row["chunk_id"]]
    return ticket


def send(ticket: dict[str, Any], content: bytes) -> httpx.Response:
    """Post a file as the CLI does."""
    address = ticket["presigned_url"]
    return post(address["url"], data=address["fields"], files={"file": ("file", content)})


def stored(database: Database, ref: str, column: str) -> Any:
    """Look at what the API hides."""
    [row] = database.all("SELECT * FROM symbol_sets WHERE ref = ?", (ref,))
    return row[column]


def test_a_check_lists_what_has_to_be_bound(api: httpx.Client, database: Database) -> None:
    """Equal content is listed for its release alone; only what is not listed counts as used."""
    long_ago = "2026-08-30T00:00:00.000000Z"
    database.execute("UPDATE symbol_sets SET last_used = ? WHERE ref = ?", (long_ago, UNBOUND))
    rows = [
        {"chunk_id": ref, "content_hash": stored(database, ref, "content_hash"), "release_id": release_id(4)}
        for ref in (NEVER, UNBOUND)
    ]
    answer = api.post(CHECK, json={"symbol_sets": [*rows, {"chunk_id": "new"}]})
    assert answer.json() == {"chunk_ids_to_upload": [UNBOUND, "new"]}
    assert stored(database, UNBOUND, "last_used") == long_ago
    assert stored(database, UNBOUND, "release_id") is None
    assert stored(database, NEVER, "last_used")


@pytest.mark.parametrize(
    ("body", "status"), [({"content_hashes": None}, 400), ({"content_hashes": {}}, 201), ({}, 201)]
)
def test_only_null_is_no_map_of_hashes(api: httpx.Client, body: dict[str, Any], status: int) -> None:
    """A missing one counts as empty."""
    assert api.post(FINISH, json=body).status_code == status


def test_finishing_again_overwrites_the_hash(api: httpx.Client, database: Database) -> None:
    """The single call of old keeps it."""
    ticket = started(api, chunk_id="new")
    send(ticket, b"file")
    for content_hash in ("h1", "h2"):
        assert api.post(FINISH, json={"content_hashes": {ticket["symbol_set_id"]: content_hash}}).status_code == 201
    assert stored(database, "new", "content_hash") == "h2"


@pytest.mark.parametrize("single", [False, True])
def test_an_empty_file_takes_its_row_with_it(api: httpx.Client, *, single: bool) -> None:
    """It is called too large, and is gone afterwards."""
    ticket = started(api, chunk_id="new")
    assert send(ticket, b"").is_success
    if single:
        answer = api.put(f"symbol_sets/{ticket['symbol_set_id']}/finish_upload/", json={"content_hash": "h"})
    else:
        answer = api.post(FINISH, json={"content_hashes": {ticket["symbol_set_id"]: "h"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "file_too_large")
    assert find_symbol_sets(api, ref="new") == []


def test_a_signed_put_takes_exactly_the_announced_length(api: httpx.Client) -> None:
    """Another length, key or method is refused; without a length there is no such address."""
    assert "presigned_put_url" not in started(api, chunk_id="other")
    ticket = started(api, chunk_id="new", content_length=4)
    url = ticket["presigned_put_url"]
    for wrong in (b"", b"fil", b"files"):
        assert httpx.put(url, content=wrong).status_code == 403
    assert httpx.put(url.replace("symbolsets/", "symbolsets/0"), content=b"file").status_code == 403
    assert get(url).status_code == 403
    assert httpx.put(url, content=b"file").status_code == 200
    assert api.post(FINISH, json={"content_hashes": {ticket["symbol_set_id"]: "h"}}).status_code == 201
    link = api.get(f"symbol_sets/{ticket['symbol_set_id']}/download/").json()["url"]
    assert get(link).content == b"file"


@pytest.mark.parametrize(
    ("releases", "status", "detail"),
    [
        ([NOT_HEXADECIMAL], 500, "A server error occurred."),
        ([release_id(1).replace("-", "")], 400, "Unknown release ID provided: "),
        (["b", "a"], 400, "Invalid release ID provided: a, b"),
        ([NOT_HEXADECIMAL, 7], 400, "Invalid release ID provided: 7"),
    ],
)
def test_a_release_id_is_wrong_in_three_ways(api: httpx.Client, releases: list[Any], status: int, detail: str) -> None:
    """It cannot be, is not there, or breaks the database."""
    rows = [{"chunk_id": str(number), "release_id": each} for number, each in enumerate(releases)]
    answer = api.post(START, json={"symbol_sets": rows})
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
