"""The sentences of an issue's diagnosis."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errtrack_mcp.tools.issues.causes import Cause, Now, Sample
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.frame_failures import decode_frame_failure, without_stack
from errtrack_mcp.tools.issues.issue_advice import advice, is_readable, summary
from errtrack_mcp.tools.issues.models import Event
from errtrack_mcp.tools.symbol_sets import SymbolSet

TIME = datetime(2026, 9, 1, 12, tzinfo=UTC)
WINDOW = Window(TIME - timedelta(days=7), TIME)
EVENTS = [Event(uuid=name, timestamp=TIME) for name in ("new", "old")]
FIXED, BROKEN, NOT_SINCE = (Now(state, TIME) for state in ("fixed", "still_broken", "not_since"))
MISSING = decode_frame_failure("No sourcemap uploaded for chunk id: abc")
SET = SymbolSet(id="s", ref="abc", has_uploaded_file=True)


def cause(failure: Any = MISSING) -> Cause:
    """Return a cause of the older event."""
    return Cause(failure, "abc", None, TIME, 2, {"old"})


def said(*now: Any, minified: tuple[str, ...] = ("new", "old"), failure: Any = MISSING) -> str:
    """Return the summary of a sample with as many causes as `now` has."""
    sample = Sample(4, [cause(failure) for _ in now], set(minified) if now else set())
    return summary(WINDOW, EVENTS, sample, now)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ([], "Readable: all 4 frames of the app in the 2 sampled events show source code."),
        ([None], "Not readable: 2 of 4 frames are minified, in 2 of 2 sampled events."),
        ([FIXED, FIXED], "All of it is fixed since: new errors are readable."),
        ([FIXED, None], "A part of it is fixed since."),
        ([FIXED, BROKEN], "It is still broken although a file was uploaded."),
        ([NOT_SINCE], "It has not occurred since the upload: look at the next error."),
        ([Now("not_tried", TIME)], "PostHog has not looked its frames up since the upload"),
    ],
)
def test_the_summary_says_how_it_stands(now: list[Now | None], sentence: str) -> None:
    """A part that is fixed is not called the whole."""
    assert sentence in said(*now)
    assert ("All of it" in said(*now)) == (now == [FIXED, FIXED])


def test_a_newest_event_that_is_readable_is_pointed_out() -> None:
    """It says more about now than the older ones."""
    assert "The newest event is readable." in said(None, minified=("old",))
    assert "newest" not in said(None)


def test_no_events_are_no_verdict() -> None:
    """Neither true nor false."""
    nothing = Sample(0, [], set())
    assert is_readable([], nothing) is None
    assert summary(WINDOW, [], nothing, []).startswith("Could not tell: ")


def test_maps_that_cannot_help_are_not_asked_for() -> None:
    """The summary says so first."""
    assert "No source map can help" in said(None, failure=without_stack("Script error."))


@pytest.mark.parametrize(
    ("kind", "found", "now", "remedy"),
    [
        ("never_uploaded", None, None, "Check first that the upload went to this project and region."),
        ("never_uploaded", SET, None, "posthog-cli sourcemap process"),
        ("uploaded_later", SET, None, "Nothing."),
        ("uploaded_later", SET, FIXED, "Nothing."),
        ("uploaded_later", SET, BROKEN, "//# chunkId=abc"),
        ("upload_unfinished", SET, BROKEN, "Finish the upload: errtrack-mcp upload"),
        ("map_does_not_fit", SET, BROKEN, "posthog-cli sourcemap process"),
        ("map_does_not_fit", SET, FIXED, "Nothing."),
    ],
)
def test_the_remedy_fits_what_was_found(kind: Any, found: Any, now: Any, remedy: str) -> None:
    """Nobody is told to upload what is there and works."""
    assert remedy in advice(cause(), kind, found, now).remedy
