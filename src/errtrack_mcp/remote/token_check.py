"""OAuth tokens at the door: one that PostHog no longer takes is refused with 401, so that its client refreshes it.

docs/posthog-api.md, section 14. A personal API key is not asked about: it does not expire, and no client can renew it.
"""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, Forbidden, Unauthenticated
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.posthog import OAUTH_TOKEN
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.remote.auth import CALLER, Caller, RequestRefused, refusal
from errtrack_mcp.remote.body_limit import replay
from errtrack_mcp.remote.disconnect import cancelled_when_left
from errtrack_mcp.remote.oauth_metadata import challenge
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.settings import Settings

REMEMBERED = 60.0  # seconds
ASK_AGAIN_AFTER = 5.0  # seconds, where PostHog gave no answer
MAX_TOKENS = 10_000
AT_ONCE = 20  # questions under way, of tokens that PostHog has confirmed, and of others
MAX_WAITING = 80  # for a place; far fewer than requests may be in flight
PATIENCE = 5.0  # seconds, for a turn, a place and the answer together
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

    Where PostHog does not answer, or too many wait, the latest answer holds, and a token of which nothing is known is
    let through: PostHog decides when the call comes to it. Tokens that PostHog has confirmed have places and memory of
    their own, so that nobody takes these with tokens that they made up.
    """

    def __init__(self, upstream: Upstream, clock: Callable[[], float] = time.time) -> None:
        self._upstream = upstream
        self._clock = clock
        self._confirmed: OrderedDict[str, Known] = OrderedDict()
        self._others: OrderedDict[str, Known] = OrderedDict()
        self._places_of_confirmed = anyio.CapacityLimiter(AT_ONCE)
        self._places_of_others = anyio.CapacityLimiter(AT_ONCE)

    async def __call__(self, caller: Caller) -> Caller:
        """Return the caller, on the project of a token that is limited to one, after `PATIENCE` at the latest.

        Raises RequestRefused for a token that PostHog does not take.
        """
        known = self._remembered(caller.key_hash)
        if known.until <= self._clock():
            try:
                with anyio.fail_after(PATIENCE):
                    await self._ask(caller, known)
            except (ApiError, TimeoutError):
                known.until = self._clock() + ASK_AGAIN_AFTER
            except anyio.WouldBlock:  # others ask
                pass
        if known.active is False:
            raise RequestRefused(401, "PostHog does not take this token any more: log in again, or refresh it.")
        if known.project and not caller.project_fixed and caller.prefix == ("projects", CURRENT):
            return replace(caller, prefix=("projects", known.project))
        return caller

    def _remembered(self, key_hash: str) -> Known:
        """Return what is known of a token."""
        known = self._confirmed.get(key_hash) or self._others.get(key_hash) or Known()
        self._keep(key_hash, known)
        return known

    def _keep(self, key_hash: str, known: Known) -> None:
        """Remember a token among those of its kind, where the one used longest ago makes room for a new one."""
        kind, other = (self._confirmed, self._others) if known.active else (self._others, self._confirmed)
        other.pop(key_hash, None)
        kind[key_hash] = known
        kind.move_to_end(key_hash)
        if len(kind) > MAX_TOKENS:
            kind.popitem(last=False)

    async def _ask(self, caller: Caller, known: Known) -> None:
        """Ask PostHog about a token, unless another request has just asked, and note the answer.

        Raises ApiError where no answer comes, and WouldBlock where others are asking, and an older answer is known or
        too many wait already.
        """
        wait = known.active is None and self._places_of_others.statistics().tasks_waiting < MAX_WAITING
        async with _turn(known.asking, wait=wait):
            if known.until > self._clock():
                return
            async with _turn(self._places_of_confirmed if known.active else self._places_of_others, wait=wait):
                told = await self._introspected(caller)
            known.active = told.active
            known.project = str(told.scoped_teams[0]) if len(told.scoped_teams) == 1 else ""
            known.until = self._clock() + REMEMBERED
            if told.active and told.exp:
                known.until = min(known.until, told.exp)
            self._keep(caller.key_hash, known)

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


class TokenCheckMiddleware:
    """Lets a request through whose OAuth token PostHog takes, or answers 401.

    The limits stand before it: a request that waits here is in flight. One whose client leaves waits no longer.
    """

    def __init__(self, app: ASGIApp, check: TokenCheck, settings: Settings) -> None:
        self._app = app
        self._check = check
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the token of one request."""
        caller: Caller = scope[CALLER]
        if not caller.key.get_secret_value().startswith(OAUTH_TOKEN.prefix):
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        checked = refused = None
        async with cancelled_when_left(receive):
            try:
                checked = await self._check(caller)
            except RequestRefused as error:  # a task group would wrap it
                refused = error
        if refused:
            await refusal(refused, challenge(scope, self._settings))(scope, receive, send)
        elif checked:
            scope[CALLER] = checked
            await self._app(scope, replay(body, receive), send)


@asynccontextmanager
async def _turn(of: anyio.Lock | anyio.CapacityLimiter, *, wait: bool) -> AsyncIterator[None]:
    """Hold a lock or a place. Raises WouldBlock where it is taken and nobody is to wait."""
    if wait:
        await of.acquire()
    else:
        of.acquire_nowait()
    try:
        yield
    finally:
        of.release()
