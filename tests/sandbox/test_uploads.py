"""Uploads: from the first call to a file that can be downloaded, and every way to be refused."""

import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.seed import chunk_id, release_id
from errtrack_mcp.sandbox.storage import MAX_BYTES, UPLOAD_SECONDS, Storage
from tests.support.clock import Clock
from tests.support.project import find_symbol_sets
from tests.support.sandbox_process import running, stop
from tests.support.serving import get, post
from tests.support.upstream import SwappableApp

COMPLETE = chunk_id("checkout-api/1.9.3/main")  # bound to release 1, finished
PENDING = chunk_id("pending/vendor")
UNBOUND = chunk_id("unbound/main")
CONTENT = b"posthog_error_tracking and the rest"


@pytest.fixture
def clock(stage: SwappableApp, database: Database) -> Clock:
    """Put storage with a clock of our own behind the sandbox."""
    clock = Clock()
    stage.app = create_app(database, storage=Storage(clock=clock))
    return clock


@pytest.fixture
def files(stage: SwappableApp, database: Database, tmp_path: Path) -> Path:
    """Put storage in a directory that we can look into behind the sandbox."""
    stage.app = create_app(database, storage=Storage(tmp_path))
    return tmp_path


def start(api: httpx.Client, *uploads: dict[str, Any], **options: Any) -> httpx.Response:
    """Start uploads."""
    return api.post("symbol_sets/bulk_start_upload/", json={"symbol_sets": list(uploads), **options})


