"""Which requests have been begun, by any replica: what must not be done twice is looked up here first."""

from errtrack_mcp.remote.redis import RedisStore

KEPT_SECONDS = 900


class IdempotencyStore:
    """Remembers in Redis the requests that change something; without Redis there is nobody to ask."""

    def __init__(self, shared: RedisStore | None) -> None:
        self._shared = shared

    async def first(self, key_hash: str, request: str) -> bool:
        """Note that a request begins, and tell whether no replica has noted it before."""
        if self._shared is None:
            return True
        name = f"errtrack:once:{key_hash}:{request}"
        noted = await self._shared.run(lambda redis: redis.set(name, "1", nx=True, ex=KEPT_SECONDS), default=True)
        return bool(noted)
