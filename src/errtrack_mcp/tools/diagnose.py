"""Why stack traces are still minified: one symbol set, one release or the whole project, diagnosed."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from mcp.server.mcpserver import Context
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools import advice
from errtrack_mcp.tools.annotations import READ, tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.parameters import ProjectName, Version, WholeNumber
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.release_lookup import find_version
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    COMPLETE,
    FAILED,
    NEVER_LOADED,
    Group,
    SymbolSetCounts,
    SymbolSetRow,
    state_of,
)
from errtrack_mcp.tools.symbol_set_reader import SymbolSetPage, SymbolSetReader, read_all
from errtrack_mcp.tools.symbol_sets import MAX_LISTED_REF_LENGTH, Ref

NEWEST = 5

ReleaseId = Annotated[UUID | None, Field(description="Or project and version")]
Days = Annotated[int, Field(ge=0, le=30), WholeNumber]


class FailureGroup(ToolOutput):
    """Failed symbol sets of one kind, with one of them as the example."""

    failure: str
    symbol_sets: int
    ref: str
    meaning: Annotated[str, OURS]
    remedy: Annotated[str, OURS]


class Coverage(ToolOutput):
    """The symbol sets bound to one release, by state."""

    id: str
    project: str
    version: str
    created_at: str
    symbol_sets: int
    complete: int
    never_loaded: int
    failed: int


class Diagnosis(ToolOutput):
    """How readable stack traces are, why not, and what to do."""

    readable: Annotated[bool | None, Field(description="null: could not tell")]
    summary: Annotated[str, OURS]
    symbol_sets: int
    complete: Annotated[int, Field(description="Have a file that was found")]
    never_loaded: int
    failed: int
    unbound: Annotated[int, Field(description="Of no release")]
    expiring: int
    failures: list[FailureGroup]
    newest_releases: list[Coverage]
    next_steps: Annotated[list[str], Field(description="Most useful first"), OURS]
    cannot_know: Annotated[list[str], OURS]
    not_seen: Annotated[str, Field(description="Why it is incomplete"), OURS] = ""


async def diagnose_symbol_sets(
    api: Api,
    context: Context[Any, Any],
    ref: Ref = "",
    release_id: ReleaseId = None,
    project: ProjectName = "",
    version: Version = "",
    expiring_within_days: Days = 7,
) -> Diagnosis:
    """Tell why stack traces are minified and what fixes it, for one ref, one release, or else the whole project."""
    report = context.report_progress
    by_name = bool(project or version)
    if sum((bool(ref), release_id is not None, by_name)) > 1 or by_name != bool(project and version):
        raise Refusal(
            "invalid_arguments",
            "Give ref, or release_id, or project and version together, or none of them for the "
            "whole project. Nothing was read.",
        )
    now, days = datetime.now(UTC), expiring_within_days
    if ref:
        return await _diagnose_ref(api, ref, now, days)
    if release_id is not None:
        return await _diagnose_release(api, await _retrieve(api, release_id), now, days, report)
    if by_name:
        return await _diagnose_release(api, await find_version(api, version, project), now, days, report)
    return await _diagnose_project(api, now, days, report)


async def _diagnose_ref(api: Client, ref: str, now: datetime, days: int) -> Diagnosis:
    """Look one symbol set up; an installation that does not filter answers with others, which are passed over."""
    page = await api.get("symbol_sets", into=SymbolSetPage, limit=1, ref=ref)
    counted = SymbolSetCounts(now, timedelta(days=days))
    found = next((row for row in page.results if row.get("ref") == clean(ref)), None)
    if found is None:
        return _diagnosis(counted, readable=False, summary=advice.absence(ref), steps=advice.steps_for_absent(ref))
    counted.add(found)
    state = state_of(found)
    expiring = bool(counted.expiring_files)
    steps = advice.steps_for_one(ref, state, counted.failures(), expiring=expiring)
    readable = {COMPLETE: True, FAILED: False, NEVER_LOADED: None}[state]
    said = {
        COMPLETE: "PostHog has a file for it and has found it.",
        NEVER_LOADED: "PostHog has a file for it, or an upload that was never finished, and has never loaded it.",
        FAILED: "PostHog has no file for it.",
    }[state]
    if expiring:
        said += f" Retention removes it within {days} days unless it is used."
    answer = _diagnosis(counted, readable=readable, summary=said, steps=steps)
    return answer.model_copy(update={"cannot_know": advice.unknowable(counted, "ref")})


async def _diagnose_release(api: Client, release: Release, now: datetime, days: int, report: Report) -> Diagnosis:
    """Read the symbol sets that may belong to a release: the API searches, and has no filter by release."""
    counted = SymbolSetCounts(now, timedelta(days=days), [release.id])

    def visit(row: SymbolSetRow) -> None:
        if row.get("release_id") == release.id:
            counted.add(row)

    not_seen = await read_all(SymbolSetReader(api, report, search=release.version or None), visit)
    readable = advice.is_readable(counted, complete=not not_seen)
    upload = advice.release_upload(release)
    if counted.total:
        steps = advice.steps_for(counted, [], days)
    else:
        steps = [f"Unless the build was uploaded in event release mode: {upload}"]
    said = advice.summary(counted, readable=readable)
    answer = _diagnosis(counted, readable=readable, summary=said, steps=steps, not_seen=not_seen)
    coverage = [_coverage(release, counted.by_release[release.id])]
    notes = advice.unknowable(counted, "release")
    return answer.model_copy(update={"newest_releases": coverage, "cannot_know": notes})


async def _diagnose_project(api: Client, now: datetime, days: int, report: Report) -> Diagnosis:
    """Read every symbol set of the project."""
    newest = (await api.get_page("releases", of=Release, offset=0, limit=NEWEST)).results[:NEWEST]
    counted = SymbolSetCounts(now, timedelta(days=days), [release.id for release in newest])
    not_seen = await read_all(SymbolSetReader(api, report), counted.add)
    readable = advice.is_readable(counted, complete=not not_seen)
    uncovered = [] if not_seen else [release for release in newest if not counted.by_release[release.id]]
    answer = _diagnosis(
        counted,
        readable=readable,
        summary=advice.summary(counted, readable=readable),
        steps=advice.steps_for(counted, uncovered, days),
        not_seen=not_seen,
    )
    coverage = [_coverage(release, counted.by_release[release.id]) for release in newest]
    return answer.model_copy(update={"newest_releases": coverage, "cannot_know": advice.unknowable(counted, "project")})


async def _retrieve(api: Client, release_id: UUID) -> Release:
    return await api.get("releases", str(release_id), into=Release)


def _diagnosis(
    counted: SymbolSetCounts, *, readable: bool | None, summary: str, steps: list[str], not_seen: str = ""
) -> Diagnosis:
    given = {"not_seen": not_seen} if not_seen else {}
    return Diagnosis(
        readable=readable,
        summary=summary,
        symbol_sets=counted.total,
        complete=counted.states[COMPLETE],
        never_loaded=counted.states[NEVER_LOADED],
        failed=counted.states[FAILED],
        unbound=counted.unbound,
        expiring=counted.expiring,
        failures=[_group(group) for group in counted.failures()],
        newest_releases=[],
        next_steps=steps,
        cannot_know=[],
        **given,
    )


def _group(group: Group) -> FailureGroup:
    failure = group.failure
    return FailureGroup(
        failure=failure.reason,
        symbol_sets=group.count,
        ref=clean(group.ref, MAX_LISTED_REF_LENGTH),
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
        failed=counts[FAILED],
    )


TOOLS = [tool(diagnose_symbol_sets, "error-tracking-symbol-sets-diagnose", "Diagnose symbol sets", annotations=READ)]
