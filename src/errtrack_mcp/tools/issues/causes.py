"""Why the frames of some events are minified, grouped by cause, and what is true of each cause by now. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from errtrack_mcp.tools.issues.frame_failures import (
    FailureKind,
    FrameFailure,
    beyond_maps,
    decode_frame_failure,
    without_stack,
)
from errtrack_mcp.tools.issues.models import Event, Frame
from errtrack_mcp.tools.symbol_set_counts import COMPLETE, NO_FILE, moment, state_of, written
from errtrack_mcp.tools.symbol_sets import SymbolSet

CauseKind = Literal[
    "no_chunk_id",
    "never_uploaded",
    "uploaded_later",
    "upload_unfinished",
    "fetch_failed",
    "file_unusable",
    "map_does_not_fit",
    "maps_cannot_help",
    "missing",
    "unrecognised",
]
# The name of a cause that no look-up changes.
BY_FAILURE: Mapping[FailureKind, CauseKind] = {
    "no_id": "no_chunk_id",
    "missing": "missing",
    "fetch_failed": "fetch_failed",
    "file_unusable": "file_unusable",
    "map_does_not_fit": "map_does_not_fit",
    "maps_cannot_help": "maps_cannot_help",
    "unrecognised": "unrecognised",
}
WITH_A_MAP: frozenset[FailureKind] = frozenset({"file_unusable", "map_does_not_fit", "unrecognised"})
REACT_NATIVE = "posthog-react-native"
REMEMBERED = timedelta(seconds=330)  # that a map was missing (docs/posthog-api.md, section 11.4)
UNPROCESSED = FrameFailure(
    "unrecognised",
    "not processed",
    "PostHog has not processed this frame, and gives no reason",
    "Look at a newer event: what PostHog stored without processing it stays so.",
)

Place = tuple[str, int | None, int | None]  # function, line and column in the deployed script


@dataclass(slots=True)
class Cause:
    """Frames that are minified for one reason, most of them alike.

    `ref` is that of the symbol set that they need, "" where it is not known; `example` is the frame of the newest
    event nearest to the throw, None for an error without frames.
    """

    failure: FrameFailure
    ref: str
    example: Frame | None
    newest: datetime
    frames: int = 0
    events: set[str] = field(default_factory=set)
    raw_ids: set[str] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)

    def rank(self) -> tuple[int, int, str, str]:
        """Return what the most frequent cause is first by."""
        return -self.frames, -len(self.events), self.failure.reason, self.ref

    @property
    def unprocessed(self) -> bool:
        """Whether PostHog has not tried to make these frames readable."""
        return self.failure is UNPROCESSED

    @property
    def lacks_ref(self) -> bool:
        """Whether there is a symbol set whose ref these frames do not tell."""
        return not self.ref and self.failure.kind in WITH_A_MAP and not self.unprocessed


@dataclass(slots=True)
class Sample:
    """The frames that were looked at, and the causes of those that are minified, most frequent first."""

    frames: int
    causes: list[Cause]
    minified_events: set[str]


class StoredFrame(NamedTuple):
    """A frame as PostHog holds it now: resolved again whenever it occurs, while events stay as they are."""

    raw_id: str
    place: Place
    stored_at: datetime
    readable: bool


class Now(NamedTuple):
    """What is true of a cause by now, and since when: the look-up, the failure, or the upload that says so."""

    state: Literal["fixed", "still_broken", "not_since", "not_tried"]
    time: datetime

    def __str__(self) -> str:
        """Say it as a part of a sentence."""
        time = written(self.time)
        return {
            "fixed": f"fixed since {time}: new errors are readable",
            "still_broken": f"still broken at {time}, when PostHog last looked its frames up",
            "not_since": f"has not occurred since its upload began ({time})",
            "not_tried": f"occurred since its upload began ({time}), but PostHog kept what it had found before: "
            "it looks a frame up again after 5 minutes, one of Node after 30",
        }[self.state]


def examine(events: Sequence[Event]) -> Sample:
    """Group the frames of events, newest first, by why they are minified.

    Only the app's own frames count, unless an event has none.
    """
    causes: dict[tuple[str, str], Cause] = {}
    sample = Sample(0, [], set())
    for event in events:
        frames = _frames_that_count(event)
        sample.frames += len(frames)
        for frame in frames:
            if failure := failure_of(frame, event.library):
                _add(causes, event, failure, frame)
        if not frames:
            message = event.exceptions[0].value if event.exceptions else ""
            _add(causes, event, without_stack(message), None)
    sample.causes = sorted(causes.values(), key=Cause.rank)
    sample.minified_events = {uuid for cause in sample.causes for uuid in cause.events}
    return sample


def failure_of(frame: Frame, library: str) -> FrameFailure | None:
    """Return why a frame is minified, or None where it is readable."""
    addresses = f"{frame.source} {frame.url} {frame.resolve_failure}"
    beyond = beyond_maps(function=frame.function, line=frame.line, column=frame.column, addresses=addresses)
    if beyond or frame.readable:
        return beyond
    if not frame.resolve_failure:
        return UNPROCESSED
    return decode_frame_failure(frame.resolve_failure, hermes=library == REACT_NATIVE)


def kind_of(cause: Cause, found: SymbolSet | None, now: Now | None) -> CauseKind:
    """Name a cause after its symbol set (None: there is none) and its stored frames were looked up."""
    if cause.failure.kind != "missing":
        return BY_FAILURE[cause.failure.kind]
    if found is None or state_of(found.row()) == NO_FILE:
        return "never_uploaded"
    begun, used = moment(found.created_at), moment(found.last_used)
    if begun is None or cause.newest <= begun or (now and now.state in {"fixed", "not_tried"}):
        return "uploaded_later"
    unused = used is None or (used <= cause.newest and cause.newest > begun + REMEMBERED)
    return "upload_unfinished" if unused or (now and now.state == "still_broken") else "uploaded_later"


def now_of(cause: Cause, found: SymbolSet | None, stored: Iterable[StoredFrame]) -> Now | None:
    """Say what is true of a cause by now, from the frames that PostHog stores; None where they do not tell."""
    own = [row for row in stored if row.raw_id in cause.raw_ids or (not cause.raw_ids and row.place in cause.places)]
    fixed = [row.stored_at for row in own if row.readable]
    broken = [row.stored_at for row in own if not row.readable]
    begun = moment(found.created_at) if found and state_of(found.row()) != NO_FILE else None
    if found is None or begun is None:  # nothing was uploaded that could have changed anything
        broken = []
    elif cause.failure.kind == "missing" and not fixed:
        if cause.newest > begun and broken and max(broken) <= begun:
            return Now("not_tried", begun)
        if all(time <= begun for time in broken):
            # A frame without its map may be stored without its symbol set, and is then not among those asked for.
            seen_all = own or cause.raw_ids or state_of(found.row()) == COMPLETE
            return Now("not_since", begun) if seen_all else None
        broken = [time for time in broken if time > begun + REMEMBERED]
    if broken:
        return Now("still_broken", max(broken))
    return Now("fixed", min(fixed)) if fixed else None


def stored_frame(row: Mapping[str, Any]) -> StoredFrame | None:
    """Read a row of stack_frames (docs/posthog-api.md, section 11.2); None for one of another shape."""
    contents, stored_at = row.get("contents"), moment(row.get("created_at"))
    if not isinstance(contents, dict) or stored_at is None:
        return None
    drawer = contents.get("junk_drawer")
    captured = drawer.get("raw_frame") if isinstance(drawer, dict) else None
    if isinstance(captured, dict):
        place = (captured.get("function"), captured.get("lineno"), captured.get("colno"))
    else:
        place = (contents.get("mangled_name"), contents.get("line"), contents.get("column"))
    name, line, column = place
    return StoredFrame(
        raw_id=str(row.get("raw_id", "")),
        place=(str(name or ""), _number(line), _number(column)),
        stored_at=stored_at,
        readable=row.get("resolved") is True and not contents.get("resolve_failure"),
    )


def _frames_that_count(event: Event) -> list[Frame]:
    """Return the app's own frames, or all where it has none, the throw site of the outermost exception first."""
    frames = [frame for item in event.exceptions for frame in reversed(item.frames)]
    return [frame for frame in frames if frame.in_app] or frames


def _add(causes: dict[tuple[str, str], Cause], event: Event, failure: FrameFailure, frame: Frame | None) -> None:
    ref = _ref_of(failure, frame)
    cause = causes.setdefault((failure.reason, ref), Cause(failure, ref, frame, event.timestamp))
    cause.events.add(event.uuid)
    cause.newest = max(cause.newest, event.timestamp)
    if frame is None:
        return
    cause.frames += 1
    cause.places.add((frame.mangled_name, frame.line, frame.column))
    if frame.raw_id:
        cause.raw_ids.add(frame.raw_id)


def _ref_of(failure: FrameFailure, frame: Frame | None) -> str:
    """Return the ref that PostHog looks for: the chunk id, or else the address of the script."""
    if failure.kind == "maps_cannot_help" or frame is None:
        return ""
    script = frame.url if failure.kind in WITH_A_MAP and "://" in frame.url else ""
    return frame.chunk_id or failure.id or script


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
