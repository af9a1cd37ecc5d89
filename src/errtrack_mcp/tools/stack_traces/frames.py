"""The frames that are to be resolved, and what became of each. Pure.

They come from an issue's event or from text; the throw site is first, as browsers and Node print it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.symbolication.places import Original, Place
from errtrack_mcp.symbolication.traces import Trace, TraceFrame
from errtrack_mcp.tools.issues.causes import failure_of
from errtrack_mcp.tools.issues.frame_failures import EXTENSIONS
from errtrack_mcp.tools.issues.models import Event, Frame

MAX_HEADER_LINES = 20
MAX_HEADER_LINE_LENGTH = 500
MAX_SHOWN_LENGTH = 300  # of a function, a source, an address
MAX_NUMBER = 2**31 - 1  # of a line or a column
DEPENDENCIES = ("node_modules/", "webpack/bootstrap", "webpack/runtime")

# The names of error-tracking-issues-diagnose, where the cause is one of its.
Reason = Literal[
    "no_chunk_id",
    "never_uploaded",
    "fetch_failed",
    "upload_unfinished",
    "not_fetched",
    "file_unusable",
    "map_does_not_fit",
    "bundler_code",
    "maps_cannot_help",
    "ambiguous",
    "unsure",
    "not_tried",
]
MEANINGS: dict[Reason, str] = {
    "no_chunk_id": "Nothing says which map the frame needs. Send the chunk id in the last line of the deployed "
    "script (//# chunkId=...) in refs, project and version of a release in mode symbol-set, or the directory of its "
    "build.",
    "never_uploaded": "The project has no symbol set with this ref, or one without a file.",
    "fetch_failed": "PostHog tried to fetch the map and failed: nothing was uploaded.",
    "upload_unfinished": "The upload of the symbol set's file was begun and not finished: upload it again.",
    "not_fetched": "PostHog's storage did not give the symbol set's file out, so nothing is known about it.",
    "file_unusable": "A file was found for the frame, but nothing can be looked up in it (detail).",
    "map_does_not_fit": "Either the map is of another build than the deployed script, or the code at this position is "
    "the bundler's or the platform's, not the app's.",
    "bundler_code": "The bundler added the code at this position: the map has other positions of the script, and no "
    "source file for this one.",
    "maps_cannot_help": "No map can help: the frame names no position in a script of this app.",
    "ambiguous": "Several files may have its map (detail). Send the frames of one script alone with its ref, or the "
    "address of the script with its folders.",
    "unsure": "Readable by a symbol set that may be of another script (detail). Compare its ref with the chunk id in "
    "the last line of the deployed script (//# chunkId=...).",
    "not_tried": "Too many frames or files, or too little time, for one call: send fewer frames, or refs.",
}
NO_SUCH_LINE = "The script of this map has no such line: it is of another build than the deployed one."


class NoMap(Exception):  # noqa: N818 - named after what it is
    """A frame's map that cannot be had: `reason` is its kind, the message says more."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(slots=True)
class WantedFrame:
    """One frame: where it is in the deployed script, and once resolved its `originals`, or the reason why not.

    `readable` frames were resolved by PostHog when their event came in. `detail` says more about the reason, which is
    "unsure" for a frame that is resolved and perhaps wrongly. `ref` is that of its symbol set, where that is known.
    """

    function: str
    url: str
    line: int | None
    column: int | None
    ref: str = ""
    in_app: bool = True
    readable: bool = False
    originals: tuple[Original, ...] = ()
    reason: Reason | None = None
    detail: str = ""

    @property
    def resolved(self) -> bool:
        """Whether the frame shows source code."""
        return self.readable or bool(self.originals)

    @property
    def waits(self) -> bool:
        """Whether nothing is known of the frame so far."""
        return not self.resolved and self.reason is None

    @property
    def is_java(self) -> bool:
        """Whether the frame names a class and a method, and the map is one for the whole app."""
        return self.column is None and "." in self.function

    @property
    def script(self) -> str:
        """What frames of one script have in common."""
        return "" if self.is_java else self.url

    @property
    def deployed(self) -> str:
        """Where the frame is in the deployed script: `address:line:column`."""
        parts = (clean(self.url, MAX_SHOWN_LENGTH), self.line, self.column)
        return ":".join(str(part) for part in parts if part)

    @property
    def counts(self) -> bool:
        """Whether the frame is the app's own code, by its original source where that is known."""
        if self.reason == "bundler_code":
            return False
        source = self.originals[0].source if self.originals else self.url
        return self.in_app and not any(folder in source for folder in DEPENDENCIES)

    def place(self) -> Place | None:
        """Return the position to look up, or None where the frame has none that a file can have."""
        if not self.line or (self.column is None and not self.is_java):
            return None
        column = self.column or 1
        if not (0 < self.line <= MAX_NUMBER and 0 < column <= MAX_NUMBER):
            return None
        return Place(self.line, column, self.function)

    def fail(self, why: NoMap) -> None:
        """Note why the frame stays as it is."""
        self.reason, self.detail = why.reason, str(why)


@dataclass(slots=True)
class WantedTrace:
    """One exception and its frames."""

    header: str
    frames: list[WantedFrame] = field(default_factory=list)
    frames_omitted: int = 0


def cleaned(original: Original) -> Original:
    """Return what a map says with its invisible characters escaped: whoever wrote the map may be a stranger."""
    return replace(
        original,
        function=clean(original.function, MAX_SHOWN_LENGTH),
        source=clean(original.source, MAX_SHOWN_LENGTH),
        code=_code(original.code),
        before=tuple(map(_code, original.before)),
        after=tuple(map(_code, original.after)),
    )


def _code(line: str) -> str:
    return clean(line.expandtabs(4))


def from_text(traces: list[Trace]) -> list[WantedTrace]:
    """Return the frames of pasted text."""
    return [WantedTrace(_header(trace.header), list(map(_from_text, trace.frames))) for trace in traces]


def _header(text: str) -> str:
    """Return what stands above the frames, without the line in which Node points at a place of the deployed code."""
    lines = [line for line in text.splitlines() if line.strip(" ^\t")]
    return "\n".join(clean(line, MAX_HEADER_LINE_LENGTH) for line in lines[:MAX_HEADER_LINES])


def _from_text(frame: TraceFrame) -> WantedFrame:
    function = clean(frame.function, MAX_SHOWN_LENGTH)
    wanted = WantedFrame(function, clean(frame.url), frame.line, frame.column)
    if frame.line is None or frame.url.startswith(("node:", *EXTENSIONS)):
        wanted.reason, wanted.in_app = "maps_cannot_help", False
    return wanted


def from_event(event: Event) -> list[WantedTrace]:
    """Return the frames of a stored event, throw site first where that is known."""
    traces = []
    for item in event.exceptions:
        frames = [_from_event(frame, event.library) for frame in item.frames]
        if event.throws_last:
            frames.reverse()
        traces.append(WantedTrace(_header(f"{item.type}: {item.value}"), frames, item.frames_omitted))
    return traces


def _from_event(frame: Frame, library: str) -> WantedFrame:
    failure = failure_of(frame, library)
    wanted = WantedFrame(
        function=clean(frame.function, MAX_SHOWN_LENGTH),
        url=frame.source if frame.readable else frame.url or frame.source,
        line=frame.line,
        column=frame.column,
        ref=frame.chunk_id or (failure.id if failure else ""),
        in_app=frame.in_app,
        readable=failure is None and frame.readable,
    )
    if failure is not None and failure.kind == "maps_cannot_help":
        wanted.reason, wanted.detail = "maps_cannot_help", failure.meaning
    return wanted


def first_frames(traces: list[WantedTrace], most: int) -> tuple[list[WantedTrace], int]:
    """Return the traces with the first so many of their frames, and how many frames that leaves out."""
    kept: list[WantedTrace] = []
    room = most
    for trace in traces:
        if room > 0 or not trace.frames:
            kept.append(replace(trace, frames=trace.frames[:room]))
        room -= len(trace.frames)
    return kept, max(0, -room)


def take_code_out(frames: Iterable[WantedFrame], most: int) -> bool:
    """Take the source code out of all frames after the first `most` characters of it; return whether there was any."""
    room, taken = most, False
    for frame in frames:
        room -= sum(len(line) for each in frame.originals for line in (each.code, *each.before, *each.after))
        if room < 0 and any(each.code for each in frame.originals):
            frame.originals = tuple(replace(each, code="", before=(), after=()) for each in frame.originals)
            taken = True
    return taken
