"""Redis that is away or answers nonsense: a call never waits for it, and is neither broken nor refused."""

import socket

import pytest
from pydantic import SecretStr

from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.remote.redis import RedisStore
from tests.support.strange_redis import answering

pytestmark = [pytest.mark.anyio, pytest.mark.attack("a Redis that answers nonsense")]
NONSENSE = [
    b"+text\r\n",
    b":99999999999999999999\r\n",
    b":-1\r\n",
    b"$4\r\ntext\r\n",
    b"*1\r\n:1\r\n",
    b"*100000000\r\n",
    b":ten\r\n",
    b"$-7\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"-ERR no\r\n",
    b"*1\r\n" * 2000,
    b"%1\r\n+a\r\n+b\r\n",
    b"",
]


@pytest.mark.parametrize("answer", NONSENSE)
async def test_nonsense_from_redis_neither_breaks_nor_refuses_a_call(answer: bytes) -> None:
    """The process decides by itself, and says that Redis is away."""
    with answering(answer) as url:
        store = RedisStore(url, Metrics())
        assert await KeyRateLimiter(store).acquire("key", "releases") is None
        assert not store.up
        await store.aclose()


@pytest.mark.parametrize("answer", NONSENSE)
async def test_nonsense_from_redis_is_not_taken_for_a_repeated_request(answer: bytes) -> None:
    """Such a call is made, as while Redis is away."""
    with answering(answer) as url:
        store = RedisStore(url, Metrics())
        assert await IdempotencyStore(store).begin("key", "request") is True
        await store.aclose()


async def test_redis_that_is_away_is_left_alone_for_a_second() -> None:
    """Then it is asked again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = SecretStr(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
    now, asked = 0.0, 0
    store = RedisStore(url, Metrics(), clock=lambda: now)

    async def ask() -> str:
        async def command(redis: object) -> None:
            nonlocal asked
            asked += 1
            raise ConnectionRefusedError(redis)

        return await store.run(command, default="default", read=str)

    assert [await ask(), await ask()] == ["default", "default"]
    assert asked == 1
    now = 1.5
    assert await ask() == "default"
    assert asked == 2
    await store.aclose()
