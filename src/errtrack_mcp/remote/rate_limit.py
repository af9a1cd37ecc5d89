"""How many requests a key may still send to PostHog: PostHog's limits, respected before PostHog has to refuse.

Both forms keep an exact sliding window: a request may leave when the one that came as many before it as the limit
allows is older than the window.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from errtrack_mcp.api.posthog import DEFAULT_LIMITS, SYMBOL_SET_LIMITS, RateLimit
from errtrack_mcp.remote.redis import RedisStore

KEYS_REMEMBERED = 10_000

# Takes the list of one key's latest requests (newest first, in milliseconds) and pairs of limit and window; returns 0
# and notes the request, or returns the milliseconds to wait and notes nothing. Redis's own clock is everybody's clock.
ACQUIRE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait, longest, most = 0, 0, 0
for i = 1, #ARGV, 2 do
  local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local before = redis.call('LINDEX', KEYS[1], limit - 1)
  if before then wait = math.max(wait, before + window - now) end
  longest, most = math.max(longest, window), math.max(most, limit)
end
if wait > 0 then return wait end
redis.call('LPUSH', KEYS[1], now)
redis.call('LTRIM', KEYS[1], 0, most - 1)
redis.call('PEXPIRE', KEYS[1], longest)
return 0
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The limits that a group of calls shares."""

    name: str
    limits: tuple[RateLimit, ...]


DEFAULT = Bucket("default", DEFAULT_LIMITS)
SYMBOL_SETS = Bucket("symbol_sets", SYMBOL_SET_LIMITS)


def bucket_of(resource: str) -> Bucket:
    """Return the bucket that calls on a resource are counted in."""
    return SYMBOL_SETS if resource == "symbol_sets" else DEFAULT


class KeyRateLimiter:
    """Counts the requests of each key: in this process, and in Redis if replicas share one."""

    def __init__(self, shared: RedisStore | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._sent: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    async def acquire(self, key_hash: str, resource: str) -> float | None:
        """Count one request and return None, or return the seconds until one may leave.

        While Redis is away, the requests of this process decide.
        """
        bucket = bucket_of(resource)
        if self._shared is None:
            return self._acquire_here(key_hash, bucket)
        name = f"errtrack:budget:{bucket.name}:{key_hash}"
        arguments = [str(number) for limit in bucket.limits for number in (limit.requests, limit.seconds * 1000)]
        longest = max(limit.seconds for limit in bucket.limits)
        wait = await self._shared.run(
            lambda redis: redis.eval(ACQUIRE, 1, name, *arguments),
            default=None,
            read=lambda answer: _seconds(answer, longest),
        )
        if wait is None:
            return self._acquire_here(key_hash, bucket)
        if wait > 0:
            return wait
        self._history(key_hash, bucket).append(self._clock())
        return None

    def _acquire_here(self, key_hash: str, bucket: Bucket) -> float | None:
        sent = self._history(key_hash, bucket)
        now = self._clock()
        waits = [sent[-limit.requests] + limit.seconds - now for limit in bucket.limits if len(sent) >= limit.requests]
        wait = max(waits, default=0.0)
        if wait > 0:
            return wait
        sent.append(now)
        return None

    def _history(self, key_hash: str, bucket: Bucket) -> deque[float]:
        """Return when a key's latest requests left; the key used longest ago makes room for a new one."""
        place = (key_hash, bucket.name)
        if place not in self._sent:
            self._sent[place] = deque(maxlen=max(limit.requests for limit in bucket.limits))
            if len(self._sent) > KEYS_REMEMBERED:
                self._sent.popitem(last=False)
        self._sent.move_to_end(place)
        return self._sent[place]


def _seconds(answer: object, longest: int) -> float:
    """Read the script's answer in milliseconds. Raises ValueError for one that it cannot give."""
    if not isinstance(answer, int) or not 0 <= answer <= longest * 1000:
        raise ValueError("not a wait")
    return answer / 1000
