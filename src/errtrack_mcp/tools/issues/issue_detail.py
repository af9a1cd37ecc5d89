"""One issue: what it is now, and what happened to it in a time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, MissingScope
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.posthog import issue_url, key_page
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.dates import DateFrom, DateTo, Window, read_window
from errtrack_mcp.tools.issues.events import about_newest_event, read_events
from errtrack_mcp.tools.issues.internal_users import TestAccounts
from errtrack_mcp.tools.issues.issue_releases import ReleaseSeen, Seen, read_releases
from errtrack_mcp.tools.issues.models import Event
from errtrack_mcp.tools.issues.over_time import OverTime, number_of_buckets, read_over_time
from errtrack_mcp.tools.issues.queries import Rows, ask_general, ask_route
from errtrack_mcp.tools.issues.rows import Count, Counts, IssueRow
from errtrack_mcp.tools.issues.shown_events import shown_frame, top_app_frame
from errtrack_mcp.tools.parameters import Text

RELEASES_SHOWN = 5
ORDER_UNKNOWN = "The top frame is unknown: before July 2026 posthog-go sent stacks the other way round."

WithBreakdown = Annotated[bool, Field(description="Most frequent pages, browsers, systems and versions")]


class ValueCount(ToolOutput):
    """A value, and how many events have it."""

    value: Text
    count: Count


class Breakdown(ToolOutput):
    """What most events have in common; PostHog counts at most the last 30 days of the time asked for."""

    date_from: str = ""
    date_to: str = ""
    range_limited: bool = False
    top_values: dict[str, list[ValueCount]] = Field(default={})
    sample_session_ids: list[str] = Field(default=[])


class Happened(IssueRow):
    """An issue as the query about it answers, with the breakdown where that was asked for.

    `sparkline` is what came as counts of the buckets; older installations send it with the other counts.
    """

    breakdown: Breakdown | None = None
    sparkline: Any = None

    @property
    def counts(self) -> Counts:
        """The counts, which older installations send under another name."""
        return self.impact if self.impact.occurrences else self.aggregations

    def over_time(self, window: Window) -> OverTime | None:
        """Return the counts of the buckets, which older installations send under another name too."""
        return read_over_time(self.sparkline or self.aggregations.volume, window)


class IssueDetail(ToolOutput):
    """An issue as it is now, and what happened to it between two moments."""

    id: str
    merged: Annotated[str, OURS] = ""
    name: str
    description: str
    status: str
    severity: str = ""
    assignee: Annotated[dict[str, Any] | None, Field(description="null: nobody")]
    first_seen: Annotated[str, Field(description="Ever")]
    last_seen: Annotated[str, Field(description="In this time")] = ""
    date_from: str
    date_to: str
    occurrences: int
    estimated_users: int
    estimated_sessions: int
    occurrences_over_time: OverTime | None = None
    library: str = ""
    top_app_frame: Annotated[
        dict[str, Any] | None, Field(description="Of the newest event, as in query-error-tracking-issue-events")
    ] = None
    releases: Annotated[list[ReleaseSeen], Field(description="Seen last first")] = Field(default=[])
    breakdown: dict[str, Any] = Field(default={})
    link: Annotated[str, OURS]
    hidden: Annotated[str, Field(description="What is missing or not counted"), OURS]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read of one issue; `happened` and what follows are missing where nothing happened in the time."""

    stored: IssueRow
    happened: Happened | None
    newest: Event | None = None
    releases: Seen | None = None
    said: list[str] = field(default_factory=list)


async def retrieve_issue(
    api: Api,
    issue_id: IssueOrAddress,
    date_from: DateFrom = "",
    date_to: DateTo = "",
    breakdown: WithBreakdown = False,
    test_accounts: TestAccounts = False,
) -> IssueDetail:
    """Fetch one issue: status and assignee as of now; counts (also over time), top app frame and releases in a time."""
    window = read_window(date_from, date_to, datetime.now(UTC))

    async def ask(known_id: str) -> Reading:
        return await _read(api, known_id, window, breakdown=breakdown, test_accounts=test_accounts)

    reading, found = await ask_about(api, issue_id, ask)
    stored, happened = reading.stored, reading.happened
    counts = happened.counts if happened else Counts()
    return IssueDetail(
        id=found.id,
        name=stored.name,
        description=stored.description,
        status=stored.status,
        assignee=stored.assignee,
        first_seen=stored.first_seen,
        date_from=window.date_from,
        date_to=window.date_to,
        occurrences=counts.occurrences,
        estimated_users=counts.users,
        estimated_sessions=counts.sessions,
        link=issue_url(api.origin, api.prefix[-1], found.id),
        hidden=" ".join(reading.said),
        **_where_known(reading, found.merged, window),
    )


