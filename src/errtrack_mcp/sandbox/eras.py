"""The ages of the API: what an installation of a given month has of issues, and what it does not have yet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Era:
    """How an installation of one month answers queries about issues."""

    query_routes: bool  # query/issues, query/issue and query/issue_events exist
    include: bool  # the content of events is chosen by `include`, otherwise by `verbosity`
    severity: bool  # issues have a severity
    release_map: bool  # events hold `$exception_releases`, otherwise `$exception_release`
    recent_changes: bool  # the list shows a change of the last minute at once
    compact_list: bool  # rows of the list cut the description, and have no bucket of counts unless asked
    overlapping_buckets: bool  # an event in the first second of a bucket counts in the one before it too
    search_frames: bool  # a search looks at all of a frame, otherwise at its function and source
    first_event: bool  # ErrorTrackingQuery answers the first event unless told otherwise
    list_limit: int  # rows of query/issues when none is asked for


NEWEST = "2026-09"
ERAS = {
    "2026-03": Era(
        query_routes=False,
        include=False,
        severity=False,
        release_map=True,
        recent_changes=False,
        compact_list=False,
        overlapping_buckets=True,
        search_frames=False,
        first_event=True,
        list_limit=25,
    ),
    "2026-06": Era(
        query_routes=True,
        include=False,
        severity=False,
        release_map=True,
        recent_changes=False,
        compact_list=False,
        overlapping_buckets=True,
        search_frames=False,
        first_event=True,
        list_limit=25,
    ),
    NEWEST: Era(
        query_routes=True,
        include=True,
        severity=True,
        release_map=False,
        recent_changes=True,
        compact_list=True,
        overlapping_buckets=False,
        search_frames=True,
        first_event=False,
        list_limit=10,
    ),
}
