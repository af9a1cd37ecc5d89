"""What the model may not supply: the API client of whoever is calling."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from mcp.server.mcpserver import AcceptedElicitation, Context, Resolve
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import Pool
from errtrack_mcp.tools.kept import Kept

# Set for the length of one call by Server.call_tool, since the argument is not part of any tool's signature.
requested_project: ContextVar[str | None] = ContextVar("requested_project", default=None)


# The SDK wraps every resolved value in this model, and pydantic builds a generic model anew where nobody holds it.
_HELD = AcceptedElicitation[Any]


class ClientProvider(Protocol):
    """Whatever knows who is calling: it lends a client for the length of one call, and keeps what calls leave."""

    @property
    def kept(self) -> Kept:
        """What earlier calls have left, each for its own caller."""

    def client_for(self, context: Context[Any, Any] | None) -> Client:
        """Return the client for the call that `context` is about."""


@dataclass(frozen=True, slots=True)
class StaticKey:
    """Lends this process's one key to its one caller, as over stdio; builds below `build_root` may be read for it."""

    pool: Pool
    key: SecretStr
    prefix: tuple[str, str]
    timeout: float
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    build_root: Path | None = None
    kept: Kept = field(default_factory=Kept)

    def client_for(self, context: Context[Any, Any] | None) -> Client:  # noqa: ARG002 - there is only one caller
        """Return the client for the call that is being answered."""
        project = requested_project.get()
        prefix = ("projects", project) if project else self.prefix
        return Client(self.pool, self.key, prefix, self.timeout, self.retry)


async def caller_client(context: Context[ClientProvider, Any]) -> Client:
    """Resolve the `api` parameter of a tool."""
    return context.request_context.lifespan_context.client_for(context)


Api = Annotated[Client, Resolve(caller_client)]
