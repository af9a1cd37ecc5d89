"""The types of the fixtures that many tests ask for."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from subprocess import CompletedProcess
from typing import Any, Protocol

import httpx
from mcp import Client
from starlette.applications import Starlette
from starlette.testclient import TestClient

from errtrack_mcp.settings import Settings
from tests.support.installed import Session
from tests.support.upstream import Upstream


class MakeSettings(Protocol):
    """`settings`: make settings that lead to the sandbox."""

    def __call__(self, **variables: str) -> Settings:
        """Return settings with these environment variables."""


class Connect(Protocol):
    """`connect`: connect an MCP client in memory to our server in front of the sandbox."""

    def __call__(self, mode: str = "auto", **variables: str) -> AbstractAsyncContextManager[Client]:
        """Enter the context for a client; the server has these environment variables."""


class ConnectTo(Protocol):
    """`connect_to`: the same in front of a sandbox of a given age."""

    def __call__(
        self, era: str, timezone: str = "UTC", **variables: str
    ) -> AbstractAsyncContextManager[tuple[Client, Upstream]]:
        """Enter the context for a client and the sandbox; `timezone` is the project's."""


class Answer(Protocol):
    """`answer`: call a tool that must succeed."""

    async def __call__(self, client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the structured answer, without the notice about data from outside."""


class Refusal(Protocol):
    """`refusal`: call a tool that must fail."""

    async def __call__(self, client: Client, tool: str, **arguments: Any) -> str:
        """Return the message, which begins with the error's code."""


class Spawn(Protocol):
    """`spawn`: start the installed command."""

    def __call__(self, *arguments: str, **variables: str) -> AbstractContextManager[Session]:
        """Enter the context for a session over stdio; the command has these environment variables."""


class Run(Protocol):
    """`run`: run the installed command to its end."""

    def __call__(self, *arguments: str, **variables: str) -> CompletedProcess[str]:
        """Return the exit code and the output; the command has these environment variables."""


class MakeClient(Protocol):
    """`make_client`: make HTTP clients of the sandbox."""

    def __call__(self, key: str) -> httpx.Client:
        """Return a client with that key."""


class MakeApp(Protocol):
    """`make_app`: build the server over HTTP in front of the sandbox, in memory."""

    def __call__(self, **variables: str) -> Starlette:
        """Return the app; it has these environment variables."""


class Serve(Protocol):
    """`in_memory`: serve that app to a client in memory, which calls from this machine."""

    def __call__(self, **variables: str) -> TestClient:
        """Return the client; enter its context to start the app."""
