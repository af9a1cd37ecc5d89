"""Symbol sets, counted by what state they are in. Pure: rows in one at a time, numbers out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Required

from pydantic import AliasPath, Field
from typing_extensions import TypedDict  # pydantic refuses the one in typing before Python 3.12

from errtrack_mcp.tools.failure_reasons import UPLOAD, Failure, decode_failure

RETENTION = timedelta(days=30)  # docs/posthog-api.md, section 4
NO_REASON = Failure("no reason given", "it has no file, and PostHog gives no reason", UPLOAD, "")

State = Literal["complete", "never_loaded", "no_file"]
COMPLETE: State = "complete"
NEVER_LOADED: State = "never_loaded"
NO_FILE: State = "no_file"
# What the schemas of all tools say about the three states.
CompleteCount = Annotated[int, Field(description="Have a file and a last_used, which uploads set too")]
NeverLoadedCount = Annotated[int, Field(description="Have a file, or an unfinished upload, that no error has needed")]
NoFileCount = Annotated[int, Field(description="Have no file: their errors stay minified")]


class SymbolSetRow(TypedDict, total=False):
    """As much of a symbol set (docs/posthog-api.md, section 4) as is counted.

    A project has a hundred thousand: reading all of each would take three times as long, and a model in place of the
    dict more than twice.
    """

    id: Required[str]
    ref: str | None
    team_id: int | None
    has_uploaded_file: bool | None
    storage_ptr: str | None  # stood for it before May 2026
    failure_reason: str | None
    created_at: str | None
    last_used: str | None
    release_id: Annotated[str | None, Field(validation_alias=AliasPath("release", "id"))]


def has_file(symbol_set: SymbolSetRow) -> bool:
    """Return whether an upload has at least begun."""
    said = symbol_set.get("has_uploaded_file")
    return bool(symbol_set.get("storage_ptr") if said is None else said)


def state_of(symbol_set: SymbolSetRow) -> State:
    """Name the one state that a symbol set is in: the file decides (docs/posthog-api.md, section 8).

    Complete proves little: an upload sets `last_used` too.

    PostHog keeps a `failure_reason` next to a file that was uploaded later and works.
    """
    if not has_file(symbol_set):
        return NO_FILE
    return COMPLETE if symbol_set.get("last_used") else NEVER_LOADED


def failure_of(symbol_set: SymbolSetRow) -> Failure:
    """Return why a symbol set has no file, as far as PostHog says."""
    reason = symbol_set.get("failure_reason")
    return decode_failure(reason) if reason else NO_REASON


WORDS = {COMPLETE: "complete", NEVER_LOADED: "never loaded", NO_FILE: "without a file"}


def in_words(states: Counter[str]) -> str:
    """Say how many are in which state."""
    return ", ".join(f"{states[state]:,} {words}" for state, words in WORDS.items())


def written(time: datetime) -> str:
    """Write a time as the API does: ISO 8601, in UTC, to the second."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def facts_of(row: SymbolSetRow) -> list[str | bool | None]:
    """Return what changes when a symbol set is used, filled, bound or fails."""
    state = state_of(row)
    return [row["id"], state, row.get("ref"), row.get("failure_reason"), row.get("last_used"), row.get("release_id")]


def moment(text: str | None) -> datetime | None:
    """Read a time as the API writes it, or return None where it cannot be read."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def last_seen(symbol_set: SymbolSetRow) -> datetime | None:
    """Return the moment from which retention counts."""
    return moment(symbol_set.get("last_used") or symbol_set.get("created_at"))


@dataclass(slots=True)
class Group:
    """The failures of one kind: how many, by which HTTP status, and the ref of one of them."""

    failure: Failure
    ref: str
    count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class SymbolSetCounts:
    """The counts so far; `releases` names those whose symbol sets are counted apart.

    `expiring` counts symbol sets with a file that were last used before `expiring_before`, so that retention removes
    them within `expiring_within`.
    """

    now: datetime
    expiring_within: timedelta
    releases: Iterable[str] = ()
    states: Counter[str] = field(default_factory=Counter)
    unbound: int = 0
    expiring: int = 0
    groups: dict[str, Group] = field(default_factory=dict)
    by_release: dict[str, Counter[str]] = field(init=False)
    expiring_before: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.expiring_before = self.now + self.expiring_within - RETENTION
        self.by_release = {release: Counter() for release in self.releases}

    def add(self, symbol_set: SymbolSetRow) -> None:
        """Count one symbol set."""
        state = state_of(symbol_set)
        self.states[state] += 1
        release = symbol_set.get("release_id")
        if release is None:
            self.unbound += 1
        elif (counts := self.by_release.get(release)) is not None:
            counts[state] += 1
        if state == NO_FILE:
            self._add_failure(symbol_set)
            return
        seen = last_seen(symbol_set)
        if seen is not None and seen <= self.expiring_before:
            self.expiring += 1

    def _add_failure(self, symbol_set: SymbolSetRow) -> None:
        failure = failure_of(symbol_set)
        group = self.groups.get(failure.kind)
        if group is None:
            group = self.groups[failure.kind] = Group(failure, symbol_set.get("ref") or "")
        group.count += 1
        if failure.status:
            group.statuses[failure.status] += 1

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.states.total()

    def failures(self) -> list[Group]:
        """Return the kinds of failure, the most frequent first."""
        return sorted(self.groups.values(), key=lambda group: (-group.count, group.failure.kind))
