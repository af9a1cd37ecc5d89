"""Files of symbol sets: what the API says about them, and what object storage answers."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.storage import LINK_SECONDS, Storage
from tests.support.clock import Clock
from tests.support.project import find_symbol_sets
from tests.support.serving import get
from tests.support.upstream import SwappableApp

COMPLETE = chunk_id("checkout-api/1.9.3/main")


@pytest.fixture
def clock(stage: SwappableApp, database: Database) -> Clock:
    """Put storage with a clock of our own behind the sandbox."""
    clock = Clock()
    stage.app = create_app(database, storage=Storage(clock=clock))
    return clock


def link(api: httpx.Client, ref: str) -> httpx.Response:
    """Ask for the link to a symbol set's file."""
    [row] = find_symbol_sets(api, ref=ref)
    return api.get(f"symbol_sets/{row['id']}/download/")


def test_the_link_leads_to_the_container_without_a_key(api: httpx.Client) -> None:
    """A finished upload answers with PostHog's container, to anyone who has the link."""
    answer = link(api, COMPLETE)
    assert answer.status_code == 200
    assert list(answer.json()) == ["url"]
    content = get(answer.json()["url"]).content
    assert content.startswith(b"posthog_error_tracking\x02\0\0\0\x02\0\0\0\0")
    assert f"//# chunkId={COMPLETE}".encode() in content


def test_the_link_is_good_for_an_hour(api: httpx.Client, clock: Clock) -> None:
    """Just before it is followed, and just after it is refused as object storage refuses."""
    url = link(api, COMPLETE).json()["url"]
    clock.now += LINK_SECONDS - 1
    assert get(url).status_code == 200
    clock.now += 1
    late = get(url)
    assert (late.status_code, late.headers["content-type"]) == (403, "application/xml")


@pytest.mark.parametrize("field", ["X-Amz-Signature", "Expires"])
def test_a_link_that_was_changed_is_refused(api: httpx.Client, field: str) -> None:
    """Neither another moment nor another signature is taken, nor the same for another file."""
    url = link(api, COMPLETE).json()["url"]
    value = parse_qs(urlsplit(url).query)[field][0]
    assert get(url.replace(value, value[:-1] + ("1" if value[-1] == "0" else "0"))).status_code == 403
    for moment in ("9" * 5_000, "\u0663"):
        assert get(url.partition("?")[0], params={"Expires": moment}).status_code == 403
    other = link(api, chunk_id("unbound/main")).json()["url"]
    assert get(f"{other.partition('?')[0]}?{url.partition('?')[2]}").status_code == 403
    assert get(f"{url.partition('/symbolsets')[0]}/%2e%2e/secret?{url.partition('?')[2]}").status_code == 403


def test_an_unfinished_upload_has_a_link_to_nothing(api: httpx.Client) -> None:
    """The API cannot tell; storage can."""
    answer = link(api, chunk_id("pending/main"))
    assert answer.status_code == 200
    assert get(answer.json()["url"]).status_code == 404


def test_no_file_no_link(api: httpx.Client) -> None:
    """A failed fetch and an unknown id are both 404, in different words."""
    missing = link(api, FAILURES[0][0])
    assert (missing.status_code, missing.json()) == (404, {"detail": "Symbol set has no uploaded file."})
    unknown = api.get(f"symbol_sets/{uuid4()}/download/")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Not found.")


def test_a_single_deletion_takes_the_file_and_bulk_delete_leaves_it(
    api: httpx.Client, stage: SwappableApp, database: Database
) -> None:
    """Only one of the two ways to delete spares the storage."""
    storage = Storage()
    stage.app = create_app(database, storage=storage)
    rows = [find_symbol_sets(api, ref=chunk_id(f"unbound/{name}"))[0] for name in ("main", "search")]
    keys = [database.all("SELECT storage_ptr FROM symbol_sets WHERE id = ?", (row["id"],))[0][0] for row in rows]
    for key in keys:
        storage.write(key, b"a file")
    assert api.delete(f"symbol_sets/{rows[0]['id']}/").status_code == 204
    answer = api.post("symbol_sets/bulk_delete/", json={"ids": [rows[1]["id"], str(uuid4())]})
    assert (answer.status_code, answer.json()) == (200, {"deleted": 1})
    assert [storage.read(key) for key in keys] == [None, b"a file"]
    assert [find_symbol_sets(api, ref=row["ref"]) for row in rows] == [[], []]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({}, 400, "ids is required"),
        ({"ids": []}, 400, "ids is required"),
        ({"ids": "all"}, 400, "ids must be a list"),
        ({"ids": ["no uuid"]}, 500, "A server error occurred."),
    ],
)
def test_bulk_delete_refuses(api: httpx.Client, body: object, status: int, detail: str) -> None:
    """Nothing, or something else than a list of ids, is refused in the API's words."""
    answer = api.post("symbol_sets/bulk_delete/", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
