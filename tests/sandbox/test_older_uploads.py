"""Uploads of one symbol set at a time, as older clients make them."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import chunk_id, release_id
from tests.support.project import find_symbol_sets
from tests.support.serving import get, post

COMPLETE = chunk_id("checkout-api/1.9.3/main")  # bound to release 1, finished
UNBOUND = chunk_id("unbound/main")
CONTENT = b"posthog_error_tracking and the rest"
FILE = {"files": {"source_map": ("file", CONTENT)}}
NAMED = {"content": CONTENT, "headers": {"Content-Disposition": "attachment; filename=a"}}
START = "symbol_sets/start_upload/"
NOBODY = "00000000-0000-0000-0000-00000000dead"


def send(ticket: dict[str, Any], content: bytes = CONTENT) -> httpx.Response:
    """Post a file as the CLI does: every field, then the file, and no key."""
    address = ticket["presigned_url"]
    return post(address["url"], data=address["fields"], files={"file": ("file", content)})


def stored(database: Database, ref: str, column: str) -> str | None:
    """Look at what the API hides."""
    [row] = database.all("SELECT * FROM symbol_sets WHERE ref = ?", (ref,))
    value: str | None = row[column]
    return value


def test_the_single_upload(api: httpx.Client, database: Database) -> None:
    """It starts by query, leaves the last use empty, and is finished by PUT, once."""
    assert api.post(START).json() == {"detail": "chunk_id query parameter is required"}
    answer = api.post(START, params={"chunk_id": "old", "release_id": release_id(1)})
    assert (answer.status_code, set(answer.json())) == (201, {"presigned_url", "symbol_set_id"})
    path = f"symbol_sets/{answer.json()['symbol_set_id']}/finish_upload/"
    assert api.put(path, json={"content_hash": "h1"}).json()["code"] == "file_not_found"
    send(answer.json())
    for content_hash in ("h1", "h2"):
        done = api.put(path, json={"content_hash": content_hash})
        assert (done.status_code, done.json()) == (200, {"success": True})
    assert stored(database, "old", "content_hash") == "h1"
    assert find_symbol_sets(api, ref="old")[0]["last_used"] is None


def test_the_direct_upload(api: httpx.Client) -> None:
    """The file comes with the request, and is there at once."""
    missing = api.post("symbol_sets/", **NAMED)  # type: ignore[arg-type]
    assert (missing.status_code, missing.json()) == (400, {"detail": "chunk_id query parameter is required"})
    for sent in (FILE, NAMED):
        query = {"chunk_id": "d", "release_id": release_id(1)}
        answer = api.post("symbol_sets/", params=query, **sent)
        assert (answer.status_code, answer.json()) == (201, {"ok": True})
        [row] = find_symbol_sets(api, ref="d")
        link = api.get(f"symbol_sets/{row['id']}/download/").json()["url"]
        assert get(link).content == CONTENT


@pytest.mark.parametrize("path", [START, "symbol_sets/"])
@pytest.mark.parametrize("release", [NOBODY, "no uuid"])
def test_an_unknown_release_breaks_the_service(api: httpx.Client, path: str, release: str) -> None:
    """It is not checked as the bulk calls check it."""
    answer = api.post(path, params={"chunk_id": "d", "release_id": release}, files=FILE["files"])
    assert answer.status_code == 500
    assert find_symbol_sets(api, ref="d") == []


@pytest.mark.parametrize("path", [START, "symbol_sets/"])
@pytest.mark.parametrize("query", [{}, {"release_id": release_id(2)}])
def test_a_bound_set_needs_its_own_release(api: httpx.Client, path: str, query: dict[str, str]) -> None:
    """Neither another nor none will do."""
    answer = api.post(path, params={"chunk_id": COMPLETE, **query}, files=FILE["files"])
    expected = {
        "type": "validation_error",
        "code": "invalid_input",
        "detail": "Symbol set has already been uploaded for a different release",
        "attr": None,
    }
    assert (answer.status_code, answer.json()) == (400, expected)


@pytest.mark.parametrize("path", [START, "symbol_sets/"])
@pytest.mark.parametrize("query", [{"chunk_id": COMPLETE, "release_id": release_id(1)}, {"chunk_id": UNBOUND}])
def test_a_finished_set_gets_another_file(
    api: httpx.Client, database: Database, path: str, query: dict[str, str]
) -> None:
    """No hash is compared; a start clears the one that was noted."""
    ref = query["chunk_id"]
    before = stored(database, ref, "storage_ptr")
    assert api.post(path, params=query, files=FILE["files"]).status_code == 201
    assert stored(database, ref, "storage_ptr") not in {before, None}
    assert (stored(database, ref, "content_hash") is None) == (path == START)


def test_finishing_looks_at_the_hash_first(api: httpx.Client) -> None:
    """Before the id in the path, be it unknown or no UUID."""
    for symbol_set_id in (uuid4(), "nonsense"):
        answer = api.put(f"symbol_sets/{symbol_set_id}/finish_upload/", json={})
        assert (answer.status_code, answer.json()["code"]) == (400, "content_hash_required")
    assert api.put(f"symbol_sets/{uuid4()}/finish_upload/", json={"content_hash": "h"}).status_code == 404
