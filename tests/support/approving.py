"""The sandbox with a person at its page, who allows each code once a program asks for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from pydantic_core import from_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.upstream import Upstream, serve


class Approving:
    """Passes requests on; before the first poll for a code the person allows it, for `project` with `scopes`."""

    def __init__(self, app: ASGIApp, project: int = 4242, scopes: Sequence[str] = ("error_tracking:write",)) -> None:
        self.app = app
        self.project = project
        self.scopes = list(scopes)
        self._code = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._code and scope["path"] == "/api/cli-auth/poll/":
            await self._allow()
        asked = scope["path"] == "/api/cli-auth/device-code/"

        async def sending(message: Message) -> None:
            if asked and message.get("body"):
                self._code = from_json(message["body"]).get("user_code", "")
            await send(message)

        await self.app(scope, receive, sending)

    async def _allow(self) -> None:
        body = {"user_code": self._code, "project_id": self.project, "scopes": self.scopes}
        self._code = ""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://sandbox") as page:
            (await page.post("/api/cli-auth/authorize/", json=body)).raise_for_status()


@contextmanager
def approving_sandbox(database: Database) -> Iterator[tuple[Upstream, Approving]]:
    """Serve a sandbox with such a person, to programs that ask each second."""
    person = Approving(create_app(database, login_interval=1))
    with serve(person) as upstream:
        yield upstream, person
