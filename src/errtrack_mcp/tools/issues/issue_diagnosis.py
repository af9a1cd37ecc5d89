"""Why the stack trace of an issue is minified, what fixes it, and whether an upload already has.

At most three requests and one for each distinct ref: the events (or the newest one ever, where there is none), the same
events as captured where the texts name no ref, the stored frames, and the symbol set of each ref. An address that has
none is asked for twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, MissingScope
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.annotations import LOADED_AT_ONCE, PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues import issue_advice
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.causes import (
    BY_FAILURE,
    Cause,
    CauseKind,
    Now,
    Sample,
    StoredFrame,
    examine,
    kind_of,
    now_of,
    stored_frame,
)
from errtrack_mcp.tools.issues.dates import DateFrom, DateTo, Window, read_window
from errtrack_mcp.tools.issues.events import about_newest_event, read_captured_events, read_events
from errtrack_mcp.tools.issues.models import Event, Frame
from errtrack_mcp.tools.parameters import WholeNumber
from errtrack_mcp.tools.symbol_set_counts import NO_FILE, state_of, written
from errtrack_mcp.tools.symbol_sets import SymbolSet, find_symbol_set

MAX_REQUESTS = 3  # besides those for symbol sets
MAX_REFS = 10
MAX_CAUSES = 12
MAX_RAW_IDS = 200
MAX_SHOWN_LENGTH = 300

SampledEvents = Annotated[int, Field(ge=1, le=20, description="Newest events to look at"), WholeNumber]


class IssueCause(ToolOutput):
    """Minified frames with one cause; function, source, line and column are of one of them."""

    kind: CauseKind
    frames: int
    events: int
    function: str = ""
    source: str = ""
    line: int | None = None
    column: int | None = None
    ref: str = ""
    symbol_set_id: str = ""
    file_since: Annotated[str, Field(description="Its file is not older than this")] = ""
    release: dict[str, str] = Field(default={}, description="Of the symbol set")
    failure: Annotated[str, Field(description="PostHog's words")] = ""
    now: Annotated[str, OURS] = ""
    meaning: Annotated[str, OURS]
    remedy: Annotated[str, OURS]


class IssueDiagnosis(ToolOutput):
    """Whether an issue's stored events are readable, and why not."""

    readable: Annotated[bool | None, Field(description="Of the sampled events; null: could not tell")]
    summary: Annotated[str, OURS]
    issue_id: str
    events: Annotated[int, Field(description="Sampled")]
    minified_events: int
    frames: Annotated[int, Field(description="The app's own, in them")]
    newest_event: str = ""
    oldest_event: str = ""
    causes: Annotated[list[IssueCause], Field(description="Most frequent first")]
    cannot_know: Annotated[list[str], OURS]


class StoredRows(BaseModel):
    """The answer of stack_frames/batch_get."""

    results: list[dict[str, Any]]


@dataclass(slots=True)
class Evidence:
    """What was read: symbol sets by ref (None: there is none), stored frames, and what could not be learned."""

    symbol_sets: dict[str, SymbolSet | None] = field(default_factory=dict)
    stored: list[StoredFrame] = field(default_factory=list)
    asked_for_stored: set[str] = field(default_factory=set)  # refs
    notes: list[str] = field(default_factory=list)
    requests: int = 1

    def now_of(self, cause: Cause) -> Now | None:
        """Say what is true of a cause by now."""
        if cause.ref not in self.asked_for_stored:
            return None
        return now_of(cause, self.symbol_sets.get(cause.ref), self.stored)


async def diagnose_issue(
    api: Api, issue_id: IssueOrAddress, date_from: DateFrom = "", date_to: DateTo = "", events: SampledEvents = 3
) -> IssueDiagnosis:
    """Find why an issue's stack trace is minified, what fixes it, and whether an upload already has."""
    window = read_window(date_from, date_to, datetime.now(UTC))
    read = partial(read_events, api, window=window, limit=events, test_accounts=True)
    page, found = await ask_about(api, issue_id, read)
    evidence = Evidence()
    sampled = page.events
    sample = examine(sampled)
    if any(cause.lacks_ref for cause in sample.causes):
        sampled = await _as_captured(api, found.id, window, sampled, evidence)
        sample = examine(sampled)
        if not evidence.notes and any(cause.lacks_ref for cause in sample.causes):
            evidence.notes.append(issue_advice.NO_REF)
    await _look_up(api, sample, evidence)
    await _read_stored(api, sample, evidence)
    answer = _diagnosis(found.id, window, sampled, sample, evidence)
    newest = "" if sampled else await about_newest_event(api, found.id, window)
    said = [found.merged, answer.summary, newest]
    return answer.model_copy(update={"summary": " ".join(filter(None, said))})


async def _as_captured(
    api: Client, issue_id: str, window: Window, sampled: list[Event], evidence: Evidence
) -> list[Event]:
    """Return the events with the chunk ids and ids of their frames, as far as the key may read them."""
    evidence.requests += 1
    try:
        captured = await read_captured_events(api, issue_id, window, limit=len(sampled))
    except MissingScope:
        evidence.notes.append(issue_advice.ADD_SCOPE)
        return sampled
    except ApiError as error:
        evidence.notes.append(f"Which symbol sets some frames need: to read the captured events failed ({error.code}).")
        return sampled
    whole = {event.uuid: event for event in captured}
    return [whole.get(event.uuid, event) for event in sampled]


