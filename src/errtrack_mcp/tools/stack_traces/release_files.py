"""The symbol sets of a release that have a file. The API has no filter for them (docs/posthog-api.md, section 5.7)."""

from dataclasses import dataclass

from errtrack_mcp.api.client import Client
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import has_file
from errtrack_mcp.tools.symbol_sets import POSTHOG_STATUS, SymbolSet

PAGE = 100
MAX_PAGES = 3


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """The newest symbol sets of a release with a file; `complete` is False where there may be more."""

    release: Release
    symbol_sets: list[SymbolSet]
    complete: bool


async def read_release_files(api: Client, release: Release) -> ReleaseFiles:
    """Search for the symbol sets of a release by its version, in at most three requests. Raises ApiError."""
    found: list[SymbolSet] = []
    offset: int | None = 0
    for _ in range(MAX_PAGES):
        page = await api.get_page(
            "symbol_sets",
            of=SymbolSet,
            offset=offset or 0,
            limit=PAGE,
            search=release.search,
            status=POSTHOG_STATUS["has_file"],
        )
        found += [row for row in page.results if row.release and row.release.id == release.id and has_file(row.row())]
        offset = page.next_offset
        if offset is None:
            break
    return ReleaseFiles(release, found, complete=offset is None)
