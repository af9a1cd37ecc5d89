"""Symbol sets, counted by what state they are in. Pure: rows in one at a time, numbers out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from errtrack_mcp.api.model import Answer
from errtrack_mcp.tools.failures import Failure, decode_failure

RETENTION = timedelta(days=30)  # contract, section 4
NO_REASON = Failure("", "it has no file, and PostHog gives no reason", "Upload its map with the build.", "")

COMPLETE, NEVER_LOADED, FAILED = "complete", "never_loaded", "failed"


class BoundRelease(Answer):
    """The release that a symbol set names."""

    id: str | None = None


class Sighting(Answer):
    """As much of a symbol set (contract, section 4) as is counted; reading all of it would take three times as long."""

    id: str
    ref: str | None = None
    has_uploaded_file: bool | None = None
    storage_ptr: str | None = None  # stood for it before May 2026
    failure_reason: str | None = None
    created_at: str | None = None
    last_used: str | None = None
    release: BoundRelease | None = None

    @property
    def has_file(self) -> bool:
        """Tell whether an upload has at least begun."""
        return bool(self.storage_ptr if self.has_uploaded_file is None else self.has_uploaded_file)

    @property
    def release_id(self) -> str | None:
        """The id of the release that it is bound to."""
        return self.release.id if self.release else None


def state_of(symbol_set: Sighting) -> str:
    """Name the one state that a symbol set is in (contract, section 8)."""
    if not symbol_set.has_file or symbol_set.failure_reason:
        return FAILED
    return COMPLETE if symbol_set.last_used else NEVER_LOADED


def moment(written: str | None) -> datetime | None:
    """Read a time as the API writes it, or return None where it cannot be read."""
    try:
        read = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def last_seen(symbol_set: Sighting) -> datetime | None:
    """Return the moment from which retention counts."""
    return moment(symbol_set.last_used or symbol_set.created_at)


def removed_at(symbol_set: Sighting) -> datetime | None:
    """Return when retention removes a symbol set that is not used again, or None where no date can be read."""
    used = last_seen(symbol_set)
    return used + RETENTION if used else None


@dataclass(slots=True)
class Group:
    """The failures of one kind: how many, and the ref of one of them."""

    failure: Failure
    ref: str
    count: int = 0


@dataclass(slots=True)
class Tally:
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

    def __post_init__(self) -> None:
        self.by_release = {release: Counter() for release in self.releases}

    def add(self, symbol_set: Sighting) -> None:
        """Count one symbol set."""
        state = state_of(symbol_set)
        self.states[state] += 1
        if symbol_set.release_id is None:
            self.unbound += 1
        elif (counts := self.by_release.get(symbol_set.release_id)) is not None:
            counts[state] += 1
        if state == FAILED:
            self._add_failure(symbol_set)
        removed = removed_at(symbol_set)
        if removed is not None and removed <= self.now + self.expiring_within:
            self.expiring += 1
            self.expiring_files += state != FAILED

    def _add_failure(self, symbol_set: Sighting) -> None:
        failure = decode_failure(symbol_set.failure_reason) if symbol_set.failure_reason else NO_REASON
        group = self.groups.setdefault(failure.reason, Group(failure, symbol_set.ref or ""))
        group.count += 1

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.states.total()

    def failures(self) -> list[Group]:
        """Return the kinds of failure, the most frequent first."""
        return sorted(self.groups.values(), key=lambda group: (-group.count, group.failure.reason))
