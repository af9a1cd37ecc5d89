"""Why stack traces are still minified: one symbol set, one release or the whole project, diagnosed."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from mcp.server.mcpserver import Context
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools import advice
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.failure_reasons import UNRECOGNISED
from errtrack_mcp.tools.parameters import ColumnNumber, LineNumber, ProjectName, Version, WholeNumber
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.release_lookup import find_version
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    COMPLETE,
    NEVER_LOADED,
    NO_FILE,
    CompleteCount,
    Group,
    NeverLoadedCount,
    NoFileCount,
    State,
    SymbolSetCounts,
    SymbolSetRow,
    moment,
    state_of,
    written,
)
from errtrack_mcp.tools.symbol_set_reader import SymbolSetReader, read_all
from errtrack_mcp.tools.symbol_sets import MAX_LISTED_REF_LENGTH, Ref, SymbolSet, find_symbol_set
from errtrack_mcp.tools.verify import FileFacts, Verdict, Verification, verification_of, verified

NEWEST = 5
MAX_QUOTED_REASON_LENGTH = 300

ReleaseId = Annotated[UUID | None, Field(description="Or project and version")]
Days = Annotated[int, Field(ge=0, le=30), WholeNumber]
Verify = Annotated[bool, Field(description="Look into the file of ref, with line and column for that position")]
FurtherOffset = Annotated[
    int,
    Field(ge=0, le=2**31 - 1, description="next_offset of a diagnosis that stopped; counts only what that one did not"),
    WholeNumber,
]


class FailureGroup(ToolOutput):
    """Symbol sets without a file whose failures are of one kind, with one of them as the example."""

    failure: Annotated[str, Field(description="Kind of failure; for unrecognised see failure_reason")]
    symbol_sets: int
    statuses: dict[str, int] = Field(default={}, description="How many of them had which HTTP status")
    ref: Annotated[str, Field(description="Of one of them")]
    failure_reason: Annotated[str, Field(description="Of that one, as PostHog has it")] = ""
    meaning: Annotated[str, OURS]
    remedy: Annotated[str, OURS]


class Coverage(ToolOutput):
    """The symbol sets bound to one release, by state."""

    id: str
    project: str
    version: str
    created_at: str
    symbol_sets: int
    complete: CompleteCount
    never_loaded: NeverLoadedCount
    no_file: NoFileCount


class DiagnosedSymbolSet(ToolOutput):
    """The symbol set of a ref, and the release that it belongs to."""

    id: str
    ref: str
    state: State
    created_at: str
    last_used: str | None
    file_since: Annotated[str, Field(description="Its file is not older than this")] = ""
    release: Annotated[Release | None, Field(description="null: bound to none")]


class Diagnosis(ToolOutput):
    """How readable stack traces are, why not, and what to do."""

    readable: Annotated[bool | None, Field(description="null: could not tell")]
    summary: Annotated[str, OURS]
    symbol_set: Annotated[DiagnosedSymbolSet, Field(description="That of the ref, if there is one")] | None = None
    file: FileFacts | None = None
    symbol_sets: int
    complete: CompleteCount
    never_loaded: NeverLoadedCount
    no_file: NoFileCount
    unbound: Annotated[int, Field(description="Bound to no release")]
    expiring: Annotated[int, Field(description="Have a file that retention removes within expiring_within_days")]
    expiring_before: Annotated[str, Field(description="expiring counts what was last used before this moment")]
    failures: list[FailureGroup]
    newest_releases: list[Coverage]
    next_steps: Annotated[list[str], Field(description="Most useful first"), OURS]
    cannot_know: Annotated[list[str], OURS]
    not_seen: Annotated[str, Field(description="Why it is incomplete"), OURS] = ""
    next_offset: Annotated[int, Field(description="offset of the call that goes on from here")] = 0


class Reading(NamedTuple):
    """How one diagnosis reads the project: at which moment, which sets count as expiring, from which row on."""

    now: datetime
    days: int
    offset: int
    report: Report

    def counts(self, *releases: str) -> SymbolSetCounts:
        """Return counts that begin at nothing."""
        return SymbolSetCounts(self.now, timedelta(days=self.days), releases)


async def diagnose_symbol_sets(
    api: Api,
    context: Context[Any, Any],
    ref: Ref = "",
    release_id: ReleaseId = None,
    project: ProjectName = "",
    version: Version = "",
    expiring_within_days: Days = 7,
    offset: FurtherOffset = 0,
    verify: Verify = False,
    line: LineNumber = 0,
    column: ColumnNumber = 0,
) -> Diagnosis:
    """Find why stack traces are minified and what fixes it, for one ref, one release, or else the whole project."""
    by_name = bool(project or version)
    if sum((bool(ref), release_id is not None, by_name)) > 1 or by_name != bool(project and version):
        raise Refusal(
            "invalid_arguments",
            "Give ref, or release_id, or project and version together, or none of them for the "
            "whole project. Nothing was read.",
        )
    verification = verification_of(ref, line or None, column or None, verify=verify)
    reading = Reading(datetime.now(UTC), expiring_within_days, offset, context.report_progress)
    if ref:
        return await _diagnose_ref(api, ref, reading, verification)
    if release_id is not None:
        return await _diagnose_release(api, await api.get("releases", str(release_id), into=Release), reading)
    if by_name:
        return await _diagnose_release(api, await find_version(api, version, project), reading)
    return await _diagnose_project(api, reading)


async def _diagnose_ref(api: Client, ref: str, reading: Reading, verification: Verification | None) -> Diagnosis:
    """Look one symbol set up, and with a verification into its file."""
    found = await find_symbol_set(api, ref)
    counted = reading.counts()
    if found is None:
        return _diagnosis(counted, readable=False, summary=advice.absence(ref), steps=advice.steps_for_absent(ref))
    counted.add(found.row())
    shown = _diagnosed(found)
    expiring = bool(counted.expiring)
    used = moment(found.last_used)
    said = {
        COMPLETE: f"PostHog has a file for it, uploaded or last used{f' at {written(used)}' if used else ''}.",
        NEVER_LOADED: "PostHog has a file for it, or an upload that was never finished, and has never loaded it.",
        NO_FILE: "PostHog has no file for it.",
    }[shown.state]
    if found.has_uploaded_file and found.failure_reason:
        said += " Its failure_reason is older than the file and no longer counts."
    if expiring:
        said += f" Retention removes it within {reading.days} days unless it is used."
    verdict = Verdict(
        readable={COMPLETE: True, NO_FILE: False, NEVER_LOADED: None}[shown.state],
        summary=said,
        next_steps=advice.steps_for_one(ref, shown.state, counted.failures(), shown.file_since, expiring=expiring),
        cannot_know=advice.unknowable(counted, "ref"),
    )
    update: dict[str, Any] = {"symbol_set": shown}
    if verification and shown.state != NO_FILE:
        verdict, update["file"] = await verified(verdict, api, found, verification)
    elif shown.state != NO_FILE:
        verdict.next_steps.append(advice.LOOK_INTO_IT)
    answer = _diagnosis(counted, readable=verdict.readable, summary=verdict.summary, steps=verdict.next_steps)
    return answer.model_copy(update={**update, "cannot_know": verdict.cannot_know})


def _diagnosed(found: SymbolSet) -> DiagnosedSymbolSet:
    """Show one symbol set. PostHog keeps no time of an upload: the file is as old as the row, or younger."""
    state = state_of(found.row())
    return DiagnosedSymbolSet(
        id=found.id,
        ref=found.summary().ref,
        state=state,
        created_at=found.created_at,
        last_used=found.last_used,
        **({} if state == NO_FILE else {"file_since": found.created_at}),
        release=found.release.only("id", "version", "project") if found.release else None,
    )


async def _diagnose_release(api: Client, release: Release, reading: Reading) -> Diagnosis:
    """Read the symbol sets that may belong to a release: the API searches, and has no filter by release."""
    counted = reading.counts(release.id)

    def visit(row: SymbolSetRow) -> None:
        if row.get("release_id") == release.id:
            counted.add(row)

    reader = SymbolSetReader(api, reading.report, offset=reading.offset, search=release.search)
    not_seen = await read_all(reader, visit)
    whole = not (not_seen or reading.offset)
    if counted.total or not whole:
        steps = advice.steps_for(counted, [], reading.days)
        said = advice.summary(counted, whole=whole)
    else:
        steps = [f"Unless the build was uploaded in event release mode: {advice.release_upload(release)}"]
        said = "Could not tell: no symbol set is bound to the release. In event release mode none ever is."
    answer = _diagnosis(counted, readable=advice.is_readable(counted), summary=said, steps=steps)
    coverage = [_coverage(release, counted.by_release[release.id])]
    notes = advice.unknowable(counted, "release")
    rest = _how_far(reader, not_seen, reading.offset)
    return answer.model_copy(update={"newest_releases": coverage, "cannot_know": notes, **rest})


async def _diagnose_project(api: Client, reading: Reading) -> Diagnosis:
    """Read every symbol set of the project."""
    newest = (await api.get_page("releases", of=Release, offset=0, limit=NEWEST)).results[:NEWEST]
    counted = reading.counts(*(release.id for release in newest))
    reader = SymbolSetReader(api, reading.report, offset=reading.offset)
    not_seen = await read_all(reader, counted.add)
    whole = not (not_seen or reading.offset)
    uncovered = [release for release in newest if not counted.by_release[release.id]] if whole else []
    answer = _diagnosis(
        counted,
        readable=advice.is_readable(counted),
        summary=advice.summary(counted, whole=whole),
        steps=advice.steps_for(counted, uncovered, reading.days),
    )
    coverage = [_coverage(release, counted.by_release[release.id]) for release in newest]
    notes = advice.unknowable(counted, "project")
    rest = _how_far(reader, not_seen, reading.offset)
    return answer.model_copy(update={"newest_releases": coverage, "cannot_know": notes, **rest})


def _how_far(reader: SymbolSetReader, not_seen: str, offset: int) -> dict[str, Any]:
    """Say which symbol sets the counts leave out, and how to go on."""
    parts = [f"Counted from row {offset:,} on: add these counts to those of the earlier answer."] if offset else []
    further = {}
    if not_seen:
        parts.append(not_seen)
    if reader.is_unfinished:
        further = {"next_offset": reader.next_offset}
        parts.append(f"Call again with offset={reader.next_offset} for the rest.")
    return {"not_seen": " ".join(parts), **further} if parts else {}


def _diagnosis(counted: SymbolSetCounts, *, readable: bool | None, summary: str, steps: list[str]) -> Diagnosis:
    return Diagnosis(
        readable=readable,
        summary=summary,
        symbol_sets=counted.total,
        complete=counted.states[COMPLETE],
        never_loaded=counted.states[NEVER_LOADED],
        no_file=counted.states[NO_FILE],
        unbound=counted.unbound,
        expiring=counted.expiring,
        expiring_before=written(counted.expiring_before),
        failures=[_group(group) for group in counted.failures()],
        newest_releases=[],
        next_steps=steps,
        cannot_know=[],
    )


def _group(group: Group) -> FailureGroup:
    failure = group.failure
    quoted = {"failure_reason": clean(failure.detail, MAX_QUOTED_REASON_LENGTH)} if failure.kind == UNRECOGNISED else {}
    return FailureGroup(
        failure=failure.kind,
        symbol_sets=group.count,
        **({"statuses": dict(group.statuses.most_common())} if group.statuses else {}),
        ref=clean(group.ref, MAX_LISTED_REF_LENGTH),
        **quoted,
        meaning=failure.meaning,
        remedy=failure.remedy,
    )


def _coverage(release: Release, counts: Counter[str]) -> Coverage:
    return Coverage(
        id=release.id,
        project=release.project,
        version=release.version,
        created_at=release.created_at,
        symbol_sets=counts.total(),
        complete=counts[COMPLETE],
        never_loaded=counts[NEVER_LOADED],
        no_file=counts[NO_FILE],
    )


TOOLS = [
    Tool(
        diagnose_symbol_sets,
        "error-tracking-symbol-sets-diagnose",
        "Diagnose symbol sets",
        annotations=READ,
        meta=PANEL,
    )
]
