"""What the model may not supply: the API client of whoever is calling."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve
from pydantic import SecretStr

from errtrack_mcp.api.client import Client, Pool
from errtrack_mcp.api.retry import RetryPolicy

# Set for the length of one call by Server.call_tool, since the argument is not part of any tool's signature.
requested_project: ContextVar[str | None] = ContextVar("requested_project", default=None)


@dataclass(frozen=True, slots=True)
class Lender:
    """Binds a caller's key and project to the lent pool, one call at a time."""

    pool: Pool
    key: SecretStr
    prefix: tuple[str, str]
    timeout: float
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def client(self) -> Client:
        """Return the client for the call that is being answered."""
        project = requested_project.get()
        prefix = ("projects", project) if project else self.prefix
        return Client(self.pool, self.key, prefix, self.timeout, self.retry)


async def caller_client(context: Context[Lender, Any]) -> Client:
    """Resolve the `api` parameter of a tool."""
    return context.request_context.lifespan_context.client()


Api = Annotated[Client, Resolve(caller_client)]
