"""Events as an answer shows them: the frames that matter, the one that threw marked, and no more than fits. Pure.

Frames keep PostHog's order, the outermost call first, so that what is cut off is farthest from the error.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import to_json

from errtrack_mcp.api.models import BYTES_A_TOKEN, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.issues.models import Event, ExceptionItem, Frame

MAX_NAME_LENGTH = 200  # of a function or a source
MAX_MESSAGE_LENGTH = 1_000  # newer installations cut it there themselves
MAX_TEXT_LENGTH = 500  # of a failure, a URL
BYTES_OF_A_COUNT = 30  # of what was left out
MAX_VARIABLES = 20
MAX_VARIABLE_LENGTH = 200

Frames = Annotated[Literal["app", "all"], Field(description="app: without those of libraries")]


class ShownFrame(ToolOutput):
    """A call of a stack."""

    function: Annotated[str, Field(description="As deployed, where not readable")]
    source: str = ""
    line: int = 0
    column: int = 0
    in_app: bool
    readable: Annotated[bool, Field(description="Shows source code; false: minified, or no map needed")]
    failure: Annotated[str, Field(description="Why not")] = ""
    throw_site: bool = False
    code_variables: dict[str, str] = Field(default={})


class ShownException(ToolOutput):
    """An exception, and its stack with the outermost call first."""

    type: str
    value: str
    handled: bool = False
    frames: list[ShownFrame]
    library_frames_left_out: int = 0
    outer_frames_left_out: int = 0


class ShownEvent(ToolOutput):
    """An event of an issue; of its exceptions the first was caused by the next."""

    uuid: str
    timestamp: str
    level: str = ""
    library: str = ""
    browser: str = ""
    os: str = ""
    url: str = ""
    distinct_id: str = ""
    session_id: str = ""
    release: str = ""
    exceptions: list[ShownException]
    exceptions_left_out: int = 0


def shown_event(event: Event, frames: Frames = "app") -> ShownEvent:
    """Return an event with the frames asked for; the one that threw is always among them."""
    facts = {
        "level": event.level,
        "library": f"{event.library} {event.library_version}".strip(),
        "browser": event.browser,
        "os": event.os,
        "url": event.url,
        "distinct_id": event.distinct_id,
        "session_id": event.session_id,
        "release": event.release.version if event.release else "",
    }
    return ShownEvent(
        uuid=event.uuid,
        timestamp=event.written_time,
        **{name: clean(value, MAX_TEXT_LENGTH) for name, value in facts.items() if value},
        exceptions=[_shown_exception(item, frames, throws_last=event.throws_last) for item in event.exceptions],
        **_if_any(exceptions_left_out=event.exceptions_omitted),
    )


def shown_frame(frame: Frame, *, throws: bool = False) -> ShownFrame:
    """Return one frame; what it does not have is left out."""
    given: dict[str, Any] = {"source": clean(frame.source, MAX_NAME_LENGTH), "line": frame.line, "column": frame.column}
    given["failure"] = clean(frame.resolve_failure, MAX_TEXT_LENGTH)
    if throws:
        given["throw_site"] = True
    if frame.code_variables:
        given["code_variables"] = _variables(frame)
    return ShownFrame(
        function=clean(frame.function, MAX_NAME_LENGTH),
        in_app=frame.in_app,
        readable=frame.readable,
        **{name: value for name, value in given.items() if value not in (None, "")},
    )


def top_app_frame(event: Event) -> Frame | None:
    """Return the app frame nearest to the error, of the last exception that has one."""
    frames = [frame for item in event.exceptions for frame in item.frames if frame.in_app]
    return frames[-1] if frames else None


def fitted(event: ShownEvent, max_tokens: int) -> ShownEvent:
    """Return an event of at most about `max_tokens`: outer frames go first, whole ones, then the last exceptions."""
    kept = list(event.exceptions)
    excess = len(event.model_dump_json(exclude_unset=True)) - max_tokens * BYTES_A_TOKEN
    if excess > 0:
        excess += BYTES_OF_A_COUNT * (len(kept) + 1)
    while excess > 0 and any(len(item.frames) > 1 for item in kept):
        place = max(range(len(kept)), key=lambda number: len(kept[number].frames))
        first, *rest = kept[place].frames
        gone = kept[place].outer_frames_left_out + 1
        kept[place] = kept[place].model_copy(update={"frames": rest, "outer_frames_left_out": gone})
        excess -= len(first.model_dump_json(exclude_unset=True)) + 1
    while excess > 0 and len(kept) > 1:
        excess -= len(kept.pop().model_dump_json(exclude_unset=True)) + 1
    gone = event.exceptions_left_out + len(event.exceptions) - len(kept)
    return event.model_copy(update={"exceptions": kept, **_if_any(exceptions_left_out=gone)})


def _shown_exception(item: ExceptionItem, frames: Frames, *, throws_last: bool | None) -> ShownException:
    last = len(item.frames) - 1
    rows: list[ShownFrame] = []
    for place, frame in enumerate(item.frames):
        throws = throws_last is True and place == last
        if frames == "all" or frame.in_app or throws:
            rows.append(shown_frame(frame, throws=throws))
    library = item.library_frames_omitted + len(item.frames) - len(rows)
    return ShownException(
        type=clean(item.type, MAX_NAME_LENGTH),
        value=clean(item.value, MAX_MESSAGE_LENGTH),
        **({} if item.handled is None else {"handled": item.handled}),
        frames=rows,
        **_if_any(library_frames_left_out=library, outer_frames_left_out=item.frames_omitted),
    )


def _variables(frame: Frame) -> dict[str, str]:
    """Return the first variables of a frame, each as short text."""
    values = list((frame.code_variables or {}).items())[:MAX_VARIABLES]
    return {clean(name, MAX_NAME_LENGTH): clean(_as_text(value), MAX_VARIABLE_LENGTH) for name, value in values}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _if_any(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
