"""The API's two rate-limit buckets, each a burst and a sustained sliding window per key."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Bucket:
    """The limits that a group of endpoints shares."""

    name: str
    limits: tuple[Limit, ...]


DEFAULT = Bucket("default", (Limit(480, MINUTE), Limit(4800, HOUR)))
SYMBOL_SETS = Bucket("symbol_sets", (Limit(1200, MINUTE), Limit(12000, HOUR)))


class Throttle:
    """Counts the requests of each key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._histories: dict[tuple[str, str, Limit], deque[float]] = {}

    def admit(self, key: str, bucket: Bucket) -> float | None:
        """Count one request: None lets it through, a number is how many seconds to wait.

        A refused request is not counted by the limit that refused it, and is by the others.
        """
        now = self._clock()
        waits = [self._admit(now, key, bucket, limit) for limit in bucket.limits]
        return max((wait for wait in waits if wait is not None), default=None)

    def _admit(self, now: float, key: str, bucket: Bucket, limit: Limit) -> float | None:
        history = self._histories.setdefault((key, bucket.name, limit), deque())
        while history and history[0] <= now - limit.seconds:
            history.popleft()
        if len(history) >= limit.requests:
            return history[0] + limit.seconds - now
        history.append(now)
        return None
