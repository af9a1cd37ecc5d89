"""The plan of a pruning: the same for the same filters and symbol sets, on every replica. Pure."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from errtrack_mcp.tools.symbol_set_counts import NO_FILE, State, SymbolSetRow, failure_of, last_seen, moment, state_of

MAX_COUNTS_SHOWN = 10


class Filters(NamedTuple):
    """The filters of a plan: a symbol set must fit all of them, and at least one must be given.

    A set that was never used counts from its creation; 0 days and an empty id mean any.
    """

    no_file: bool = False
    unbound: bool = False
    release_id: str = ""
    unused_for_days: int = 0
    older_than_days: int = 0

    def fit(self, row: SymbolSetRow, now: datetime) -> bool:
        """Return whether a symbol set is to be deleted; one whose times cannot be read never is, by its times."""
        if self.no_file and state_of(row) != NO_FILE:
            return False
        if self.unbound and row.get("release_id") is not None:
            return False
        if self.release_id and row.get("release_id") != self.release_id:
            return False
        created = moment(row.get("created_at"))
        return _before(last_seen(row), now, self.unused_for_days) and _before(created, now, self.older_than_days)


def _before(time: datetime | None, now: datetime, days: int) -> bool:
    return not days or (time is not None and time < now - timedelta(days=days))


@dataclass
class Plan:
    """The oldest symbol sets that fit at the moment `now`, at most `most` of them, and how many fit in all.

    Oldest first, so that symbol sets which come to fit later stand behind those of an earlier plan. `read` is how many
    symbol sets were read for it, in `seconds`; `not_seen` says why the rest was not.
    """

    filters: Filters
    most: int
    now: datetime
    matching: int = 0
    read: int = 0
    seconds: float = 0
    not_seen: str = ""
    rows: list[SymbolSetRow] = field(default_factory=list)

    @property
    def team_id(self) -> int:
        """The number of the PostHog project, as its symbol sets have it; 0 where nothing fits."""
        return next((row.get("team_id") or 0 for row in self.rows), 0)

    def visit(self, row: SymbolSetRow) -> None:
        """Take a symbol set into the plan if it fits; from time to time the youngest beyond `most` are let go."""
        if not self.filters.fit(row, self.now):
            return
        self.matching += 1
        self.rows.append(row)
        if len(self.rows) >= 4 * self.most:
            self.settle()

    def settle(self) -> None:
        """Keep of `rows` only those to delete, the oldest first."""
        self.rows = heapq.nsmallest(self.most, self.rows, key=lambda row: (row.get("created_at") or "", row["id"]))

    @property
    def states(self) -> Counter[State]:
        """How many of those that would be deleted are in which state."""
        return Counter(state_of(row) for row in self.rows)

    @property
    def failures(self) -> Counter[str]:
        """How many of those that would be deleted have no file, by kind of failure."""
        return Counter(failure_of(row).kind for row in self.rows if state_of(row) == NO_FILE)

    @property
    def releases(self) -> Counter[str]:
        """How many of those that would be deleted belong to which release; "none": to no release."""
        return Counter(row.get("release_id") or "none" for row in self.rows)


def most_frequent(counts: Counter[str]) -> dict[str, int]:
    """Return the most frequent ones, and the rest in one number."""
    shown = dict(counts.most_common(MAX_COUNTS_SHOWN))
    rest = counts.total() - sum(shown.values())
    return {**shown, "others": rest} if rest else shown
