"""What state symbol sets are in, counted. Pure (contract, sections 4 and 8)."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from errtrack_mcp.tools.failures import Failure, decode_failure
from errtrack_mcp.tools.walk import WalkedSet

KEPT_FOR = timedelta(days=30)  # without being loaded: then retention removes a set (contract, section 4)
COMPLETE, NEVER_LOADED, FAILED, NO_FILE = "complete", "never_loaded", "failed", "no_file"


def state_of(row: WalkedSet) -> str:
    """Name the state of a symbol set, as far as the API tells."""
    if row.has_file:
        return COMPLETE if row.last_used else NEVER_LOADED
    return FAILED if row.failure_reason else NO_FILE


def moment(written: str | None) -> datetime | None:
    """Read a time as the API writes it; None for one that cannot be read."""
    try:
        read = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def last_seen(row: WalkedSet) -> datetime | None:
    """Return the moment from which retention counts."""
    return moment(row.last_used or row.created_at)


@dataclass
class Group:
    """Symbol sets that failed for the same reason: how many, and one of them."""

    failure: Failure
    ref: str
    symbol_sets: int = 0


@dataclass
class Tally:
    """Counts over any number of symbol sets.

    `expired_by` is the moment before which a set must have been loaded last for retention to remove it soon;
    `releases` are the ids of the releases to count apart.
    """

    expired_by: datetime
    releases: frozenset[str] = frozenset()
    states: Counter[str] = field(default_factory=Counter)
    unbound: int = 0
    expiring: int = 0
    failures: dict[str, Group] = field(default_factory=dict)
    by_release: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, row: WalkedSet) -> None:
        """Count one symbol set."""
        state = state_of(row)
        self.states[state] += 1
        release_id = row.release_id
        if release_id is None:
            self.unbound += 1
        elif release_id in self.releases:
            self.by_release.setdefault(release_id, Counter())[state] += 1
        seen = last_seen(row)
        if seen is not None and seen < self.expired_by:
            self.expiring += 1
        if state == FAILED:
            failure = decode_failure(row.failure_reason or "")
            group = self.failures.setdefault(failure.reason, Group(failure, row.ref or ""))
            group.symbol_sets += 1

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.states.total()

    def worst_failures(self) -> list[Group]:
        """Return the groups of failures, the largest first."""
        return sorted(self.failures.values(), key=lambda group: -group.symbol_sets)
