"""What a pruning would delete: the same plan for the same filters and symbol sets, on every replica. Pure."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from errtrack_mcp.tools.tally import Sighting, has_file, last_seen, moment, state_of

DIGITS = 16


@dataclass(frozen=True, slots=True)
class Filters:
    """Which symbol sets to delete: those that fit all that is given, and something must be given.

    `unused_before` and `created_before` are moments; a set that was never used counts from its creation.
    """

    failed: bool = False
    unbound: bool = False
    release_id: str = ""
    unused_before: datetime | None = None
    created_before: datetime | None = None

    def fit(self, row: Sighting) -> bool:
        """Tell whether a symbol set is to be deleted; one whose times cannot be read never is, by its times."""
        if self.failed and (has_file(row) or not row.get("failure_reason")):
            return False
        if self.unbound and row.get("release_id") is not None:
            return False
        if self.release_id and row.get("release_id") != self.release_id:
            return False
        return _before(last_seen(row), self.unused_before) and _before(
            moment(row.get("created_at")), self.created_before
        )


def _before(time: datetime | None, limit: datetime | None) -> bool:
    return limit is None or (time is not None and time < limit)


def fingerprint(row: Sighting) -> str:
    """Return what changes when a symbol set is used, filled, bound or fails."""
    facts = (has_file(row), *map(row.get, ("id", "ref", "failure_reason", "last_used", "release_id")))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


@dataclass
class Plan:
    """The first symbol sets by ref that fit, at most `most` of them, and counts over all that do."""

    fits: Callable[[Sighting], bool]
    most: int
    matching: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    _kept: list[Sighting] = field(default_factory=list)

    def visit(self, row: Sighting) -> None:
        """Take a symbol set into the plan if it fits; what lies far behind the first ones is let go again."""
        if not self.fits(row):
            return
        self.matching += 1
        self.kinds[state_of(row)] += 1
        self._kept.append(row)
        if len(self._kept) >= 4 * self.most:
            self._kept = self._first()

    def _first(self) -> list[Sighting]:
        return heapq.nsmallest(self.most, self._kept, key=lambda row: (row.get("ref") or "", row["id"]))

    @property
    def rows(self) -> list[Sighting]:
        """The symbol sets that would be deleted, in the order of their refs."""
        return self._first()

    @property
    def confirm(self) -> str:
        """The value that stands for exactly this plan: nothing in it may have changed when it comes back."""
        whole = "".join(fingerprint(row) for row in self.rows)
        return hashlib.sha256(whole.encode()).hexdigest()[:DIGITS]
