"""Request states that work once: the answer to a question cannot be sent again to change a decision."""

import time
from collections.abc import Callable
from hashlib import sha256

from mcp.server.request_state import InvalidRequestState, RequestStateCodec

MAX_USED = 10_000  # states within their time; each has cost its caller a call that PostHog answered


class SingleUseCodec:
    """Seals states as `codec` does, and reads each of them once in this process, within `ttl` seconds.

    Where more were read than `MAX_USED`, no other is read until the time of some is over.
    """

    def __init__(self, codec: RequestStateCodec, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._codec = codec
        self._ttl = ttl
        self._clock = clock
        self._used: dict[bytes, float] = {}  # in the order of use

    def seal(self, payload: bytes) -> str:
        """Return a state for the client."""
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """Read a state. Raises InvalidRequestState for one that was read before, and as `codec` does."""
        payload = self._codec.unseal(token)
        now, digest = self._clock(), sha256(payload).digest()
        while self._used and next(iter(self._used.values())) <= now - self._ttl:
            del self._used[next(iter(self._used))]
        if digest in self._used:
            raise InvalidRequestState("used before")
        if len(self._used) >= MAX_USED:
            raise InvalidRequestState("too many states in use")
        self._used[digest] = now
        return payload
