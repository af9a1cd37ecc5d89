"""Redis (or Valkey): what replicas share. While it is away, or answers nonsense, callers get a default at once."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.settings import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

Result = TypeVar("Result")
Default = TypeVar("Default")

PATIENCE = 0.25
ASK_AGAIN_AFTER = 1.0
log = logging.getLogger("errtrack_mcp.remote")


class RedisStore:
    """A connection to Redis that delays a call by a quarter of a second at most, then rests for a second."""

    def __init__(self, url: SecretStr, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            from redis.asyncio import Redis  # noqa: PLC0415 - an extra
            from redis.exceptions import RedisError  # noqa: PLC0415
        except ModuleNotFoundError:
            raise ConfigurationError(
                ["ERRTRACK_REDIS_URL needs the extra: pip install 'errtrack-mcp[redis]'."]
            ) from None
        try:
            self._redis: Redis = Redis.from_url(
                url.get_secret_value(), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )
        except ValueError:
            raise ConfigurationError(["ERRTRACK_REDIS_URL must be like redis://host:6379/0."]) from None
        # The last four: what redis-py's parser, or `read`, raises for an answer that is no Redis protocol.
        self._failures = (RedisError, OSError, TimeoutError, ValueError, TypeError, LookupError, RecursionError)
        self._metrics = metrics
        self._clock = clock
        self._rest_until = 0.0
        self.up = True
        metrics.redis(up=True)

    async def run(
        self,
        command: Callable[["Redis"], Awaitable[object]],
        default: Default,
        read: Callable[[Any], Result],
    ) -> Result | Default:
        """Run a Redis command and return its answer as `read` understands it, or `default` if there is none.

        `read` raises ValueError or LookupError for an answer that the command cannot have; Redis then counts as away.
        """
        if self._clock() < self._rest_until:
            return default
        try:
            answer = read(await command(self._redis))
        except self._failures as error:
            self._rest_until = self._clock() + ASK_AGAIN_AFTER
            self._report(up=False, reason=type(error).__name__)
            with suppress(*self._failures):
                await self._redis.connection_pool.disconnect()  # unread bytes would answer the next command
            return default
        self._report(up=True)
        return answer

    async def look(self) -> bool:
        """Ask whether Redis is there."""
        await self.run(lambda redis: redis.ping(), default=None, read=bool)
        return self.up

    def _report(self, *, up: bool, reason: str = "") -> None:
        if up != self.up:
            self.up = up
            self._metrics.redis(up=up)
            log.warning("redis is back" if up else f"redis is away ({reason}): each replica keeps its own budget")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._redis.aclose()
