"""The same server as over stdio and a client of it, both in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp import Client
from mcp.client.session import ElicitationFnT
from starlette.types import ASGIApp

from errtrack_mcp.login.stored_logins import StoredLogins
from errtrack_mcp.server.app import local_server
from errtrack_mcp.settings import Settings


@asynccontextmanager
async def connected(
    settings: Settings, sandbox: ASGIApp | None = None, ask: ElicitationFnT | None = None
) -> AsyncIterator[Client]:
    """Connect a client to the server that these settings make; `ask` puts a question to the user, where one is there.

    Without a key everything works that asks PostHog nothing.
    """
    structured = settings.model_copy(update={"text_only": False})  # commands print from it
    async with (
        local_server(structured, sandbox, StoredLogins(structured)) as server,
        Client(server, elicitation_callback=ask) as client,
    ):
        yield client
