"""Frames grouped by why they are minified, and what the stored frames say about each group by now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errtrack_mcp.tools.issues.causes import Cause, StoredFrame, examine, kind_of, now_of, stored_frame
from errtrack_mcp.tools.issues.frame_failures import decode_frame_failure
from errtrack_mcp.tools.issues.models import Event, ExceptionItem, Frame
from errtrack_mcp.tools.symbol_set_counts import written
from errtrack_mcp.tools.symbol_sets import SymbolSet

UPLOADED = datetime(2026, 9, 1, 12, tzinfo=UTC)
BEFORE, AFTER = UPLOADED - timedelta(days=1), UPLOADED + timedelta(days=1)
SOON = UPLOADED + timedelta(minutes=3)
MISSING = "No sourcemap uploaded for chunk id: abc"


def frame(**given: Any) -> Frame:
    """Return a minified frame of the app."""
    fields = {"mangled_name": "qe", "line": 1, "column": 88, "in_app": True, "resolve_failure": MISSING}
    return Frame(**{**fields, **given})


def event(*frames: Frame, number: int = 1, value: str = "broken", library: str = "web") -> Event:
    """Return an event with one exception."""
    item = ExceptionItem(type="Error", value=value, frames=frames)
    return Event(uuid=str(number), timestamp=AFTER, library=library, exceptions=(item,))


def cause(text: str = MISSING, newest: datetime = BEFORE, raw_id: str = "") -> Cause:
    """Return the cause of one frame."""
    raw_ids = {raw_id} if raw_id else set()
    return Cause(decode_frame_failure(text), "abc", None, newest, 1, {"1"}, raw_ids, {("qe", 1, 88)})


def symbol_set(*, has_file: bool = True, last_used: datetime | None = None) -> SymbolSet:
    """Return a symbol set whose upload began at UPLOADED."""
    used = written(last_used) if last_used else None
    return SymbolSet(id="s", ref="abc", has_uploaded_file=has_file, created_at=written(UPLOADED), last_used=used)


def stored(time: datetime, *, readable: bool = False, raw_id: str = "other/0", name: str = "qe") -> StoredFrame:
    """Return a stored frame, of the place of the cause."""
    return StoredFrame(raw_id, (name, 1, 88), time, readable)


def test_causes_are_grouped_by_reason_and_ref_and_the_most_frequent_comes_first() -> None:
    """Two chunks that were not uploaded are two causes: each needs its own upload."""
    rare, common = frame(), frame(resolve_failure="No sourcemap uploaded for chunk id: def")
    sample = examine([event(rare, common, common, number=1), event(common, number=2)])
    assert [(found.ref, found.frames, found.events) for found in sample.causes] == [
        ("def", 3, {"1", "2"}),
        ("abc", 1, {"1"}),
    ]
    assert (sample.frames, sample.minified_events) == (4, {"1", "2"})


def test_frames_of_libraries_count_only_where_there_are_no_others() -> None:
    """A minified library in the stack does not make the app's own readable frames unreadable."""
    library = frame(in_app=False)
    own = frame(resolved=True, resolve_failure="")
    assert examine([event(library, own)]).causes == []
    assert [found.frames for found in examine([event(library)]).causes] == [1]


def test_resolved_does_not_mean_readable() -> None:
    """PostHog also calls resolved what it had nothing to look up for."""
    (found,) = examine([event(frame(resolved=True, resolve_failure="No source url found"))]).causes
    assert found.failure.kind == "no_id"


def test_a_frame_that_was_never_processed_is_not_given_a_reason() -> None:
    """Neither readable nor unreadable is known of it."""
    (found,) = examine([event(frame(resolve_failure=""))]).causes
    assert found.unprocessed
    assert not found.lacks_ref


def test_the_example_is_the_frame_nearest_to_the_throw() -> None:
    """PostHog sends the outermost call first."""
    (found,) = examine([event(frame(mangled_name="outer"), frame(mangled_name="thrower"))]).causes
    assert found.example
    assert found.example.mangled_name == "thrower"


@pytest.mark.parametrize(
    ("given", "ref", "lacks"),
    [
        ({"resolve_failure": "Token not found for frame: a:1:2"}, "", True),
        ({"resolve_failure": "Token not found for frame: a:1:2", "chunk_id": "abc"}, "abc", False),
        (
            {"resolve_failure": "Invalid Source and Map", "url": "https://a.example/b.js"},
            "https://a.example/b.js",
            False,
        ),
        ({"resolve_failure": "Invalid mapping", "url": "SourceFile"}, "", True),
        ({"resolve_failure": "No source url found"}, "", False),
        ({"resolve_failure": MISSING, "chunk_id": "of the frame"}, "of the frame", False),
    ],
)
def test_the_ref_is_the_chunk_id_or_else_the_address_of_the_script(given: Any, ref: str, *, lacks: bool) -> None:
    """What lacks one is worth a look at the captured event; what sent no id is not."""
    (found,) = examine([event(frame(**given))]).causes
    assert (found.ref, found.lacks_ref) == (ref, lacks)


