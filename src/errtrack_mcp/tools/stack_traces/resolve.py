"""The tool that makes a minified stack trace readable, from symbol sets of the project or a build on this machine."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from mcp.server.mcpserver import Context, ListRoots, Resolve
from mcp_types import ListRootsResult
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import MissingScope
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.builds.directory import BuildDirectory
from errtrack_mcp.symbolication.traces import MAX_CHARACTERS, UnreadableTrace, read_traces
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.build_check import read_bundles
from errtrack_mcp.tools.build_roots import BuildRoots, allowed_roots, ask_client
from errtrack_mcp.tools.counted import counted
from errtrack_mcp.tools.dependencies import Api, ClientProvider
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.events import read_captured_events, read_events
from errtrack_mcp.tools.issues.models import Event
from errtrack_mcp.tools.parameters import ProjectName, RefsInText, Text, Version
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.release_lookup import find_version
from errtrack_mcp.tools.stack_traces.frames import (
    MAX_SHOWN_LENGTH,
    MEANINGS,
    WantedFrame,
    WantedTrace,
    first_frames,
    from_event,
    from_text,
    take_code_out,
)
from errtrack_mcp.tools.stack_traces.resolution import MAX_FILES, Known, LocalBuild, resolve
from errtrack_mcp.tools.stack_traces.text import as_text
from errtrack_mcp.tools.symbol_sets import TRIMMED

MAX_FRAMES = 100
MAX_CODE = 20_000  # characters of source code in one answer
MAX_EVENTS = 20  # among which one is looked for
EVENTS_OF = timedelta(days=90)

TraceText = Annotated[
    str,
    Field(
        max_length=MAX_CHARACTERS,
        description="As it was printed, log prefixes too",
    ),
]
EventUuid = Annotated[UUID | None, Field(description="Default: the newest event")]
Refs = Annotated[
    list[Annotated[Text, Field(max_length=2048), TRIMMED]],
    Field(max_length=MAX_FILES, description="Chunk ids or script URLs, for frames without an id"),
    RefsInText,
]
BuildFolder = Annotated[
    str,
    Field(
        max_length=4096, description='Local build to use instead of symbol sets: below the build root, "." is the root'
    ),
]


class ResolvedFrame(ToolOutput):
    """One frame: its place in the source code, or in the deployed script where `reason` says why it stayed there.

    The reason "unsure" stands at a place in source code that may be wrong.
    """

    function: str
    source: str
    line: int | None = None
    column: int | None = None
    in_app: bool
    deployed: Annotated[str, Field(description="Where it is in the deployed script")] = ""
    ref: str = ""
    reason: str = ""
    detail: str = ""


class ResolvedTrace(ToolOutput):
    """One exception."""

    error: str
    frames: Annotated[list[ResolvedFrame], Field(description="Throw site first")]


class ResolvedTraces(ToolOutput):
    """Stack traces with original functions, files and lines."""

    readable: Annotated[bool | None, Field(description="Of the app's own frames; null: could not tell")]
    summary: Annotated[str, OURS]
    stack_trace: Annotated[str, Field(description="For people, with source code")]
    reasons: Annotated[dict[str, str], OURS]
    traces: list[ResolvedTrace]
    event_uuid: str = ""
    timestamp: str = ""


def ask_for_roots(context: Context[ClientProvider, Any], directory: BuildFolder = "") -> ListRoots | ListRootsResult:
    """Ask the client for its roots where a local build is to be read."""
    return ask_client(context, directory) if directory else ListRootsResult(roots=[])


def roots_for_build(
    context: Context[ClientProvider, Any], offered: Annotated[ListRootsResult, Resolve(ask_for_roots)]
) -> BuildRoots:
    """Resolve where a local build may be read."""
    return allowed_roots(context, offered)


async def resolve_stack_traces(
    api: Api,
    context: Context[Any, Any],
    roots: Annotated[BuildRoots, Resolve(roots_for_build)],
    trace: TraceText = "",
    issue_id: IssueOrAddress = "",
    event_uuid: EventUuid = None,
    refs: Refs | None = None,
    project: ProjectName = "",
    version: Version = "",
    directory: BuildFolder = "",
) -> ResolvedTraces:
    """Make a minified stack trace readable: trace, or an event of issue_id. Its source code is for the user alone."""
    if bool(trace) == bool(issue_id):
        raise Refusal("invalid_arguments", "Give either trace or issue_id. Nothing was read.")
    if bool(project) != bool(version) or (directory and version):
        raise Refusal("invalid_arguments", "Give project and version together, or directory. Nothing was read.")
    build = await _local_build(roots, directory, context) if directory else None
    event = await _of_issue(api, issue_id, event_uuid) if issue_id else None
    all_of_it = from_event(event) if event else _of_text(trace)
    wanted, left_out = first_frames(all_of_it, MAX_FRAMES)
    frames = [frame for each in wanted for frame in each.frames]
    release = await find_version(api, version, project) if version else None
    given = tuple(dict.fromkeys(ref for ref in refs or () if ref))
    await resolve(frames, api, build, Known(given, release))
    of_event = {"event_uuid": event.uuid, "timestamp": event.written_time} if event else {}
    return _answer(wanted, left_out, of_event)


def _of_text(trace: str) -> list[WantedTrace]:
    try:
        return from_text(read_traces(trace))
    except UnreadableTrace as error:
        raise Refusal("invalid_arguments", f"trace cannot be read. {error}") from None


async def _of_issue(api: Client, issue: str, event_uuid: UUID | None) -> Event:
    """Read one stored event: as it was captured where the key has query:read, else as far as the texts on it lead."""
    now = datetime.now(UTC)
    window = Window(now - EVENTS_OF, now)
    limit = MAX_EVENTS if event_uuid else 1
    page, found = await ask_about(api, issue, partial(read_events, api, window=window, limit=limit, test_accounts=True))
    try:
        events = await read_captured_events(api, found.id, window, limit=limit)
    except MissingScope:
        events = page.events
    return _chosen(events or page.events, event_uuid)


def _chosen(events: list[Event], event_uuid: UUID | None) -> Event:
    for event in events:
        if event_uuid is None or event.uuid == str(event_uuid):
            return event
    asked = f"event {event_uuid} is not among the {MAX_EVENTS} newest" if event_uuid else "it has none"
    raise Refusal("not_found", f"No event of this issue in the last {EVENTS_OF.days} days: {asked}.")


async def _local_build(roots: BuildRoots, directory: str, context: Context[Any, Any]) -> LocalBuild:
    path, root = roots.find(directory)
    return LocalBuild(path, root, await read_bundles(BuildDirectory(path, root), context.report_progress))


def _answer(wanted: list[WantedTrace], left_out: int, of_event: dict[str, str]) -> ResolvedTraces:
    frames = [frame for trace in wanted for frame in trace.frames]
    without_code = take_code_out((frame for frame in frames if frame.counts), MAX_CODE)
    of_app = [frame for frame in frames if frame.counts] or [each for each in frames if each.reason != "bundler_code"]
    resolved = sum(frame.resolved for frame in of_app)
    explained = [frame for frame in frames if frame in of_app or frame.reason == "bundler_code"]
    reasons = list(dict.fromkeys(frame.reason for frame in explained if frame.reason))
    readable = _readable(of_app, resolved)
    said = [_summary(len(of_app), resolved, len(frames) - len(of_app))]
    if left_out:
        further = counted(left_out, "further frame was", "further frames were")
        said.append(f"{further} left out: send the rest in a call of its own.")
    if without_code:
        said.append("Not every frame has its source code here: send fewer frames.")
    return ResolvedTraces(
        readable=None if readable and left_out else readable,
        summary=" ".join(said),
        stack_trace=as_text(wanted),
        reasons={reason: MEANINGS[reason] for reason in reasons},
        traces=[
            ResolvedTrace(error=trace.header, frames=[_shown(frame) for frame in trace.frames]) for trace in wanted
        ],
        **of_event,
    )


def _readable(of_app: list[WantedFrame], resolved: int) -> bool | None:
    """Return whether all frames that count are readable; None where nothing could be looked up."""
    if resolved == len(of_app):
        return None if not of_app or any(frame.reason == "unsure" for frame in of_app) else True
    untold = {"maps_cannot_help", "not_tried", "not_fetched"}
    return None if not resolved and all(frame.reason in untold for frame in of_app) else False


def _summary(of_app: int, resolved: int, others: int) -> str:
    further = counted(others, "further frame belongs", "further frames belong")
    rest = f" {further} to dependencies, the bundler or the platform." if others else ""
    verb = "is" if resolved == 1 else "are"
    return f"{resolved} of {counted(of_app, 'frame', 'frames')} of the app {verb} readable.{rest}"


def _shown(frame: WantedFrame) -> ResolvedFrame:
    noted = {"ref": frame.ref, "reason": frame.reason, "detail": frame.detail}
    common: dict[str, Any] = {"in_app": frame.counts} | {name: value for name, value in noted.items() if value}
    if not frame.originals:
        source = clean(frame.url, MAX_SHOWN_LENGTH)
        return ResolvedFrame(function=frame.function, source=source, line=frame.line, column=frame.column, **common)
    original = frame.originals[0]
    name = f"{frame.function} " if frame.function else ""
    return ResolvedFrame(
        function=original.function or frame.function,
        source=original.source,
        line=original.line,
        column=original.column,
        deployed=f"{name}{frame.deployed}",
        **common,
    )


TOOLS = [
    Tool(
        resolve_stack_traces,
        "error-tracking-stack-traces-resolve",
        "Resolve a stack trace",
        annotations=READ,
        meta=PANEL,
    )
]
