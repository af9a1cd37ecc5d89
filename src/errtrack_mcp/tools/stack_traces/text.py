"""A resolved stack trace as text: like the one that a browser prints, with the source code around each place. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from errtrack_mcp.symbolication.places import Original
from errtrack_mcp.tools.stack_traces.frames import WantedFrame, WantedTrace


def as_text(traces: Iterable[WantedTrace]) -> str:
    """Write traces one after another; runs of frames outside the app's own code become one line."""
    return "\n\n".join("\n".join(_lines(trace)) for trace in traces)


def _lines(trace: WantedTrace) -> Iterator[str]:
    for line in trace.header.splitlines():
        yield line.lstrip()  # whoever wrote a message of several lines could write frames and source code into it
    for counts, run in groupby(trace.frames, key=lambda frame: frame.counts):
        frames = list(run)
        if counts or len(frames) == 1:
            for frame in frames:
                yield from frame_lines(frame, with_code=counts)
        else:
            yield f"    ... {len(frames)} frames of dependencies and the platform"
    if trace.frames_omitted:
        yield f"    ... {trace.frames_omitted} more frames were not stored"


def frame_lines(frame: WantedFrame, *, with_code: bool) -> Iterator[str]:
    """Write one frame: its place, and the source code around it."""
    why = f"  [{frame.reason}]" if frame.reason else ""
    if not frame.originals:
        yield f"    at {frame.function or '<anonymous>'} ({frame.deployed}){why}"
    for original in frame.originals:
        place = ":".join(str(part) for part in (original.source, original.line, original.column) if part)
        yield f"    at {original.function or frame.function or '<anonymous>'} ({place}){why}"
        if with_code:
            yield from code_lines(original)


def code_lines(original: Original) -> Sequence[str]:
    """Return the source code around a place, numbered, with a mark at its line."""
    if not original.code:
        return []
    first = original.line - len(original.before)
    lines = [*original.before, original.code, *original.after]
    numbered = enumerate(lines, first)
    return [f"      {'>' if number == original.line else ' '} {number:>5} | {code}" for number, code in numbered]
