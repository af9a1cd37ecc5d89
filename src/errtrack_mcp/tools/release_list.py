"""The list of releases, newest first: with a search, and with the symbol sets of each."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, Page
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.parameters import MAX_TOKENS, Detail, MaxTokens, Offset, ReleasesLimit, Text
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    COMPLETE,
    NEVER_LOADED,
    NO_FILE,
    CompleteCount,
    NeverLoadedCount,
    NoFileCount,
    SymbolSetCounts,
)
from errtrack_mcp.tools.symbol_set_reader import GO_ON, SymbolSetReader, read_all

ROWS_A_PAGE = 500  # the API gives no more (docs/posthog-api.md, section 3)
MAX_SEARCHED = 10_000  # releases in one call: 20 requests

Search = Annotated[Text, Field(max_length=400, description="Part of a version, project, commit, branch or hash_id")]
Counts = Annotated[bool, Field(description="Count the symbol sets of each release listed")]


class ListedRelease(Release):
    """A release in a list; it has counts if they were asked for."""

    symbol_sets: Annotated[int, Field(description="Bound to it")] = 0
    complete: CompleteCount = 0
    never_loaded: NeverLoadedCount = 0
    no_file: NoFileCount = 0

    def fits(self, text: str) -> bool:
        """Return whether a text is part of what a person may know of the release; `text` is folded."""
        git = (self.metadata or {}).get("git")
        git = git if isinstance(git, dict) else {}
        known = (self.version, self.project, self.hash_id, git.get("commit_id"), git.get("branch"))
        return any(isinstance(value, str) and text in value.casefold() for value in known)

    def with_counts(self, counts: Counter[str]) -> "ListedRelease":
        """Return the release with the number of its symbol sets, by state."""
        states = {str(state): counts[state] for state in (COMPLETE, NEVER_LOADED, NO_FILE)}
        return self.model_copy(update={"symbol_sets": counts.total(), **states})


class ReleasesPage(Page[ListedRelease]):
    """Some of the releases, and what was not looked at."""

    not_seen: Annotated[str, Field(description="What the search or the counts did not see"), OURS] = ""


async def list_releases(
    api: Api,
    context: Context[Any, Any],
    limit: ReleasesLimit = 25,
    offset: Offset = 0,
    search: Search = "",
    counts: Counts = False,
    detail: Detail = "summary",
    max_tokens: MaxTokens = MAX_TOKENS,
) -> ReleasesPage:
    """List releases, newest first."""
    if search:
        page, offsets = await _search(api, search.casefold(), limit, offset)
    else:
        page = await _page(api, limit, offset)
        offsets = list(range(offset, offset + len(page.results)))
    full = detail == "full"
    rows = [release.fitted(max_tokens) if full else release.summary() for release in page.results]
    if counts and rows:
        rows, not_seen = await _counted(api, rows, context.report_progress)
        if not_seen:
            page = page.model_copy(update={"not_seen": f"{page.not_seen} {not_seen}".strip()})
    return page.shrunk(rows, offsets, max_tokens)


async def _page(api: Client, limit: int, offset: int) -> ReleasesPage:
    page = await api.get_page("releases", of=ListedRelease, limit=limit, offset=offset)
    return ReleasesPage(count=page.count, next_offset=page.next_offset, results=page.results)


async def _search(api: Client, text: str, limit: int, offset: int) -> tuple[ReleasesPage, list[int]]:
    """Return the releases from `offset` on that fit, and the offset of each: the API itself has no search."""
    rows: list[ListedRelease] = []
    offsets: list[int] = []
    start, of = offset, ""
    while start - offset < MAX_SEARCHED:
        page = await api.get_page("releases", of=ListedRelease, limit=ROWS_A_PAGE, offset=start)
        for place, row in enumerate(page.results, start):
            if row.fits(text):
                if len(rows) == limit:
                    return ReleasesPage(count=None, next_offset=place, results=rows), offsets
                rows.append(row)
                offsets.append(place)
        if page.next_offset is None:
            return ReleasesPage(count=None, next_offset=None, results=rows), offsets
        start, of = page.next_offset, f" of {page.count:,}" if page.count else ""
    said = f"The search looked at {start - offset:,}{of} releases: go on at next_offset for older ones."
    return ReleasesPage(count=None, next_offset=start, results=rows, not_seen=said), offsets


async def _counted(api: Client, rows: list[ListedRelease], report: Report) -> tuple[list[ListedRelease], str]:
    """Count the symbol sets of all these releases in one reading, and say what was not read."""
    counted = SymbolSetCounts(datetime.now(UTC), timedelta(), [row.id for row in rows])
    not_seen = await read_all(SymbolSetReader(api, report), counted.add)
    said = f"The counts are too small: {not_seen} {GO_ON}" if not_seen else ""
    return [row.with_counts(counted.by_release[row.id]) for row in rows], said


TOOLS = [Tool(list_releases, "error-tracking-releases-list", "List releases", annotations=READ, meta=PANEL)]
