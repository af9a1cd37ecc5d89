"""A body that arrives in chunks; tests/api/test_transport.py sends some over a socket."""

import gzip
from collections.abc import AsyncIterator

import pytest
from anyio.lowlevel import checkpoint

from errtrack_mcp.api.errors import TooLarge
from errtrack_mcp.api.large_answers import LARGE_BYTES
from errtrack_mcp.api.response_body import UNPACKED_AT_ONCE, Limits, read_body

pytestmark = pytest.mark.anyio
SMALL = Limits(1_000)
BODY = b'{"results": [1, 2, 3]}'


async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    """Let a body arrive bit by bit."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(body: bytes, encoding: str = "", limits: Limits = SMALL, size: int = 7) -> bytes:
    """Read a body that arrives bit by bit."""
    return await read_body(chunks(body, size), encoding, limits, 200, checkpoint)


async def test_a_body_is_whole_whatever_its_chunks() -> None:
    """Plain, or packed once by gzip."""
    for size in (1, 7, 1_000):
        assert await read(BODY, size=size) == BODY
        assert await read(gzip.compress(BODY), " GZIP ", size=size) == BODY
    assert await read(b"") == await read(b"", "gzip") == b""


async def test_half_of_a_packed_body_is_no_body() -> None:
    """Nor are bytes that gzip cannot read, or another encoding."""
    assert await read(gzip.compress(BODY)[:-9], "gzip") == b""
    assert await read(BODY, "gzip") == await read(BODY, "br") == await read(BODY, "gzip, gzip") == b""


async def test_the_limits_themselves_are_allowed() -> None:
    """One byte or one value more is not."""
    assert await read(BODY, limits=Limits(len(BODY), 4)) == BODY
    for limits in (Limits(len(BODY) - 1, 4), Limits(len(BODY), 3)):
        with pytest.raises(TooLarge):
            await read(BODY, limits=limits)


@pytest.mark.attack("hostile responses")
async def test_a_small_body_that_unpacks_to_a_large_one_stops_at_the_limit() -> None:
    """It is unpacked bit by bit, so that no more than one bit is beyond the limit."""
    packed = gzip.compress(b" " * 50_000_000)
    with pytest.raises(TooLarge):
        await read(packed, "gzip", Limits(UNPACKED_AT_ONCE), size=len(packed))


async def test_a_large_body_waits_for_its_turn_before_it_is_read_on() -> None:
    """Once for each part from then on."""
    asked = []

    async def take() -> None:
        asked.append(True)

    body = b" " * (LARGE_BYTES + 2)
    assert await read_body(chunks(body, LARGE_BYTES), "", Limits(len(body)), 200, take) == body
    assert asked == [True]
