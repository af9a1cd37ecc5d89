"""OAuth tokens at the door: one that PostHog no longer takes is refused with 401, so that its client refreshes it.

docs/posthog-api.md, section 14. A personal API key is not asked about: it does not expire, and no client can renew it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, Forbidden, Unauthenticated
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.posthog import OAUTH_TOKEN
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.remote.auth import Caller, RequestRefused
from errtrack_mcp.remote.upstream import Upstream

REMEMBERED = 60.0  # seconds
ASK_AGAIN_AFTER = 5.0  # seconds, where PostHog gave no answer
MAX_TOKENS = 10_000
AT_ONCE = 20  # questions under way
PATIENCE = 5.0  # seconds
CURRENT = "@current"


class Introspection(ApiModel):
    """What a token is good for, as it is told to itself."""

    active: bool
    exp: float | None = None
    scoped_teams: tuple[int, ...] = ()


@dataclass(slots=True)
class Known:
    """What is known of one token until a moment; `active` is None where PostHog has not said."""

    active: bool | None = None
    project: str = ""
    until: float = 0.0
    asking: anyio.Lock = field(default_factory=anyio.Lock)


class TokenCheck:
    """Asks PostHog about each token once a minute at most, and remembers the answers by the tokens' hashes.

    Where PostHog does not answer, the latest answer holds, and a token of which nothing is known is let through:
    PostHog decides when the call comes to it.
    """

    def __init__(self, upstream: Upstream, clock: Callable[[], float] = time.time) -> None:
        self._upstream = upstream
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._places = anyio.CapacityLimiter(AT_ONCE)

    async def __call__(self, caller: Caller) -> Caller:
        """Return the caller, on the project of a token that is limited to one. Raises RequestRefused."""
        if not caller.key.get_secret_value().startswith(OAUTH_TOKEN.prefix):
            return caller
        known = self._remembered(caller.key_hash)
        async with known.asking:
            if known.until <= self._clock():
                await self._ask(caller, known)
        if known.active is False:
            raise RequestRefused(401, "PostHog does not take this token any more: log in again, or refresh it.")
        if known.project and not caller.project_fixed and caller.prefix == ("projects", CURRENT):
            return replace(caller, prefix=("projects", known.project))
        return caller

    def _remembered(self, key_hash: str) -> Known:
        """Return what is known of a token; the one used longest ago makes room for a new one."""
        known = self._known.setdefault(key_hash, Known())
        self._known.move_to_end(key_hash)
        if len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)
        return known

    async def _ask(self, caller: Caller, known: Known) -> None:
        """Ask PostHog about a token, and note the answer, if one comes."""
        now = self._clock()
        known.until = now + ASK_AGAIN_AFTER
        with anyio.move_on_after(PATIENCE):
            async with self._places:
                try:
                    told = await self._introspected(caller)
                except ApiError:
                    return
                project = str(told.scoped_teams[0]) if len(told.scoped_teams) == 1 else ""
                known.active, known.project = told.active, project
                known.until = min(now + REMEMBERED, told.exp if told.active and told.exp else now + REMEMBERED)

    async def _introspected(self, caller: Caller) -> Introspection:
        """Return what PostHog says of a token; one that it does not know is not active. Raises ApiError."""
        oauth = replace(self._client(caller, ("oauth",)), base=(), root="")
        try:
            return await oauth.read("introspect", body={"token": oauth.secret()}, into=Introspection)
        except (Forbidden, Unauthenticated):  # unknown, or an installation whose tokens cannot ask about themselves
            try:
                await self._client(caller, ("projects", CURRENT)).get_page("releases", of=ApiModel, offset=0, limit=1)
            except Unauthenticated:
                return Introspection(active=False)
            except Forbidden:  # a token that lacks a scope is a token
                pass
            return Introspection(active=True)

    def _client(self, caller: Caller, prefix: tuple[str, ...]) -> Client:
        """Return a client that asks once and soon gives up."""
        retry = RetryPolicy(attempts=0, max_rate_limit_wait=0)
        return replace(self._upstream.client(caller, prefix), timeout=PATIENCE, retry=retry)
