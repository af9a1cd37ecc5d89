"""The key that `errtrack-mcp login` got, for a server over stdio that was given none: looked for at the first call."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.query_routes import QueryRoutes
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.settings import Settings

ASK_POSTHOG = frozenset({"tools/call", "resources/read", "completion/complete"})
CURRENT = "@current"


@dataclass(frozen=True, slots=True)
class Login:
    """A key with the host and the project that it was made for; None where it is stored and cannot be had."""

    host: str
    project: str
    key: SecretStr | None


class Logins(Protocol):
    """The logins of this machine."""

    @property
    def known(self) -> Sequence[Login]:
        """Those found by the latest look, the newest first."""

    @property
    def problem(self) -> str:
        """Why a login has no key, or none could be looked for, in sentences; nothing where there simply is none."""

    async def look(self) -> None:
        """Look for them: a login or logout since the latest look counts."""


class SeveralHosts(Exception):  # noqa: N818 - named after what there is
    """The number of a project means one on each of several hosts; the message names them, and says what to do."""


def chosen(logins: Sequence[Login], host: str | None, project: str) -> Login | None:
    """Return the login whose key is used: that of the project, else the newest one.

    `logins` begin with the newest. A key goes to the host that it was made by alone; `host` is the one that the
    settings name, or None for any. The newest one's key may be good for other projects too: PostHog decides. Raises
    SeveralHosts where `host` is None and the project's number is one of each of several hosts.
    """
    there = [login for login in logins if host in {None, login.host}]
    own = [login for login in there if login.project == project]
    if project != CURRENT and len(own) > 1:
        names = " and ".join(login.host for login in own)
        raise SeveralHosts(
            f"There is a login to a project {project} at each of {names}: set POSTHOG_HOST to one of them."
        )
    return next(iter(own or there), None)


@dataclass(slots=True)
class Connection:
    """The connections to one host, and what is known of its API."""

    transport: HttpTransport
    query_routes: QueryRoutes = field(default_factory=QueryRoutes)


@dataclass(frozen=True, slots=True)
class LoginKey:
    """Makes the client of the one caller of this process, with the key of the login that fits the call."""

    settings: Settings
    logins: Logins
    connections: dict[str, Connection] = field(default_factory=dict)
    project: str = ""
    local: bool = True

    @property
    def build_root(self) -> Path | None:
        """The operator's directory for builds on this machine."""
        return self.settings.build_root

    def for_project(self, project: str) -> "LoginKey":
        """Return the same provider, for a call that names its project."""
        return replace(self, project=project)

    def client_for(self, request: ServerRequestContext[Any, Any]) -> Client:  # noqa: ARG002 - there is only one caller
        """Return the client for this request; `@current` is the project of the login."""
        settings = self.settings
        fixed = settings.project_id or settings.environment_id or ""
        named = self.project or fixed
        host = settings.host if "host" in settings.model_fields_set else None
        problem = self.logins.problem
        try:
            login = chosen(self.logins.known, host, named)
        except SeveralHosts as error:
            login, problem = None, str(error)
        if named in {"", CURRENT}:
            named = login.project if login else CURRENT
        older = not self.project and not settings.project_id and settings.environment_id
        connection = self._connection(login.host if login else settings.host)
        return Client(
            connection.transport,
            login.key if login else None,
            ("environments" if older else "projects", named),
            settings.timeout,
            RetryPolicy(max_rate_limit_wait=settings.max_retry_wait),
            query_routes=connection.query_routes,
            why_no_key=problem,
        )

    def has_said_that_it_cannot_ask(self, request: ServerRequestContext[Any, Any]) -> bool:  # noqa: ARG002
        """Return False: on a connection of its own a client declares its capabilities."""
        return False

    async def look_first(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on, as a middleware of the SDK's server; before one that asks PostHog, look for logins."""
        if ctx.method in ASK_POSTHOG:
            await self.logins.look()
        return await call_next(ctx)

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self.connections.values():
            await connection.transport.aclose()

    def _connection(self, host: str) -> Connection:
        if host not in self.connections:
            self.connections[host] = Connection(HttpTransport(host))
        return self.connections[host]
