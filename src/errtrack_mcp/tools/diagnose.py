"""Why stack traces are still minified: one answer for a ref, a release or the whole project."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.model import Answer
from errtrack_mcp.api.text import clean
from errtrack_mcp.tools import advice
from errtrack_mcp.tools.fields import Text
from errtrack_mcp.tools.find import find_version
from errtrack_mcp.tools.hints import READ
from errtrack_mcp.tools.inject import Api
from errtrack_mcp.tools.progress import MaxSeconds, Report, reporting
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_sets import LONGEST_LISTED_REF, Ref
from errtrack_mcp.tools.tally import COMPLETE, FAILED, KEPT_FOR, NEVER_LOADED, NO_FILE, Tally
from errtrack_mcp.tools.walk import WalkedSet, walk_symbol_sets

NEWEST = 5

ReleaseId = Annotated[UUID | None, Field(description="Of one release; or project and version")]
Days = Annotated[int, Field(ge=0, le=30, description="Removed by retention within so many days")]


class FailureGroup(Answer):
    """Symbol sets that failed for one reason; `ref` is one of them."""

    reason: str
    symbol_sets: int
    meaning: str
    remedy: str
    ref: str


class Coverage(Answer):
    """The symbol sets of one release."""

    id: str
    version: str
    project: str
    symbol_sets: int
    complete: int
    never_loaded: int


class Diagnosis(Answer):
    """What keeps stack traces from being readable, and what mends it."""

    scope: Literal["ref", "release", "project"]
    readable: bool | None = Field(description="null: cannot be told")
    verdict: str
    symbol_sets: int
    complete: int
    failed: int
    never_loaded: int
    no_file: int
    unbound: int = Field(description="Bound to no release")
    expiring: int
    failures: list[FailureGroup]
    releases: list[Coverage]
    next_steps: list[str] = Field(description="Most useful first")
    cannot_know: list[str]
    left_out: str = ""


async def diagnose_symbol_sets(
    api: Api,
    context: Context[Any, Any],
    ref: Ref = "",
    release_id: ReleaseId = None,
    project: Annotated[Text, Field(description="App name, with version")] = "",
    version: Annotated[Text, Field(description="With project")] = "",
    expiring_within_days: Days = 7,
    max_seconds: MaxSeconds = 50,
) -> Diagnosis:
    """Say why stack traces are still minified, and the commands that mend it: for a ref, a release, or all."""
    _check(ref, release_id, project, version)
    tally = Tally(datetime.now(UTC) - KEPT_FOR + timedelta(days=expiring_within_days))
    if ref:
        return await _of_ref(api, ref, tally)
    report = reporting(context)
    if release_id or project:
        release = (
            await find_version(api, version, project)
            if release_id is None
            else await api.get("releases", str(release_id), into=Release)
        )
        return await _of_release(api, release, tally, max_seconds, report)
    return await _of_project(api, tally, max_seconds, report)


def _check(ref: str, release_id: UUID | None, project: str, version: str) -> None:
    if bool(project) != bool(version):
        raise ToolError("invalid_arguments: Give project and version together, or release_id alone.")
    if sum((bool(ref), release_id is not None, bool(project))) > 1:
        raise ToolError("invalid_arguments: Give a ref, or a release, or neither for the whole project.")


async def _of_ref(api: Client, ref: str, tally: Tally) -> Diagnosis:
    """Follow the contract's recipe for one chunk id or URL (section 8)."""
    rows = (await api.get_page("symbol_sets", of=WalkedSet, offset=0, ref=ref, limit=2)).results
    # An installation of 2025 ignored filters that it did not know, and listed everything.
    row = next((row for row in rows if row.ref == ref), None)
    if row is None:
        anything = (await api.get_page("symbol_sets", of=WalkedSet, offset=0, limit=1)).count
        return _diagnosis("ref", advice.absent(ref, anything), advice.for_absent(ref), tally)
    tally.add(row)
    return _diagnosis("ref", advice.about_one(row), advice.for_one(row), tally, releases=_bound(row))


def _bound(row: WalkedSet) -> list[Coverage]:
    """Name the release of the one symbol set that was looked at."""
    release = row.release
    if release is None or release.id is None:
        return []
    named = Release(id=release.id, version=release.version or "", project=release.project or "")
    tally = Tally(datetime.now(UTC), frozenset({release.id}))
    tally.add(row)
    return [_coverage(named, tally.by_release[release.id])]


async def _of_release(api: Client, release: Release, tally: Tally, seconds: float, report: Report) -> Diagnosis:
    tally.releases = frozenset({release.id})

    def visit(row: WalkedSet) -> None:
        if row.release_id == release.id:
            tally.add(row)

    # There is no filter by release: `search` narrows where it is known, and each row is compared all the same.
    walk = await walk_symbol_sets(api, visit, seconds=seconds, report=report, search=release.version)
    coverage = _coverage(release, tally.by_release.get(release.id, Counter()))
    verdict = advice.about_release(coverage.symbol_sets, tally)
    steps = advice.for_release(release, tally)
    return _diagnosis("release", verdict, steps, tally, releases=[coverage], left_out=advice.left_out(walk))


async def _of_project(api: Client, tally: Tally, seconds: float, report: Report) -> Diagnosis:
    newest = (await api.get_page("releases", of=Release, limit=NEWEST, offset=0)).results
    tally.releases = frozenset(release.id for release in newest)
    walk = await walk_symbol_sets(api, tally.add, seconds=seconds, report=report)
    covered = [_coverage(release, tally.by_release.get(release.id, Counter())) for release in newest]
    bare = [release for release, coverage in zip(newest, covered, strict=True) if not coverage.symbol_sets]
    verdict = advice.about_project(tally)
    steps = advice.for_project(tally, bare)
    return _diagnosis("project", verdict, steps, tally, releases=covered, left_out=advice.left_out(walk))


def _coverage(release: Release, states: Counter[str]) -> Coverage:
    return Coverage(
        id=release.id,
        version=release.version,
        project=release.project,
        symbol_sets=states.total(),
        complete=states[COMPLETE],
        never_loaded=states[NEVER_LOADED],
    )


def _diagnosis(
    scope: Literal["ref", "release", "project"],
    verdict: str,
    next_steps: list[str],
    tally: Tally,
    *,
    releases: list[Coverage] | None = None,
    left_out: str = "",
) -> Diagnosis:
    groups = [
        FailureGroup(
            reason=group.failure.reason,
            symbol_sets=group.symbol_sets,
            meaning=group.failure.meaning,
            remedy=group.failure.remedy,
            ref=clean(group.ref, LONGEST_LISTED_REF),
        )
        for group in tally.worst_failures()
    ]
    said = {"left_out": left_out} if left_out else {}
    return Diagnosis(
        scope=scope,
        readable=advice.is_readable(tally, whole=not left_out) if tally.total or scope != "ref" else False,
        verdict=verdict,
        symbol_sets=tally.total,
        complete=tally.states[COMPLETE],
        failed=tally.states[FAILED],
        never_loaded=tally.states[NEVER_LOADED],
        no_file=tally.states[NO_FILE],
        unbound=tally.unbound,
        expiring=tally.expiring,
        failures=groups,
        releases=releases or [],
        next_steps=next_steps,
        cannot_know=advice.cannot_know(tally),
        **said,
    )


TOOLS = [
    Tool.from_function(
        diagnose_symbol_sets, "error-tracking-symbol-sets-diagnose", "Diagnose symbol sets", annotations=READ
    ),
]
