"""A request that was begun is not begun again, by whichever header its key comes."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from errtrack_mcp.remote.idempotency import KEPT_SECONDS, IdempotencyStore, idempotency_key

if TYPE_CHECKING:
    from errtrack_mcp.remote.redis import RedisStore

pytestmark = pytest.mark.anyio


class Redis:
    """The one command that is used, on a dict."""

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


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"idempotency-key": "one"}, "one"),
        ({"x-errtrack-once": "two"}, "two"),
        ({"idempotency-key": "one", "x-errtrack-once": "two"}, "one"),
        ({"idempotency-key": ""}, None),
        ({}, None),
    ],
)
async def test_the_key_is_read_from_either_header(headers: dict[str, str], key: str | None) -> None:
    """The standard one first; the older one is what earlier configurations of nginx send."""
    assert idempotency_key(headers) == key


async def test_a_request_begins_once_for_each_caller() -> None:
    """Keys that are long and differ at their end are two keys; none of them is stored as it came."""
    redis = Redis()
    store = IdempotencyStore(cast("RedisStore", redis))
    assert await store.begin("caller", "x" * 500 + "1")
    assert await store.begin("caller", "x" * 500 + "2")
    assert not await store.begin("caller", "x" * 500 + "1")
    assert await store.begin("another", "x" * 500 + "1")
    assert set(redis.held.values()) == {KEPT_SECONDS}
    assert not [name for name in redis.held if "xx" in name]


async def test_without_redis_every_request_is_the_first() -> None:
    """There is nobody to ask."""
    store = IdempotencyStore(None)
    assert [await store.begin("caller", "1") for _ in range(2)] == [True, True]
