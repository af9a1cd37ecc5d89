"""What a pruning would delete: the same plan for the same filters and symbol sets, on every replica. Pure."""

import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow, has_file, last_seen, moment, state_of

DIGITS_ASKED, DIGITS_FOUND = 4, 12


@dataclass(frozen=True, slots=True)
class Filters:
    """Which symbol sets to delete: those that fit all that is given, and something must be given.

    A set that was never used counts from its creation; 0 days and an empty id mean any.
    """

    failed: bool = False
    unbound: bool = False
    release_id: str = ""
    unused_for_days: int = 0
    older_than_days: int = 0

    def fit(self, row: SymbolSetRow, today: datetime) -> bool:
        """Tell whether a symbol set is to be deleted; one whose times cannot be read never is, by its times."""
        if self.failed and (has_file(row) or not row.get("failure_reason")):
            return False
        if self.unbound and row.get("release_id") is not None:
            return False
        if self.release_id and row.get("release_id") != self.release_id:
            return False
        created = moment(row.get("created_at"))
        return _before(last_seen(row), today, self.unused_for_days) and _before(created, today, self.older_than_days)


def _before(time: datetime | None, today: datetime, days: int) -> bool:
    return not days or (time is not None and time < today - timedelta(days=days))


def fingerprint(row: SymbolSetRow) -> str:
    """Return what changes when a symbol set is used, filled, bound or fails."""
    facts = (has_file(row), *map(row.get, ("id", "ref", "failure_reason", "last_used", "release_id")))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


@dataclass
class Plan:
    """The first symbol sets by ref that fit, at most `most` of them, and how many fit in all.

    `today` is the beginning of the day: a plan that is made again is the same for as long as that. `read` is how many
    symbol sets this call has read for it.
    """

    filters: Filters
    most: int
    today: datetime
    matching: int = 0
    read: int = 0
    rows: list[SymbolSetRow] = field(default_factory=list)

    def visit(self, row: SymbolSetRow) -> None:
        """Take a symbol set into the plan if it fits; what lies far behind the first ones is let go again."""
        if not self.filters.fit(row, self.today):
            return
        self.matching += 1
        self.rows.append(row)
        if len(self.rows) >= 4 * self.most:
            self.settle()

    def settle(self) -> None:
        """Keep of `rows` only those to delete, in the order of their refs."""
        self.rows = heapq.nsmallest(self.most, self.rows, key=lambda row: (row.get("ref") or "", row["id"]))

    @property
    def kinds(self) -> Counter[str]:
        """How many of those that would be deleted are in which state."""
        return Counter(state_of(row) for row in self.rows)

    @property
    def confirm(self) -> str:
        """The value that stands for exactly this plan: what was asked for, then what was found."""
        found = "".join(fingerprint(row) for row in self.rows)
        return _digest(repr((self.filters, self.most)), DIGITS_ASKED) + _digest(found, DIGITS_FOUND)

    def was_asked_for(self, confirm: str) -> bool:
        """Tell whether a confirm is of a plan for the same filters, whatever that found."""
        return confirm[:DIGITS_ASKED] == self.confirm[:DIGITS_ASKED]


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
