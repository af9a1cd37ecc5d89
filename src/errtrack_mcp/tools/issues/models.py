"""An event with its exceptions and frames, read from what PostHog stored (docs/posthog-api.md, section 11). Pure.

Everything in an event was sent by somebody's browser or server: each value is checked for its type, and one of another
type counts as missing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

MAX_FRAMES = 50  # of one exception; newer installations send no more
MAX_EXCEPTIONS = 20  # of one event
NEVER_PROCESSED = "raw"

Values = Mapping[str, Any]


class Frame(NamedTuple):
    """One call of a stack; `line` and `column` are those of the original file where the frame is readable.

    `raw_id`, `chunk_id` and `url` are "" unless the installation sent the frame as it was captured.
    """

    mangled_name: str = ""
    resolved_name: str = ""
    source: str = ""
    line: int | None = None
    column: int | None = None
    in_app: bool = False
    lang: str = ""
    module: str = ""
    resolved: bool = False
    resolve_failure: str = ""
    raw_id: str = ""
    chunk_id: str = ""
    url: str = ""
    code_variables: Values | None = None

    @property
    def function(self) -> str:
        """The name in the source code where it is known, else the name in the deployed script."""
        return self.resolved_name or self.mangled_name

    @property
    def readable(self) -> bool:
        """Whether the frame shows source code: PostHog also calls resolved what it had no map for."""
        return self.resolved and not self.resolve_failure


class ExceptionItem(NamedTuple):
    """One exception of an event, with its frames in the order of PostHog: outermost call first.

    `frames_omitted` counts outer frames that are not here, `library_frames_omitted` those of libraries that a choice of
    app frames left out; `processed` is False where PostHog never looked at the stack.
    """

    type: str = ""
    value: str = ""
    handled: bool | None = None
    frames: tuple[Frame, ...] = ()
    frames_omitted: int = 0
    library_frames_omitted: int = 0
    processed: bool = True


class ReleaseOfEvent(NamedTuple):
    """The release that an event names; `id` is "" on events of before August 2026."""

    id: str
    version: str
    project: str


class Event(NamedTuple):
    """One event of an issue; `exceptions` are in the order of PostHog: the outermost first, then its causes."""

    uuid: str
    timestamp: datetime
    distinct_id: str = ""
    fingerprint: str = ""
    level: str = ""
    handled: bool | None = None
    library: str = ""
    library_version: str = ""
    browser: str = ""
    os: str = ""
    url: str = ""
    session_id: str = ""
    release: ReleaseOfEvent | None = None
    exceptions: tuple[ExceptionItem, ...] = ()
    exceptions_omitted: int = 0

    @property
    def written_time(self) -> str:
        """The timestamp as answers have it."""
        return self.timestamp.isoformat().replace("+00:00", "Z")

    @property
    def throws_last(self) -> bool | None:
        """Whether the last frame is the one that threw; None: could not tell.

        posthog-go before July 2026 sent it first, and PostHog keeps the order (docs/posthog-api.md, section 11).
        """
        return None if self.library == "posthog-go" else True


def read_events_of(rows: Sequence[Values], *, only_app_frames: bool = False) -> list[Event]:
    """Read the events of one answer, each with its own stack: PostHog sends equal ones once, with pointers to it."""
    stacks: dict[tuple[str, int], Values] = {}
    for row in rows:
        for place, item in enumerate(_exception_list(row)):
            stack = _mapping(item.get("stacktrace"))
            if "same_as_event" not in stack:
                stacks[_text(row.get("uuid")), place] = stack
    return [_event(row, stacks, only_app_frames=only_app_frames) for row in rows]


def with_app_frames(event: Event, app_only: Event) -> Event:
    """Complete a cut stack by the app frames of `app_only`, the same event read without frames of libraries."""
    pairs = zip(event.exceptions, app_only.exceptions, strict=False)
    completed = tuple(_completed(item, apps) if item.frames_omitted else item for item, apps in pairs)
    return event._replace(exceptions=completed + event.exceptions[len(completed) :])


def _completed(item: ExceptionItem, apps: ExceptionItem) -> ExceptionItem:
    throwing = tuple(frame for frame in item.frames[-1:] if not frame.in_app)
    in_all = len(item.frames) + item.frames_omitted
    of_app = len(apps.frames) + apps.frames_omitted
    return item._replace(
        frames=apps.frames + throwing,
        frames_omitted=apps.frames_omitted,
        library_frames_omitted=max(0, in_all - of_app - len(throwing)),
    )


def release_of(properties: Values) -> ReleaseOfEvent | None:
    """Return the release that an event names, in the form of today or in that of before August 2026."""
    current = _mapping(properties.get("$exception_release"))
    if current.get("version"):
        return _release(_text(current.get("id")), current)
    earlier = _mapping(properties.get("$exception_releases"))
    found = [_release(str(key), _mapping(value)) for key, value in earlier.items()]
    return next((release for release in found if release.version), None)


def _release(release_id: str, values: Values) -> ReleaseOfEvent:
    return ReleaseOfEvent(release_id, _text(values.get("version")), _text(values.get("project")))


def _event(row: Values, stacks: Mapping[tuple[str, int], Values], *, only_app_frames: bool) -> Event:
    properties = _properties(row)
    items = _exception_list(row)
    return Event(
        uuid=_text(row.get("uuid")),
        timestamp=_moment(row.get("timestamp")),
        distinct_id=_text(row.get("distinct_id")),
        fingerprint=_text(properties.get("$exception_fingerprint")),
        level=_text(properties.get("$exception_level")),
        handled=_flag(properties.get("$exception_handled")),
        library=_text(properties.get("$lib")),
        library_version=_text(properties.get("$lib_version")),
        browser=_with_version(properties, "$browser"),
        os=_with_version(properties, "$os"),
        url=_text(properties.get("$current_url")),
        session_id=_text(properties.get("$session_id")),
        release=release_of(properties),
        exceptions=tuple(_exception(item, stacks, only_app_frames) for item in items[:MAX_EXCEPTIONS]),
        exceptions_omitted=max(0, len(items) - MAX_EXCEPTIONS),
    )


def _exception(
    item: Values,
    stacks: Mapping[tuple[str, int], Values],
    only_app_frames: bool,
) -> ExceptionItem:
    stack = _mapping(item.get("stacktrace"))
    if "same_as_event" in stack:
        place = _number(stack.get("same_as_exception")) or 0
        stack = stacks.get((_text(stack["same_as_event"]), place), {})
    frames = [
        frame
        for frame in _sequence(stack.get("frames"))
        if isinstance(frame, dict) and (frame.get("in_app") is True or not only_app_frames)
    ]
    return ExceptionItem(
        type=_text(item.get("type")),
        value=_text(item.get("value")),
        handled=_flag(_mapping(item.get("mechanism")).get("handled")),
        frames=tuple(_frame(frame) for frame in frames[-MAX_FRAMES:]),
        frames_omitted=(_number(stack.get("frames_omitted")) or 0) + max(0, len(frames) - MAX_FRAMES),
        processed=stack.get("type") != NEVER_PROCESSED,
    )


def _frame(values: Values) -> Frame:
    captured = _mapping(_mapping(values.get("junk_drawer")).get("raw_frame"))
    variables = values.get("code_variables")
    return Frame(
        mangled_name=_text(values.get("mangled_name")),
        resolved_name=_text(values.get("resolved_name")),
        source=_text(values.get("source")),
        line=_number(values.get("line")),
        column=_number(values.get("column")),
        in_app=values.get("in_app") is True,
        lang=_text(values.get("lang")),
        module=_text(values.get("module")),
        resolved=values.get("resolved") is True,
        resolve_failure=_text(values.get("resolve_failure")),
        raw_id=_text(values.get("raw_id")),
        chunk_id=_text(captured.get("chunk_id")),
        url=_text(captured.get("filename")),
        code_variables=variables if isinstance(variables, dict) and variables else None,
    )


def _properties(row: Values) -> Values:
    return _mapping(row.get("properties"))


def _exception_list(row: Values) -> list[Values]:
    listed = _sequence(_properties(row).get("$exception_list"))
    return [item for item in listed if isinstance(item, dict)]


def _with_version(properties: Values, name: str) -> str:
    return f"{_text(properties.get(name))} {_text(properties.get(name + '_version'))}".strip()


def _mapping(value: Any) -> Values:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: Any) -> datetime:
    """Return when an event happened. Raises ValueError for what is no time."""
    read = datetime.fromisoformat(str(value))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read
