"""What Redis does for idempotency keys, on a dict."""

from collections.abc import Awaitable, Callable
from typing import Any


class RedisDict:
    """The one command that is used; stands in for a RedisStore while its Redis is there."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}

    async def set(self, name: str, _value: str, *, nx: bool, ex: int) -> bool | None:
        """Set a name that is not there yet."""
        assert nx
        if name in self.held:
            return None
        self.held[name] = ex
        return True

    async def run(
        self, command: Callable[[Any], Awaitable[Any]], default: object, read: Callable[[Any], object]
    ) -> object:
        """Run a command, as RedisStore does while Redis is there."""
        assert default is True
        return read(await command(self))
