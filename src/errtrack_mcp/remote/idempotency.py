"""The idempotency store: a change that any replica has begun is not begun again."""

import hashlib
from collections.abc import Mapping

from errtrack_mcp.remote.redis import RedisStore

KEPT_SECONDS = 900
HEADERS = ("idempotency-key", "x-errtrack-once")  # the second is what earlier versions of nginx.conf send


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries, if it carries one."""
    return next((headers[name] for name in HEADERS if headers.get(name)), None)


class IdempotencyStore:
    """Remembers in Redis which requests were begun; without Redis, or while it is away, each counts as the first."""

    def __init__(self, shared: RedisStore | None) -> None:
        self._shared = shared

    async def begin(self, key_hash: str, request: str) -> bool:
        """Remember that a caller's request begins; return False if a replica has begun it before."""
        if self._shared is None:
            return True
        name = f"errtrack:once:{key_hash}:{hashlib.sha256(request.encode()).hexdigest()}"
        return await self._shared.run(
            lambda redis: redis.set(name, "1", nx=True, ex=KEPT_SECONDS),
            default=True,
            read=lambda answer: {True: True, None: False}[answer],
        )
