"""The releases in which an issue occurs, and whether it still occurs in the newest one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.annotations import READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.dates import DateFrom, DateTo, Window, read_window
from errtrack_mcp.tools.issues.events import about_newest_event
from errtrack_mcp.tools.issues.models import ReleaseOfEvent, release_of
from errtrack_mcp.tools.issues.queries import AnyIssue, Rows, ask_general, of_issue
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import moment

MAX_GROUPS = 1_000
MAX_SHOWN = 30
NEWEST_READ = 100
COUNTED = (
    "SELECT properties.$exception_release, properties.$exception_releases, count(), min(timestamp), max(timestamp)"
)
JSON_COLUMNS = (0, 1)


class ReleaseSeen(ToolOutput):
    """A release, and the events of the issue that name it."""

    id: str
    version: str
    project: str
    first_seen: str
    last_seen: str
    occurrences: int


class NewestRelease(ToolOutput):
    """The newest release of the app in which the issue occurred last."""

    id: str
    version: str
    project: str
    created_at: str


class IssueReleases(ToolOutput):
    """The releases of an issue's events, the one seen last first."""

    issue_id: str
    merged: Annotated[str, OURS] = ""
    date_from: str
    date_to: str
    releases: list[ReleaseSeen]
    without_release: Annotated[int, Field(description="Events that name no release")]
    newest_release: NewestRelease | None
    occurs_in_newest: Annotated[bool | None, Field(description="null: could not tell")]
    summary: Annotated[str, OURS]


class Seen(NamedTuple):
    """What was read: releases, seen last first; events without one; `complete`: there are no more."""

    releases: list[ReleaseSeen]
    without_release: int
    complete: bool


async def list_issue_releases(
    api: Api, issue_id: IssueOrAddress, date_from: DateFrom = "", date_to: DateTo = ""
) -> IssueReleases:
    """Count an issue's events by release, and say whether it still occurs in the newest. Needs the scope query:read."""
    window = read_window(date_from, date_to, datetime.now(UTC))

    async def ask(known_id: str) -> Seen:
        await api.get("issues", known_id, into=AnyIssue)  # the query knows no issue that does not exist
        return await read_releases(api, known_id, window)

    seen, found = await ask_about(api, issue_id, ask)
    newest = await _newest_release(api, seen.releases)
    occurs = _occurs_in(newest, seen)
    none = seen.complete and not seen.releases and not seen.without_release
    said = f"There is no event in this time. {await about_newest_event(api, found.id, window)}" if none else ""
    return IssueReleases(
        issue_id=found.id,
        **({"merged": found.merged} if found.merged else {}),
        date_from=window.date_from,
        date_to=window.date_to,
        releases=seen.releases[:MAX_SHOWN],
        without_release=seen.without_release,
        newest_release=newest,
        occurs_in_newest=occurs,
        summary=said or _summary(seen, newest, occurs=occurs),
    )


async def read_releases(api: Client, issue_id: str, window: Window) -> Seen:
    """Read the releases that the events of an issue name (docs/posthog-api.md, section 11.3).

    Raises MissingScope without query:read.
    """
    query = (
        f"{COUNTED} FROM events WHERE event = '$exception' AND {of_issue(api, issue_id)}"
        f" AND timestamp >= toDateTime('{window.date_from}') AND timestamp <= toDateTime('{window.date_to}')"
        " GROUP BY properties.$exception_release, properties.$exception_releases"
        f" ORDER BY max(timestamp) DESC LIMIT {MAX_GROUPS}"
    )
    rows = await ask_general(api, {"kind": "HogQLQuery", "query": query}, Rows[Group], JSON_COLUMNS)
    return Seen(*_by_release(rows.results), complete=not rows.has_more)


Group = tuple[Any, Any, int, str, str]


def _by_release(groups: Iterable[Group]) -> tuple[list[ReleaseSeen], int]:
    """Put together what names the same release: its text may hold more than the release."""
    seen: dict[ReleaseOfEvent, ReleaseSeen] = {}
    without = 0
    for current, earlier, count, first, last in groups:
        release = release_of({"$exception_release": current, "$exception_releases": earlier})
        if release is None:
            without += count
            continue
        known = seen.get(release)
        seen[release] = ReleaseSeen(
            id=release.id,
            version=release.version,
            project=release.project,
            first_seen=min(first, known.first_seen) if known else first,
            last_seen=known.last_seen if known else last,
            occurrences=count + (known.occurrences if known else 0),
        )
    return list(seen.values()), without


async def _newest_release(api: Client, seen: list[ReleaseSeen]) -> NewestRelease | None:
    """Return the newest release of the app in which the issue was seen last; None where none is known."""
    if not seen:
        return None
    page = await api.get_page("releases", of=Release, offset=0, limit=NEWEST_READ)
    newest = next((release for release in page.results if release.project == seen[0].project), None)
    if newest is None:
        return None
    return NewestRelease(id=newest.id, version=newest.version, project=newest.project, created_at=newest.created_at)


def _occurs_in(newest: NewestRelease | None, seen: Seen) -> bool | None:
    """Return whether an event names the newest release; None where events not read, or without one, could be of it.

    None also where no event is newer than that release.
    """
    if newest is None:
        return None
    if any(_is(release, newest) for release in seen.releases):
        return True
    return False if seen.complete and not seen.without_release and _occurred_since(newest, seen) else None


def _is(release: ReleaseSeen, newest: NewestRelease) -> bool:
    """Return whether both are the same, or of the same version: each of two uploads may have made a release of it."""
    return release.id == newest.id or (release.project, release.version) == (newest.project, newest.version)


def _occurred_since(newest: NewestRelease, seen: Seen) -> bool:
    """Return whether an event that names a release came after the newest one was made."""
    made = moment(newest.created_at)
    times = [time for release in seen.releases if (time := moment(release.last_seen))]
    return made is not None and max(times, default=made) > made


def _summary(seen: Seen, newest: NewestRelease | None, *, occurs: bool | None) -> str:
    """Say what the releases mean, and what they leave open."""
    said = []
    if newest and occurs:
        said.append(f"It still occurs in {quoted(newest.version)}, the newest release of {quoted(newest.project)}.")
    elif newest:
        last = f"no event names {quoted(newest.version)}, the newest release of {quoted(newest.project)}"
        said.append(f"In this time {last}, made {newest.created_at}.")
        if not _occurred_since(newest, seen):
            said.append("No event that names a release came since: that release may be too new to tell.")
    elif seen.releases:
        said.append("PostHog has no release of this app among its newest ones.")
    else:
        said.append("In this time no event of the issue names a release.")
    if seen.without_release:
        said.append(f"Events that name no release: {seen.without_release}.")
    if len(seen.releases) > MAX_SHOWN or not seen.complete:
        said.append(f"Only the {MAX_SHOWN} releases seen last are listed.")
    said.append("Events of internal and test users are counted too.")
    return " ".join(said)


TOOLS = [Tool(list_issue_releases, "error-tracking-issues-releases", "Releases of an issue", annotations=READ)]
