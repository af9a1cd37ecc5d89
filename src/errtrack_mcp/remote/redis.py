"""Redis (or Valkey): what replicas share. When it is away, callers of this module are told so at once and go on."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.settings import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

Given = TypeVar("Given")

PATIENCE = 0.25
ASK_AGAIN_AFTER = 1.0
log = logging.getLogger("errtrack_mcp.remote")


class RedisStore:
    """A connection to Redis that never holds a call up: at most a quarter of a second, and then a second of peace."""

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
        self._failures = (RedisError, OSError, TimeoutError)
        self._metrics = metrics
        self._clock = clock
        self._rest_until = 0.0
        self.up = True
        metrics.redis(up=True)

    async def run(self, command: Callable[["Redis"], Awaitable[Any]], default: Given) -> Any | Given:
        """Run a Redis command and return its result, or `default` where there is none."""
        if self._clock() < self._rest_until:
            return default
        try:
            answer = await command(self._redis)
        except self._failures as error:
            self._rest_until = self._clock() + ASK_AGAIN_AFTER
            self._tell(up=False, why=type(error).__name__)
            return default
        self._tell(up=True)
        return answer

    async def look(self) -> bool:
        """Ask whether Redis is there."""
        await self.run(lambda redis: redis.ping(), default=None)
        return self.up

    def _tell(self, *, up: bool, why: str = "") -> None:
        if up != self.up:
            self.up = up
            self._metrics.redis(up=up)
            log.warning("redis is back" if up else f"redis is away ({why}): each replica keeps its own budget")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._redis.aclose()
