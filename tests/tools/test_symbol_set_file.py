"""The file of a symbol set: fetched by its link, and every reason why nothing was looked up in it."""

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.symbolication.places import Place
from errtrack_mcp.tools.symbol_set_file import NoLookUp, look_up_in
from errtrack_mcp.tools.symbol_sets import SymbolSet
from tests.support.containers import checkout
from tests.support.upstream import serve

pytestmark = pytest.mark.anyio


class Storage:
    """An API whose links lead to one file, or to a refusal."""

    def __init__(self, status: int, file: bytes = b"", *, linked: bool = True) -> None:
        self.status, self.file, self.linked = status, file, linked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the link, then with the file."""
        request = Request(scope)
        if not request.url.path.endswith("/download/"):
            answer = Response(self.file, self.status)
        elif self.linked:
            answer = JSONResponse({"url": f"{request.base_url}file"})
        else:
            answer = JSONResponse({"type": "invalid_request", "code": "not_found", "detail": "", "attr": None}, 404)
        await answer(scope, receive, send)


async def line_at(storage: Storage) -> int:
    """Look the throw site of the small build up."""
    with serve(storage) as upstream:
        transport = HttpTransport(upstream.url)
        try:
            api = Client(transport, SecretStr("phx_x"), ("projects", "1"))
            found = await look_up_in(api, SymbolSet(id="1"), [Place(1, 48)], lines_around=0)
        finally:
            await transport.aclose()
    return found.originals[0][0].line


async def test_a_file_is_fetched_and_looked_into() -> None:
    """In two requests."""
    assert await line_at(Storage(200, checkout())) == 8


@pytest.mark.parametrize(
    ("storage", "problem", "detail"),
    [
        (Storage(404), "upload_unfinished", "its storage answered 404"),
        (Storage(403), "not_fetched", "its storage answered 403"),
        (Storage(200, b"<html>"), "file_unusable", "it does not begin as a symbol set does"),
        (Storage(200, linked=False), "never_uploaded", ""),
    ],
)
async def test_what_cannot_be_looked_into_says_why(storage: Storage, problem: str, detail: str) -> None:
    """Only a file that is known to be missing counts as missing: one that was refused may be there."""
    with pytest.raises(NoLookUp) as failed:
        await line_at(storage)
    assert (failed.value.problem, str(failed.value)) == (problem, detail)