def started(api: httpx.Client, *uploads: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Start uploads that must be accepted, and return what is to be sent."""
    answer = start(api, *uploads, **options)
    assert answer.status_code == 201, answer.text
    id_map: dict[str, Any] = answer.json()["id_map"]
    return id_map


def send(ticket: dict[str, Any], content: bytes = CONTENT) -> httpx.Response:
    """Post a file as the CLI does: every field, then the file, and no key."""
    address = ticket["presigned_url"]
    return post(address["url"], data=address["fields"], files={"file": ("file", content)})


def finish(api: httpx.Client, hashes: Any) -> httpx.Response:
    """Finish uploads."""
    return api.post("symbol_sets/bulk_finish_upload/", json={"content_hashes": hashes})


def stored_hash(database: Database, ref: str) -> str | None:
    """Look at what the API hides."""
    row = database.one("SELECT content_hash FROM symbol_sets WHERE ref = ?", (ref,))
    assert row is not None
    content_hash: str | None = row[0]
    return content_hash


def refused(answer: httpx.Response, code: str) -> bool:
    """Return whether an upload was refused with a code, and no attribute."""
    body = answer.json()
    return (answer.status_code, body["type"], body["code"], body["attr"]) == (400, "validation_error", code, None)


def test_an_upload_goes_from_start_to_a_download(api: httpx.Client, database: Database) -> None:
    """What was sent comes back byte for byte; the row is listed as valid from the start on."""
    ticket = started(api, {"chunk_id": "new", "release_id": release_id(1), "content_hash": "h1"})["new"]
    assert set(ticket) == {"symbol_set_id", "presigned_url"}
    assert set(ticket["presigned_url"]) == {"url", "fields"}
    [row] = find_symbol_sets(api, ref="new", status="valid")
    assert (row["id"], row["release"]["id"]) == (ticket["symbol_set_id"], release_id(1))
    assert row["last_used"]
    link = api.get(f"symbol_sets/{row['id']}/download/").json()["url"]
    assert get(link).status_code == 404
    assert send(ticket).is_success
    assert stored_hash(database, "new") is None
    done = finish(api, {row["id"]: "h1"})
    assert (done.status_code, done.json()) == (201, {"success": True})
    assert stored_hash(database, "new") == "h1"
    assert get(link).content == CONTENT


def test_the_older_body_lists_chunk_ids(api: httpx.Client) -> None:
    """All of them get the one release."""
    body = {"chunk_ids": ["a", "b"], "release_id": release_id(2)}
    answer = api.post("symbol_sets/bulk_start_upload", json=body)
    assert (answer.status_code, list(answer.json()["id_map"])) == (201, ["a", "b"])
    assert {find_symbol_sets(api, ref=ref)[0]["release"]["id"] for ref in ("a", "b")} == {release_id(2)}


def test_what_is_there_already_is_not_sent_again(api: httpx.Client, database: Database) -> None:
    """Equal hashes leave the set out of the answer, and an unbound one is bound all the same."""
    same = {"chunk_id": UNBOUND, "content_hash": stored_hash(database, UNBOUND), "release_id": release_id(4)}
    assert started(api, same) == {}
    assert find_symbol_sets(api, ref=UNBOUND)[0]["release"]["id"] == release_id(4)


def test_an_unfinished_upload_starts_again(api: httpx.Client, database: Database) -> None:
    """It keeps its id and gets another place to send to."""
    keys = [database.all("SELECT storage_ptr FROM symbol_sets WHERE ref = ?", (PENDING,))[0][0]]
    [before] = find_symbol_sets(api, ref=PENDING)
    ticket = started(api, {"chunk_id": PENDING, "content_hash": "h"})[PENDING]
    keys.append(ticket["presigned_url"]["fields"]["key"])
    assert ticket["symbol_set_id"] == before["id"]
    assert len(set(keys)) == 2


def test_a_failed_set_can_be_uploaded(api: httpx.Client) -> None:
    """Where a fetch had failed there is a file now, and the reason stays beside it."""
    ref, reason = FAILURES[0]
    assert list(started(api, {"chunk_id": ref, "content_hash": "h"})) == [ref]
    [row] = find_symbol_sets(api, ref=ref)
    assert (row["has_uploaded_file"], row["failure_reason"]) == (True, reason)


def test_other_content_needs_a_decision(api: httpx.Client, database: Database) -> None:
    """It is refused, kept, or replaced with its hash cleared."""
    other = {"chunk_id": COMPLETE, "content_hash": "other"}
    before = stored_hash(database, COMPLETE)
    assert refused(start(api, other), "content_hash_mismatch")
    assert started(api, other, skip_on_conflict=True) == {}
    assert stored_hash(database, COMPLETE) == before
    assert list(started(api, other, force=True)) == [COMPLETE]
    assert stored_hash(database, COMPLETE) is None


@pytest.mark.parametrize(
    ("upload", "options", "code"),
    [
        ({"chunk_id": "new"}, {"force": True, "skip_on_conflict": True}, "invalid_conflict_handling"),
        ({"chunk_id": "first"}, {}, "invalid_chunk_ids"),
        ({"chunk_id": "new", "release_id": "00000000-0000-0000-0000-00000000dead"}, {}, "invalid_release_id"),
        ({"chunk_id": "new", "release_id": "no uuid"}, {}, "invalid_release_id"),
        ({"chunk_id": "new", "content_length": MAX_BYTES + 1}, {}, "file_too_large"),
        ({"chunk_id": COMPLETE, "release_id": release_id(2)}, {"force": True}, "release_id_mismatch"),
        ({"chunk_id": COMPLETE}, {}, "content_hash_required"),
    ],
)
def test_one_refusal_starts_nothing(
    api: httpx.Client, upload: dict[str, Any], options: dict[str, Any], code: str
) -> None:
    """Every code has its case, and the sets named before it are not written either."""
    assert refused(start(api, {"chunk_id": "first"}, upload, **options), code)
    assert find_symbol_sets(api, ref="first") == []


def test_a_check_writes_nothing_but_that_it_asked(api: httpx.Client, database: Database) -> None:
    """It names what would have to be sent."""
    never = chunk_id("never/admin")
    same = {"chunk_id": never, "content_hash": stored_hash(database, never)}
    body = {"symbol_sets": [{"chunk_id": "new"}, same]}
    answer = api.post("symbol_sets/bulk_check_upload/", json=body)
    assert (answer.status_code, answer.json()) == (200, {"chunk_ids_to_upload": ["new"]})
    assert find_symbol_sets(api, ref="new") == []
    assert find_symbol_sets(api, ref=never)[0]["last_used"]


def test_being_asked_for_is_noted_twice_a_day_at_most(api: httpx.Client, database: Database) -> None:
    """A set used within twelve hours keeps its time."""
    recent = "2999-01-01T00:00:00.000000Z"
    database.execute("UPDATE symbol_sets SET last_used = ? WHERE ref = ?", (recent, PENDING))
    started(api, {"chunk_id": PENDING}, {"chunk_id": chunk_id("pending/main")})
    assert find_symbol_sets(api, ref=PENDING)[0]["last_used"] == recent.replace(".000000", "")
    assert find_symbol_sets(api, ref=chunk_id("pending/main"))[0]["last_used"]


@pytest.mark.parametrize(("hashes", "status"), [(None, 400), ({}, 201)])
def test_finishing_nothing(api: httpx.Client, hashes: Any, status: int) -> None:
    """No map is refused, an empty one is not."""
    answer = finish(api, hashes)
    bodies = {400: {"detail": "content_hashes are required"}, 201: {"success": True}}
    assert (answer.status_code, answer.json()) == (status, bodies[status])


def test_finishing_is_for_all_or_none(api: httpx.Client, database: Database) -> None:
    """A file that never came, or a set that is not there, leaves the other pending."""
    tickets = started(api, {"chunk_id": "sent"}, {"chunk_id": "unsent"})
    ids = [tickets[ref]["symbol_set_id"] for ref in ("sent", "unsent")]
    send(tickets["sent"])
    assert refused(finish(api, {ids[0]: "h", ids[1]: "h"}), "file_not_found")
    assert refused(finish(api, {ids[0]: "h", str(uuid4()): "h"}), "symbol_set_not_found")
    assert refused(finish(api, {ids[0]: ""}), "content_hash_required")
    assert stored_hash(database, "sent") is None
    assert len(find_symbol_sets(api, ref="unsent")) == 1


def test_a_file_that_is_too_large_takes_its_row_with_it(api: httpx.Client, files: Path) -> None:
    """Only that row goes."""
    tickets = started(api, {"chunk_id": "small"}, {"chunk_id": "large"})
    for ticket in tickets.values():
        send(ticket)
    os.truncate(files / tickets["large"]["presigned_url"]["fields"]["key"], MAX_BYTES + 1)
    hashes = {ticket["symbol_set_id"]: "h" for ticket in tickets.values()}
    assert refused(finish(api, hashes), "file_too_large")
    assert (len(find_symbol_sets(api, ref="small")), find_symbol_sets(api, ref="large")) == (1, [])


def test_storage_takes_a_file_for_five_minutes_where_it_was_signed(api: httpx.Client, clock: Clock) -> None:
    """Another key, a changed signature, no file, and a late one are refused as object storage refuses."""
    tickets = started(api, {"chunk_id": "a"}, {"chunk_id": "b"})
    url, fields = tickets["a"]["presigned_url"].values()
    other = tickets["b"]["presigned_url"]["fields"]["key"]
    for changed in ({"key": other}, {"key": "../../etc/passwd"}, {"X-Amz-Signature": "00"}, {"Expires": "9999999999"}):
        assert post(url, data=fields | changed, files={"file": ("file", b"")}).status_code == 403, changed
    assert post(url, data=fields).status_code == 400
    clock.now += UPLOAD_SECONDS - 1
    assert send(tickets["a"]).status_code == 204
    clock.now += 1
    late = send(tickets["a"])
    assert (late.status_code, late.headers["content-type"]) == (403, "application/xml")


def test_files_lie_beside_the_data(tmp_path: Path) -> None:
    """What was uploaded before a restart is downloaded after it."""
    path = tmp_path / "project.db"
    with running(path) as (process, client):
        ticket = started(client, {"chunk_id": "kept"})["kept"]
        send(ticket)
        finish(client, {ticket["symbol_set_id"]: "h"})
        assert stop(process, signal.SIGTERM) == 0
    with running(path) as (_process, client):
        link = client.get(f"symbol_sets/{ticket['symbol_set_id']}/download/").json()["url"]
        assert get(link).content == CONTENT
    assert (tmp_path / "project.db-files" / "symbolsets").is_dir()