async def _look_up(api: Client, sample: Sample, evidence: Evidence) -> None:
    """Read the symbol set of each ref, the most frequent first."""
    refs = list(dict.fromkeys(cause.ref for cause in sample.causes if cause.ref))
    for ref in refs[:MAX_REFS]:
        evidence.symbol_sets[ref] = await find_symbol_set(api, ref)
    if len(refs) > MAX_REFS:
        rest = len(refs) - MAX_REFS
        evidence.notes.append(f"The symbol sets of {rest} further refs: only the {MAX_REFS} most frequent were read.")


async def _read_stored(api: Client, sample: Sample, evidence: Evidence) -> None:
    """Read how PostHog holds the minified frames now: by their ids where these are known, else by symbol set."""
    waiting = [cause for cause in sample.causes if evidence.symbol_sets.get(cause.ref)]
    if raw_ids := sorted({raw_id for cause in waiting for raw_id in cause.raw_ids})[:MAX_RAW_IDS]:
        await _ask_stored(api, {"raw_ids": raw_ids}, [cause.ref for cause in waiting if cause.raw_ids], evidence)
        waiting = [cause for cause in waiting if not cause.raw_ids]
    for ref in dict.fromkeys(cause.ref for cause in waiting):
        found = evidence.symbol_sets[ref]
        if found is None or state_of(found.row()) == NO_FILE:
            continue
        if evidence.requests == MAX_REQUESTS:
            evidence.notes.append(issue_advice.NOT_FOLLOWED)
            return
        await _ask_stored(api, {"symbol_set": found.id}, [ref], evidence)


async def _ask_stored(api: Client, body: dict[str, Any], refs: Sequence[str], evidence: Evidence) -> None:
    """Read stored frames. Without raw ids there must be a symbol set: PostHog answers with the whole project else."""
    evidence.requests += 1
    try:
        rows = await api.read("stack_frames", "batch_get", body=body, into=StoredRows)
    except ApiError as error:
        evidence.notes.append(f"Whether an upload has fixed it: the stored frames could not be read ({error.code}).")
        return
    evidence.stored += [frame for row in rows.results if (frame := stored_frame(row))]
    evidence.asked_for_stored.update(refs)


def _diagnosis(
    issue_id: str, window: Window, sampled: Sequence[Event], sample: Sample, evidence: Evidence
) -> IssueDiagnosis:
    shown = sample.causes[:MAX_CAUSES]
    notes = [*evidence.notes]
    if len(sample.causes) > len(shown):
        notes.append(f"{len(sample.causes) - len(shown)} rarer causes are left out: ask with fewer events.")
    times = [event.timestamp for event in sampled]
    period = {"newest_event": written(max(times)), "oldest_event": written(min(times))} if times else {}
    return IssueDiagnosis(
        readable=issue_advice.is_readable(sampled, sample),
        summary=issue_advice.summary(window, sampled, sample, [evidence.now_of(cause) for cause in sample.causes]),
        issue_id=issue_id,
        events=len(sampled),
        minified_events=len(sample.minified_events),
        frames=sample.frames,
        **period,
        causes=[_shown(cause, evidence) for cause in shown],
        cannot_know=notes,
    )


def _shown(cause: Cause, evidence: Evidence) -> IssueCause:
    """Show a cause with its symbol set and what to do about it."""
    found = evidence.symbol_sets.get(cause.ref)
    now = evidence.now_of(cause)
    kind = kind_of(cause, found, now) if cause.ref in evidence.symbol_sets else BY_FAILURE[cause.failure.kind]
    advice = issue_advice.advice(cause, kind, found, now)
    return IssueCause(
        kind=kind,
        frames=cause.frames,
        events=len(cause.events),
        **_example(cause.example),
        **({"ref": clean(cause.ref, MAX_SHOWN_LENGTH)} if cause.ref else {}),
        **_symbol_set(found),
        **(
            {"failure": clean(cause.example.resolve_failure, MAX_SHOWN_LENGTH)}
            if kind == "unrecognised" and cause.example
            else {}
        ),
        **({"now": str(now)} if now else {}),
        meaning=advice.meaning,
        remedy=advice.remedy,
    )


def _example(frame: Frame | None) -> dict[str, Any]:
    if frame is None:
        return {}
    texts = {"function": frame.function, "source": frame.source or frame.url}
    shown: dict[str, Any] = {name: clean(text, MAX_SHOWN_LENGTH) for name, text in texts.items() if text}
    return {**shown, "line": frame.line, "column": frame.column}


def _symbol_set(found: SymbolSet | None) -> dict[str, Any]:
    if found is None:
        return {}
    shown: dict[str, Any] = {"symbol_set_id": found.id}
    if state_of(found.row()) != NO_FILE:
        shown["file_since"] = found.created_at
    if release := found.release:
        shown["release"] = {"id": release.id, "project": release.project, "version": release.version}
    return shown


TOOLS = [
    Tool(
        diagnose_issue,
        "error-tracking-issues-diagnose",
        "Diagnose issue",
        annotations=READ,
        meta=PANEL | LOADED_AT_ONCE,
    )
]
