"""Frames of captured events are looked up in the uploaded files."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox import captured_frames
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.frames import Contents
from errtrack_mcp.sandbox.seed import chunk_id
from tests.support.capturing import FRAME, UPLOADED, URL, exception_event, send, stored
from tests.support.project import find_symbol_sets
from tests.support.uploading import upload


def throw_site(origin: str, database: Database, **fields: Any) -> Contents:
    """Send an event of one frame, and return that frame as it was stored."""
    assert send(origin, exception_event(FRAME | fields)).status_code == 200
    frame: Contents = stored(database)[-1]["$exception_list"][0]["stacktrace"]["frames"][-1]
    return frame


def test_a_frame_is_resolved_with_its_file(origin: str, database: Database, api: httpx.Client) -> None:
    """Its row has the source around it, and the symbol set was used."""
    database.execute("UPDATE symbol_sets SET last_used = NULL")
    frame = throw_site(origin, database, chunk_id=UPLOADED)
    assert (frame["resolved_name"], frame["source"], frame["line"]) == ("discountFor", "source/order/discount.ts", 8)
    [row] = api.post("stack_frames/batch_get/", json={"raw_ids": [frame["raw_id"]]}).json()["results"]
    assert (row["resolved"], row["symbol_set_ref"]) == (True, UPLOADED)
    assert row["context"]["line"] == {"number": 8, "line": "  const { percent } = customer.account!.discount;"}
    [symbol_set] = find_symbol_sets(api, ref=UPLOADED)
    assert symbol_set["last_used"] == "2026-09-20T12:00:00Z"


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"chunk_id": "none"}, "No sourcemap uploaded for chunk id: none"),
        ({"chunk_id": chunk_id("pending/main")}, "No sourcemap uploaded for chunk id: "),
        ({"chunk_id": UPLOADED, "lineno": 900}, "Token not found for frame: u:900:48"),
        ({"chunk_id": UPLOADED, "lineno": 0}, "Token not found for frame: u:0:48"),
    ],
)
def test_a_frame_that_stays_minified_says_why(
    origin: str, database: Database, fields: dict[str, Any], failure: str
) -> None:
    """In PostHog's words."""
    frame = throw_site(origin, database, **fields)
    assert frame["resolve_failure"].startswith(failure)
    assert frame["resolved"] is False


def test_a_file_that_cannot_be_used_says_so(origin: str, database: Database) -> None:
    """And the symbol set keeps no reason for it, as PostHog's does not."""
    upload(origin, "broken", b"no container")
    frame = throw_site(origin, database, chunk_id="broken")
    assert frame["resolve_failure"].startswith("Invalid source map: it does not begin as a symbol set does")
    row = database.one("SELECT failure_reason FROM symbol_sets WHERE ref = 'broken'")
    assert row is not None
    assert row["failure_reason"] is None


def test_without_the_extra_every_map_counts_as_missing(
    origin: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is stored all the same."""
    monkeypatch.setattr(captured_frames, "is_installed", lambda: False)
    frame = throw_site(origin, database, chunk_id=UPLOADED)
    assert frame["resolve_failure"] == f"No sourcemap uploaded for chunk id: {UPLOADED}"


def test_a_young_row_is_taken_as_it_is(origin: str, database: Database) -> None:
    """A map that is uploaded now helps after five minutes, and what is looked up once stays for half an hour."""
    for chunk in ("none", UPLOADED):
        assert throw_site(origin, database, chunk_id=chunk)["resolved"] is False
    database.execute("UPDATE stack_frames SET created_at = '2026-09-20T11:55:00.000000Z'")
    assert throw_site(origin, database, chunk_id=UPLOADED)["resolved"] is True


def test_a_script_without_a_chunk_id_is_known_by_its_address(
    origin: str, database: Database, api: httpx.Client
) -> None:
    """Nothing is fetched from the web: the symbol set says that there was no map."""
    frame = throw_site(origin, database, colno=900)
    assert frame["resolve_failure"] == f"Could not find sourcemap for source url: {URL}"
    [symbol_set] = find_symbol_sets(api, ref=URL)
    assert symbol_set["failure_reason"] == f'{{"JavaScript":{{"NoSourcemap":"{URL}"}}}}'
    assert throw_site(origin, database, colno=901)["resolved"] is False
    assert len(find_symbol_sets(api, ref=URL)) == 1