@pytest.mark.parametrize(
    ("newest", "found", "kind"),
    [
        (AFTER, None, "never_uploaded"),
        (AFTER, symbol_set(has_file=False), "never_uploaded"),
        (BEFORE, symbol_set(), "uploaded_later"),
        (BEFORE, symbol_set(last_used=AFTER), "uploaded_later"),
        (AFTER, symbol_set(), "upload_unfinished"),
        (AFTER, symbol_set(last_used=UPLOADED), "upload_unfinished"),
        (AFTER, symbol_set(last_used=AFTER + timedelta(days=1)), "uploaded_later"),
        (SOON, symbol_set(last_used=SOON), "uploaded_later"),  # PostHog remembers for minutes that there was no map
    ],
)
def test_a_missing_map_is_told_apart_by_when_its_upload_began(newest: datetime, found: Any, kind: str) -> None:
    """Never, before the error, or after it."""
    assert kind_of(cause(newest=newest), found, None) == kind


def test_what_was_found_since_decides_over_what_was_guessed() -> None:
    """A frame that is readable now proves that the upload was finished; one that is not, that it was not."""
    late = cause(newest=AFTER)
    fixed = now_of(late, symbol_set(), [stored(AFTER, readable=True)])
    assert fixed
    assert kind_of(late, symbol_set(), fixed) == "uploaded_later"
    used = symbol_set(last_used=AFTER + timedelta(days=1))
    broken = now_of(late, used, [stored(AFTER + timedelta(days=2))])
    assert broken
    assert kind_of(late, used, broken) == "upload_unfinished"


@pytest.mark.parametrize(
    ("frames", "found", "state"),
    [
        ([stored(AFTER, readable=True)], symbol_set(), "fixed"),
        ([stored(AFTER)], symbol_set(), "still_broken"),
        ([stored(BEFORE)], symbol_set(), "not_since"),
        ([stored(SOON)], symbol_set(), None),  # PostHog may still have remembered that there was no map
        ([], symbol_set(last_used=AFTER), "not_since"),
        ([], symbol_set(), None),
        ([stored(AFTER, readable=True, name="another")], symbol_set(), None),
        ([stored(AFTER)], None, None),
        ([stored(AFTER)], symbol_set(has_file=False), None),
    ],
)
def test_the_stored_frames_say_what_is_true_by_now(frames: Any, found: Any, state: str | None) -> None:
    """Only frames at the same place count, and only what was looked up after the upload."""
    now = now_of(cause(), found, frames)
    assert (now and now.state) == state


def test_an_error_that_came_before_posthog_looked_again_is_said_to_have_come() -> None:
    """A frame of Node counts as resolved without its map, and is kept for half an hour: the upload is not at fault."""
    late = cause(newest=UPLOADED + timedelta(minutes=20))
    now = now_of(late, symbol_set(), [stored(UPLOADED - timedelta(minutes=5))])
    assert str(now).startswith("occurred since its upload began (2026-09-01T12:00:00Z), but PostHog kept")
    assert kind_of(late, symbol_set(), now) == "uploaded_later"


def test_frames_are_matched_by_their_ids_where_these_are_known() -> None:
    """Two scripts can have the same name at the same place."""
    same_place, same_id = stored(AFTER, readable=True), stored(AFTER, readable=True, raw_id="mine/0", name="other")
    assert now_of(cause(raw_id="mine/0"), symbol_set(last_used=AFTER), [same_place]) != now_of(
        cause(raw_id="mine/0"), symbol_set(last_used=AFTER), [same_id]
    )


def test_a_map_that_does_not_fit_is_still_broken_whenever_it_was_uploaded() -> None:
    """The file was there when the frame was looked up."""
    now = now_of(cause("Token not found for frame: qe:1:88"), symbol_set(), [stored(BEFORE)])
    assert now
    assert str(now).startswith("still broken at 2026-08-31T12:00:00Z")


@pytest.mark.attack("hostile text in an issue")
@pytest.mark.parametrize(
    "row",
    [
        {},
        {"contents": None, "created_at": written(AFTER)},
        {"contents": {}, "created_at": "yesterday"},
        {"contents": [], "created_at": written(AFTER)},
    ],
)
def test_a_stored_row_of_another_shape_is_passed_over(row: Any) -> None:
    """What PostHog stores was sent by somebody."""
    assert stored_frame(row) is None


def test_a_stored_frame_is_placed_where_it_was_captured() -> None:
    """A frame that is readable now has the line of the source file; the event has that of the script."""
    captured = {"raw_frame": {"function": "qe", "lineno": 1, "colno": 88}}
    contents = {"mangled_name": "qe", "resolved_name": "cartTotal", "line": 41, "column": 18, "junk_drawer": captured}
    row = {"raw_id": "a/0", "created_at": written(AFTER), "contents": contents, "resolved": True}
    found = stored_frame(row)
    assert found == StoredFrame("a/0", ("qe", 1, 88), AFTER, readable=True)
    odd = stored_frame({**row, "contents": {"junk_drawer": 7, "mangled_name": None, "line": "1", "column": True}})
    assert odd
    assert odd.place == ("", None, None)
