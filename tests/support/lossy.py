"""The sandbox behind a connection that breaks under a change: made or not, its answer is lost."""

from dataclasses import dataclass
from typing import Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.upstream import Upstream


@dataclass
class LossySandbox:
    """Loses the answer to requests whose path ends in `ending`, by `how`, after or in place of carrying them out.

    `then_breaks`: everything that is asked afterwards fails.
    """

    app: ASGIApp
    upstream: Upstream | None = None
    ending: str = ""
    method: str = "POST"
    how: Literal["cut", "500"] = "cut"
    carried_out: bool = True
    then_breaks: bool = False
    _lost: bool = False

    @property
    def url(self) -> str:
        """Where it is served."""
        assert self.upstream is not None
        return self.upstream.url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or lose the answer."""
        if self._lost and self.then_breaks:
            await JSONResponse({"detail": "broken"}, 500)(scope, receive, send)
        elif not self.ending or scope["method"] != self.method or not scope["path"].endswith(self.ending):
            await self.app(scope, receive, send)
        else:
            await self._lose(scope, receive, send)

    async def _lose(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._lost = True

        async def nowhere(message: Message) -> None:
            """Drop a part of the answer."""

        if self.carried_out:
            await self.app(scope, receive, nowhere)
        if self.how == "500":
            await JSONResponse({"type": "server_error", "code": "error", "detail": "x"}, 500)(scope, receive, send)
            return
        # Less than was announced: the server closes the connection.
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionError
