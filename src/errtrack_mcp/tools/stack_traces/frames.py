"""The frames that are to be resolved, and what became of each. Pure.

They come from an issue's event or from text; the throw site is first, as browsers and Node print it.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.symbolication.places import Original, Place
from errtrack_mcp.symbolication.traces import Trace, TraceFrame
from errtrack_mcp.tools.issues.causes import failure_of
from errtrack_mcp.tools.issues.models import Event, Frame

MAX_HEADER_LENGTH = 1_000
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
    "maps_cannot_help",
    "ambiguous",
    "not_tried",
]
MEANINGS: dict[Reason, str] = {
    "no_chunk_id": "Nothing says which symbol set the frame needs. Send the last line of the deployed script "
    "(//# chunkId=...) as ref, or the directory of its build.",
    "never_uploaded": "The project has no symbol set with this ref, or one without a file.",
    "fetch_failed": "PostHog tried to fetch the map and failed: nothing was uploaded.",
    "upload_unfinished": "The upload of the symbol set's file was begun and not finished: upload it again.",
    "not_fetched": "PostHog's storage did not give the symbol set's file out, so nothing is known about it.",
    "file_unusable": "The symbol set has a file in which nothing can be looked up.",
    "map_does_not_fit": "The map does not know this position: it belongs to another build than the deployed script.",
    "maps_cannot_help": "No map can help: the frame names no position in a script of this app.",
    "ambiguous": "Several scripts of the build have this name: send the address with its folders, or a ref.",
    "not_tried": "Too many frames or symbol sets for one call: send fewer frames.",
}


@dataclass(slots=True)
class WantedFrame:
    """One frame: where it is in the deployed script, and once resolved its `originals`, or the reason why not.

    `readable` frames were resolved by PostHog when their event came in. `detail` says more about the reason.
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
    def counts(self) -> bool:
        """Whether the frame is the app's own code, by its original source where that is known."""
        source = self.originals[0].source if self.originals else self.url
        return self.in_app and not any(folder in source for folder in DEPENDENCIES)

    def place(self) -> Place | None:
        """Return the position to look up, or None where the frame has none."""
        if not self.line or (self.column is None and "." not in self.function):
            return None
        return Place(self.line, self.column or 1, self.function)


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
        function=clean(original.function),
        source=clean(original.source),
        code=_code(original.code),
        before=tuple(map(_code, original.before)),
        after=tuple(map(_code, original.after)),
    )


def _code(line: str) -> str:
    return clean(line.expandtabs(4))


def from_text(traces: list[Trace], ref: str) -> list[WantedTrace]:
    """Return the frames of pasted text; `ref` is that of the symbol set that all of them need, "" for none."""
    return [WantedTrace(_header(trace.header), [_from_text(frame, ref) for frame in trace.frames]) for trace in traces]


def _header(text: str) -> str:
    return "\n".join(clean(line) for line in text[:MAX_HEADER_LENGTH].splitlines())


def _from_text(frame: TraceFrame, ref: str) -> WantedFrame:
    wanted = WantedFrame(clean(frame.function), clean(frame.url), frame.line, frame.column, ref)
    if frame.line is None or frame.url.startswith("node:"):
        wanted.reason, wanted.in_app = "maps_cannot_help", False
    return wanted


def from_event(event: Event, ref: str) -> list[WantedTrace]:
    """Return the frames of a stored event, throw site first where that is known; `ref` is for frames without an id."""
    traces = []
    for item in event.exceptions:
        frames = [_from_event(frame, event.library, ref) for frame in item.frames]
        if event.throws_last:
            frames.reverse()
        traces.append(WantedTrace(_header(f"{item.type}: {item.value}"), frames, item.frames_omitted))
    return traces


def _from_event(frame: Frame, library: str, ref: str) -> WantedFrame:
    failure = failure_of(frame, library)
    wanted = WantedFrame(
        function=frame.function,
        url=frame.source if frame.readable else frame.url or frame.source,
        line=frame.line,
        column=frame.column,
        ref=frame.chunk_id or (failure.id if failure else "") or ref,
        in_app=frame.in_app,
        readable=failure is None and frame.readable,
    )
    if failure is not None and failure.kind == "maps_cannot_help":
        wanted.reason, wanted.detail = "maps_cannot_help", failure.meaning
    return wanted
