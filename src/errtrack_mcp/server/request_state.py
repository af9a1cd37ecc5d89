"""Request states that work once: the answer to a question cannot be sent again to change a decision."""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

MAX_USED = 10_000  # states within their time; each has cost its caller a call that PostHog answered

# Notes that a state is used, by its digest, and returns whether this is the first time.
FirstUse = Callable[[str], Awaitable[bool]]


class UsedStates:
    """Remembers for `ttl` seconds what was used in this process.

    Where more was used than `MAX_USED`, nothing else is until the time of some is over.
    """

    def __init__(self, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl
        self._clock = clock
        self._used: dict[str, float] = {}  # in the order of use

    async def is_first_use(self, digest: str) -> bool:
        """Note a use, and return whether it is the first."""
        now = self._clock()
        while self._used and next(iter(self._used.values())) <= now - self._ttl:
            del self._used[next(iter(self._used))]
        if digest in self._used or len(self._used) >= MAX_USED:
            return False
        self._used[digest] = now
        return True


class SingleUse:
    """Refuses, as a middleware of the SDK's server, a state that was used before; the SDK's own checks follow."""

    def __init__(self, security: RequestStateSecurity, is_first_use: FirstUse) -> None:
        self._codec = security.codec
        self._is_first_use = is_first_use

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on, unless its state was used. One that was not sealed here uses nothing up."""
        sealed = (ctx.params or {}).get("requestState")
        if isinstance(sealed, str):
            try:
                state = self._codec.unseal(sealed)
            except InvalidRequestState:
                return await call_next(ctx)
            if not await self._is_first_use(sha256(state).hexdigest()):
                reason = {"reason": "invalid_request_state"}  # as the SDK refuses any other state
                raise MCPError(INVALID_PARAMS, "Invalid or expired requestState", reason)
        return await call_next(ctx)
