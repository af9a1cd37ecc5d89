"""Symbol sets, counted by what state they are in. Pure: rows in one at a time, numbers out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Required

from pydantic import AliasPath, Field
from typing_extensions import TypedDict  # pydantic refuses the one in typing before Python 3.12

from errtrack_mcp.tools.failure_reasons import Failure, decode_failure

RETENTION = timedelta(days=30)  # docs/posthog-api.md, section 4
NO_REASON = Failure("", "it has no file, and PostHog gives no reason", "Upload its map with the build.", "")

COMPLETE, NEVER_LOADED, FAILED = "complete", "never_loaded", "failed"


class SymbolSetRow(TypedDict, total=False):
    """As much of a symbol set (docs/posthog-api.md, section 4) as is counted.

    A project has a hundred thousand: reading all of each would take three times as long, and a model in place of the
    dict more than twice.
    """

    id: Required[str]
    ref: str | None
    has_uploaded_file: bool | None
    storage_ptr: str | None  # stood for it before May 2026
    failure_reason: str | None
    created_at: str | None
    last_used: str | None
    release_id: Annotated[str | None, Field(validation_alias=AliasPath("release", "id"))]


def has_file(symbol_set: SymbolSetRow) -> bool:
    """Tell whether an upload has at least begun."""
    said = symbol_set.get("has_uploaded_file")
    return bool(symbol_set.get("storage_ptr") if said is None else said)


def state_of(symbol_set: SymbolSetRow) -> str:
    """Name the one state that a symbol set is in: the file decides (docs/posthog-api.md, section 8).

    PostHog keeps a `failure_reason` next to a file that was uploaded later and works.
    """
    if not has_file(symbol_set):
        return FAILED
    return COMPLETE if symbol_set.get("last_used") else NEVER_LOADED


def failure_of(symbol_set: SymbolSetRow) -> Failure:
    """Return why a symbol set has no file, as far as PostHog says."""
    reason = symbol_set.get("failure_reason")
    return decode_failure(reason) if reason else NO_REASON


def moment(written: str | None) -> datetime | None:
    """Read a time as the API writes it, or return None where it cannot be read."""
    try:
        read = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def last_seen(symbol_set: SymbolSetRow) -> datetime | None:
    """Return the moment from which retention counts."""
    return moment(symbol_set.get("last_used") or symbol_set.get("created_at"))


@dataclass(slots=True)
class Group:
    """The failures of one kind: how many, and the ref of one of them."""

    failure: Failure
    ref: str
    count: int = 0


@dataclass(slots=True)
class SymbolSetCounts:
    """What was seen so far; `releases` names those whose symbol sets are counted apart."""

    now: datetime
    expiring_within: timedelta
    releases: Iterable[str] = ()
    states: Counter[str] = field(default_factory=Counter)
    unbound: int = 0
    expiring: int = 0
    expiring_files: int = 0
    groups: dict[str, Group] = field(default_factory=dict)
    by_release: dict[str, Counter[str]] = field(init=False)
    _expiring_since: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._expiring_since = self.now + self.expiring_within - RETENTION
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
        if state == FAILED:
            self._add_failure(symbol_set)
        seen = last_seen(symbol_set)
        if seen is not None and seen <= self._expiring_since:
            self.expiring += 1
            self.expiring_files += state != FAILED

    def _add_failure(self, symbol_set: SymbolSetRow) -> None:
        failure = failure_of(symbol_set)
        group = self.groups.get(failure.reason)
        if group is None:
            group = self.groups[failure.reason] = Group(failure, symbol_set.get("ref") or "")
        group.count += 1

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.states.total()

    def failures(self) -> list[Group]:
        """Return the kinds of failure, the most frequent first."""
        return sorted(self.groups.values(), key=lambda group: (-group.count, group.failure.reason))
