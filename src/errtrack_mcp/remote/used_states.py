"""Request states that replicas share: an answer that one of them has taken is not taken by another."""

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from errtrack_mcp.remote.redis import RedisStore

AWAY = (
    "Nothing was done: the user's answer counts once, and Redis, which knows whether it was used before, is away. "
    "Send the same answer again in a few seconds."
)


class SharedUsedStates:
    """Remembers in Redis for `ttl` seconds what was used at any replica."""

    def __init__(self, shared: RedisStore, ttl: float) -> None:
        self._shared = shared
        self._ttl = round(ttl)

    async def is_first_use(self, digest: str) -> bool:
        """Note a use, and return whether it is the first. Raises MCPError while that cannot be known."""
        first: bool | None = await self._shared.run(
            lambda redis: redis.set(f"errtrack:state:{digest}", "1", nx=True, ex=self._ttl),
            default=None,
            read=lambda answer: {True: True, None: False}[answer],
        )
        if first is None:
            raise MCPError(INTERNAL_ERROR, AWAY)
        return first
