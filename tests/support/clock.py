"""Time that a test moves."""

from datetime import datetime

from tests.support.project import NOW


class Clock:
    """A clock that stands until it is moved."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Calendar:
    """The same as a moment, for the sandbox."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now
