"""A request that was begun is not begun again, by whichever header its key comes."""

from typing import TYPE_CHECKING, cast

import pytest

from errtrack_mcp.remote.idempotency import KEPT_SECONDS, IdempotencyStore, idempotency_key
from tests.support.redis_dict import RedisDict

if TYPE_CHECKING:
    from errtrack_mcp.remote.redis import RedisStore

pytestmark = pytest.mark.anyio


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
    redis = RedisDict()
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