def _where_known(reading: Reading, merged: str, window: Window) -> dict[str, Any]:
    """Return the fields that only some issues have, or that only some keys and installations may see."""
    happened = reading.happened
    given: dict[str, Any] = {"merged": merged, "severity": reading.stored.severity}
    if happened:
        given |= {"last_seen": happened.last_seen, "library": happened.library}
        given["occurrences_over_time"] = happened.over_time(window)
        given["breakdown"] = happened.breakdown.model_dump() if happened.breakdown else None
    if reading.releases:
        given["releases"] = reading.releases.releases[:RELEASES_SHOWN]
    known = {name: value for name, value in given.items() if value}
    if reading.newest and reading.newest.throws_last:
        frame = top_app_frame(reading.newest)
        known["top_app_frame"] = shown_frame(frame).model_dump() if frame else None
    return known


async def _read(api: Client, issue_id: str, window: Window, *, breakdown: bool, test_accounts: bool) -> Reading:
    """Read the issue where it is stored, which is never behind, and then what happened.

    PostHog's answer about a time drops the assignee where nothing happened in it, shows the name that the frame has in
    the deployed script, and knows no release (docs/posthog-api.md, section 10.3).
    """
    stored = await api.get("issues", issue_id, into=IssueRow)
    happened = await _what_happened(api, issue_id, window, breakdown=breakdown, test_accounts=test_accounts)
    said = _left_out(api, happened, window, breakdown=breakdown, test_accounts=test_accounts)
    if happened is None:
        return Reading(stored, None, said=[*said, await about_newest_event(api, issue_id, window)])
    page = await read_events(api, issue_id, window, limit=1, only_app_frames=True, test_accounts=test_accounts)
    newest = page.events[0] if page.events else None
    if newest and newest.throws_last is None:
        said.append(ORDER_UNKNOWN)
    releases = None
    try:
        releases = await read_releases(api, issue_id, window)
    except MissingScope as error:
        said.append(f"Releases need the scope {error.scope}: add it to the key at {key_page(api.origin)}.")
    except ApiError as error:
        said.append(f"Releases could not be read ({error.code}).")
    if releases and len(releases.releases) > RELEASES_SHOWN:
        said.append(f"error-tracking-issues-releases lists all {len(releases.releases)} releases.")
    return Reading(stored, happened, newest, releases, said)


async def _what_happened(
    api: Client, issue_id: str, window: Window, *, breakdown: bool, test_accounts: bool
) -> Happened | None:
    """Ask what happened to an issue; None where nothing did."""
    asked: dict[str, Any] = {
        "issueId": issue_id,
        "dateRange": window.date_range,
        "filterTestAccounts": not test_accounts,
        "volumeResolution": number_of_buckets(window),
    }
    of_route = {"includeBreakdown": breakdown, "includeSparkline": True}
    happened = await ask_route(api, "issue", asked | of_route, Happened)
    if happened is None:
        fixed = {"kind": "ErrorTrackingQuery", "orderBy": "last_seen", "withFirstEvent": False}
        rows = (await ask_general(api, {**fixed, **asked, "status": "all"}, Rows[Happened])).results
        happened = rows[0] if rows else None
    return happened if happened and happened.counts.occurrences else None


def _left_out(
    api: Client, happened: Happened | None, window: Window, *, breakdown: bool, test_accounts: bool
) -> list[str]:
    """Say what a reader could otherwise take for absent."""
    said = []
    if happened is None:
        said.append("Nothing is counted in this time, so nothing is known of it.")
    if not test_accounts:
        said.append("Events of internal and test users are not counted, except by releases.")
    if breakdown and happened and happened.breakdown is None:
        said.append("This installation gives no breakdown.")
    if happened and happened.over_time(window) is None:
        said.append("PostHog gave no counts over time that can be read.")
    if api.query_routes.are_missing(api.origin):
        said.append("This installation knows no severity.")
    return said


TOOLS = [Tool(retrieve_issue, "query-error-tracking-issue", "Get issue", annotations=READ, meta=PANEL)]
