"""Two releases side by side: where they come from, and whether the newer one lost source maps."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from pydantic import Field

from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.failure_reasons import INJECT_AND_UPLOAD
from errtrack_mcp.tools.parameters import Text
from errtrack_mcp.tools.progress import after
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.release_lookup import find_release
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    COMPLETE,
    NEVER_LOADED,
    NO_FILE,
    CompleteCount,
    NeverLoadedCount,
    NoFileCount,
    SymbolSetRow,
    moment,
    state_of,
)
from errtrack_mcp.tools.symbol_set_reader import GO_ON, MAX_SECONDS, SymbolSetReader, read_all

SAMPLE = 5
MAX_SAMPLED_REF_LENGTH = 100

Named = Annotated[Text, Field(min_length=1, description="Id, hash id or version")]
NOT_ALL_READ = "Could not tell: not every symbol set was read (not_seen)."


class Side(ToolOutput):
    """One of the two releases and its symbol sets."""

    release: Release
    repository: str = ""
    build: str = ""
    age_days: int
    symbol_sets: int
    complete: CompleteCount
    never_loaded: NeverLoadedCount
    no_file: NoFileCount
    refs: list[str] = Field(description="Some of its refs")


class Comparison(ToolOutput):
    """Two releases, the older one first."""

    verdict: Annotated[str, OURS]
    lost_symbol_sets: int | None = Field(description="With a file, fewer in the newer; null: could not tell")
    older: Side
    newer: Side
    differences: Annotated[list[str], OURS]
    cannot_know: Annotated[list[str], OURS]
    not_seen: Annotated[str, OURS] = ""


async def compare_releases(
    api: Api,
    context: Context[Any, Any],
    first: Named,
    second: Named,
    project: Annotated[Text, Field(description="App name, where versions are not unique")] = "",
) -> Comparison:
    """Compare two releases: metadata, symbol sets, and whether the newer lost source maps that the older had."""
    releases = [await find_release(api, named, project) for named in (first, second)]
    if releases[0].id == releases[1].id:
        raise Refusal("invalid_arguments", "Both names lead to the same release.")
    older, newer = sorted(releases, key=lambda release: release.created_at)
    sides, unseen, read = [], [], 0
    deadline = anyio.current_time() + MAX_SECONDS
    for release in (older, newer):
        report = after(read, context.report_progress)
        reader = SymbolSetReader(api, report, deadline=deadline, search=release.search)
        side, not_seen = await _side(reader, release)
        read += reader.read
        sides.append(side)
        unseen.append(not_seen)
    said = {"not_seen": " ".join(filter(None, [*unseen, GO_ON]))} if any(unseen) else {}
    lost = max(0, _with_file(sides[0]) - _with_file(sides[1])) if sides[1].symbol_sets and not any(unseen) else None
    return Comparison(
        verdict=NOT_ALL_READ if any(unseen) else _verdict(sides[0], sides[1], lost),
        lost_symbol_sets=lost,
        older=sides[0],
        newer=sides[1],
        differences=_differences(sides[0], sides[1]),
        cannot_know=[
            "Which script became which: each build has new chunk ids, and a symbol set is bound to one release only.",
            "What builds in event release mode uploaded: their symbol sets are bound to no release.",
        ],
        **said,
    )


async def _side(reader: SymbolSetReader, release: Release) -> tuple[Side, str]:
    states: Counter[str] = Counter()
    refs: list[str] = []

    def visit(row: SymbolSetRow) -> None:
        if row.get("release_id") == release.id:
            states[state_of(row)] += 1
            if len(refs) < SAMPLE:
                refs.append(clean(row.get("ref") or "", MAX_SAMPLED_REF_LENGTH))

    not_seen = await read_all(reader, visit)
    metadata = release.metadata or {}
    git = metadata.get("git") if isinstance(metadata.get("git"), dict) else {}
    known = {"repository": (git or {}).get("remote_url"), "build": metadata.get("build")}
    return Side(
        release=release.summary(),
        **{name: value for name, value in known.items() if isinstance(value, str)},
        age_days=_age(release),
        symbol_sets=states.total(),
        complete=states[COMPLETE],
        never_loaded=states[NEVER_LOADED],
        no_file=states[NO_FILE],
        refs=refs,
    ), not_seen


def _age(release: Release) -> int:
    """Return a release's age in whole days."""
    created_at = moment(release.created_at)
    return (datetime.now(UTC) - created_at).days if created_at else 0


def _with_file(side: Side) -> int:
    return side.complete + side.never_loaded


def _verdict(older: Side, newer: Side, lost: int | None) -> str:
    if lost is None:
        which = "the newer release" if older.symbol_sets else "either release"
        return (
            f"Could not tell: no symbol set is bound to {which}. In release mode event, the default of an upload, none "
            f"ever is. Unless its source maps were uploaded so, run with its build: {INJECT_AND_UPLOAD}, "
            "then deploy these files."
        )
    if not _with_file(newer):
        return (
            f"None of the newer release's {newer.symbol_sets} symbol sets has a file, against {_with_file(older)} of "
            f"the older one. Run with its build: {INJECT_AND_UPLOAD}, then deploy these files."
        )
    if lost:
        return (
            f"The newer release has {lost} fewer symbol sets with a file: {_with_file(newer)} against "
            f"{_with_file(older)}. Either its build makes fewer chunks, or some of its source maps were not uploaded."
        )
    said = f"The newer release has no fewer symbol sets with a file: {_with_file(newer)} against {_with_file(older)}"
    if not newer.never_loaded:
        return f"{said}."
    return f"{said}. No error has needed {newer.never_loaded} of the newer ones yet, so nothing shows that they work."


def _differences(older: Side, newer: Side) -> list[str]:
    """Name what is not the same in the two builds' metadata."""
    pairs = {
        "project": (older.release.project, newer.release.project),
        "branch": (older.release.branch, newer.release.branch),
        "commit": (_commit(older.release), _commit(newer.release)),
        "repository": (older.repository, newer.repository),
        "build": (older.build, newer.build),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def _commit(release: Release) -> str:
    """Return the commit; a summary leaves it out where it is the version."""
    return release.commit or release.version


TOOLS = [
    Tool(compare_releases, "error-tracking-releases-compare", "Compare releases", annotations=READ, meta=PANEL),
]
