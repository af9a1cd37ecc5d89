"""The body of a response, read as it streams and never beyond its limits."""

import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from typing import NamedTuple

from errtrack_mcp.api.errors import TooLarge
from errtrack_mcp.api.large_answers import LARGE_BYTES

BYTES_A_VALUE = 20  # of JSON; a body with more values than that is made to be slow, as `[[],[],[],...`
GZIP = 16 + zlib.MAX_WBITS
UNPACKED_AT_ONCE = 65_536


class Limits(NamedTuple):
    """The largest body that is read, in bytes and, for JSON, in values."""

    size: int
    values: int | None = None

    def allow(self, size: int, values: int) -> bool:
        """Return whether so much may be read."""
        return size <= self.size and (self.values is None or values <= self.values)


async def read_body(
    chunks: AsyncIterable[bytes],
    encoding: str,
    limits: Limits,
    status: int,
    before_large: Callable[[], Awaitable[None]],
) -> bytes:
    """Return the body that arrives in chunks, unpacked from gzip. Raises TooLarge, with the response's status.

    An `encoding` that was not asked for, or more than one, counts as no body: the status says what it was worth, and
    where JSON is needed, this is none. `before_large` is awaited before more than `LARGE_BYTES` are read.
    """
    encoding = encoding.strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        return b""
    unpack = zlib.decompressobj(GZIP) if encoding == "gzip" else None
    parts: list[bytes] = []
    size = values = 0
    try:
        async for chunk in chunks:
            for part in _unpacked(chunk, unpack):
                size += len(part)
                values += part.count(b",") + part.count(b"[") + part.count(b"{")
                if not limits.allow(size, values):
                    parts.clear()  # the traceback would keep them
                    raise TooLarge(status, limits.size)
                if size > LARGE_BYTES:
                    await before_large()
                parts.append(part)
    except zlib.error:
        return b""
    return b"".join(parts) if unpack is None or unpack.eof or not parts else b""


def _unpacked(chunk: bytes, unpack: "zlib._Decompress | None") -> Iterator[bytes]:
    """Unpack a chunk bit by bit: a small one can hold a thousand times as much."""
    if unpack is None:
        yield chunk
        return
    full = True
    while chunk or full:
        part = unpack.decompress(chunk, UNPACKED_AT_ONCE)
        yield part
        chunk, full = unpack.unconsumed_tail, len(part) == UNPACKED_AT_ONCE
