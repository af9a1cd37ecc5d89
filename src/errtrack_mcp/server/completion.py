"""Completion of arguments from the API: one request for each completion, and none where nothing can match.

Text that had to be cleaned is not proposed: as an argument it would match nothing.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from mcp_types import Completion

from errtrack_mcp.api.client import Client
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_sets import SymbolSet

MAX_VALUES = 100  # the protocol allows no more
RELEASES_READ = 500
SYMBOL_SETS_READ = 100
MAX_TYPED_LENGTH = 2_048
CLEANED = re.compile(r"\\u[0-9a-f]{4}|… \[cut: ")  # what api/sanitize.py writes in place of what it takes out

RELEASES = "error-tracking-releases-list"
SYMBOL_SETS = "error-tracking-symbol-sets-list"

# Prompt or resource template, then argument: what is proposed for it.
SUBJECTS = {
    ("readable-stack-trace", "ref"): "ref",
    ("readable-stack-trace", "project"): "project",
    ("readable-stack-trace", "version"): "version",
    ("release-check", "project"): "project",
    ("release-check", "version"): "version",
    ("release-check", "compare_with"): "version",
    ("release-check", "when"): "when",
    ("tidy-symbol-sets", "release_id"): "release",
    ("errtrack://releases/{id}", "id"): "release",
    ("errtrack://symbol-sets/{id}", "id"): "symbol set",
}


async def complete(
    api: Client, subject: str, typed: str, given: Mapping[str, str], offered: Collection[str]
) -> Completion:
    """Propose values for an argument of this kind that begin with, or else contain, what was typed.

    `given` are the other arguments so far, `offered` the tools that the caller may call: nobody is told by completion
    what they may not list. Raises ApiError.
    """
    typed = typed[:MAX_TYPED_LENGTH]
    if subject == "when":
        return _matching(("before", "after"), typed)
    if subject in {"project", "version", "release"} and RELEASES in offered:
        page = await api.get_page("releases", of=Release, offset=0, limit=RELEASES_READ)
        more = page.next_offset is not None
        return _of_releases(subject, page.results, typed, given, more=more)
    if subject in {"ref", "symbol set"} and SYMBOL_SETS in offered:
        # `search` finds refs far down the list; ids it does not look at, so those are taken from the newest.
        search = typed.strip() or None if subject == "ref" else None
        sets = await api.get_page("symbol_sets", of=SymbolSet, offset=0, limit=SYMBOL_SETS_READ, search=search)
        keys = (row.ref if subject == "ref" else row.id for row in sets.results)
        return _matching(keys, typed, more=sets.next_offset is not None)
    return Completion(values=[])


def _of_releases(
    subject: str, releases: Iterable[Release], typed: str, given: Mapping[str, str], *, more: bool
) -> Completion:
    if subject == "project":
        return _matching((release.project for release in releases), typed, more=more)
    if subject == "release":
        # An id says nothing to a person, who types the version or the app instead.
        wanted = typed.casefold()
        named = (
            release.id
            for release in releases
            if any(wanted in text.casefold() for text in (release.id, release.version, release.project))
        )
        return _matching(named, "", more=more)
    project = given.get("project", "")
    taken = {given.get("version"), given.get("compare_with")}
    versions = (
        release.version for release in releases if project in {"", release.project} and release.version not in taken
    )
    return _matching(versions, typed, more=more)


def _matching(values: Iterable[str], typed: str, *, more: bool = False) -> Completion:
    """Keep each value that fits once, those that begin with what was typed before those that contain it."""
    wanted = typed.casefold()
    fitting = [
        value for value in dict.fromkeys(values) if value and wanted in value.casefold() and not CLEANED.search(value)
    ]
    fitting.sort(key=lambda value: not value.casefold().startswith(wanted))
    kept = fitting[:MAX_VALUES]
    beyond = more or len(fitting) > len(kept)
    return Completion(values=kept, total=None if beyond else len(kept), has_more=beyond)
