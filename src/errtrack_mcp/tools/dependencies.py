"""The caller's API client, which no argument can supply."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, Self

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import AcceptedElicitation, Context, Resolve
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.query_routes import QueryRoutes
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport

# The SDK wraps each resolved parameter in this model, and pydantic makes it anew where nobody holds it: 0.06 of a call.
_HELD = AcceptedElicitation[Any]


class ClientProvider(Protocol):
    """Makes the API client of a request's caller. It is what the SDK calls the lifespan context of every request."""

    @property
    def build_root(self) -> Path | None:
        """The operator's directory for builds on this machine, where there is one."""

    @property
    def local(self) -> bool:
        """Whether the caller runs this process, so that files of this machine are the caller's own."""

    def for_project(self, project: str) -> Self:
        """Return the same provider, for a call that names its project."""

    def client_for(self, request: ServerRequestContext[Any, Any]) -> Client:
        """Return the client for this request."""

    def has_said_that_it_cannot_ask(self, request: ServerRequestContext[Any, Any]) -> bool:
        """Return whether a client whose capabilities the SDK does not know has said that it cannot ask its user."""


@dataclass(frozen=True, slots=True)
class StaticKey:
    """One key for one caller, as over stdio; builds below `build_root` may be read."""

    transport: HttpTransport
    key: SecretStr | None
    prefix: tuple[str, str]
    timeout: float
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    build_root: Path | None = None
    local: bool = True
    query_routes: QueryRoutes = field(default_factory=QueryRoutes)

    def for_project(self, project: str) -> "StaticKey":
        """Return the same provider, for a call that names its project."""
        return replace(self, prefix=("projects", project))

    def client_for(self, request: ServerRequestContext[Any, Any]) -> Client:  # noqa: ARG002 - there is only one caller
        """Return the client for this request."""
        routes = self.query_routes
        return Client(self.transport, self.key, self.prefix, self.timeout, self.retry, query_routes=routes)

    def has_said_that_it_cannot_ask(self, request: ServerRequestContext[Any, Any]) -> bool:  # noqa: ARG002
        """Return False: on a connection of its own a client declares its capabilities."""
        return False


async def caller_client(context: Context[ClientProvider, Any]) -> Client:
    """Resolve the `api` parameter of a tool."""
    request = context.request_context
    return request.lifespan_context.client_for(request)


Api = Annotated[Client, Resolve(caller_client)]
