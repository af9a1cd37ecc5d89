"""Files sent to the object storage: without a key, by links that are checked, again where that helps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errtrack_mcp.api import file_sender as module
from errtrack_mcp.api.client import Client
from errtrack_mcp.api.file_sender import FileNotSent, Link, LinkExpired, file_sender
from errtrack_mcp.api.files import LinkRefused
from errtrack_mcp.api.transport import HttpTransport
from tests.support.upstream import Upstream, serve

pytestmark = pytest.mark.anyio
FILE = b"\x00content" * 10_000


class Storage:
    """A storage that answers each request with the next status, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.connections: set[object] = set()

    async def take(self, request: Request) -> Response:
        """Keep a file."""
        self.connections.add(request.client)
        content: Any = await request.body()
        if request.method == "POST":
            async with request.form() as form:
                content = [
                    (name, value if isinstance(value, str) else (value.filename, await value.read()))
                    for name, value in form.multi_items()
                ]
        self.seen.append((request.method, dict(request.headers), content))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Response(status_code=status)


@contextmanager
def storing(*statuses: int) -> Iterator[tuple[Storage, Upstream]]:
    """Serve a storage on this machine."""
    storage = Storage(*statuses)
    with serve(Starlette(routes=[Route("/file", storage.take, methods=["PUT", "POST"])])) as upstream:
        yield storage, upstream


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a little between two tries."""
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)


async def send(*links: Link, origin: str = "http://127.0.0.1:9") -> None:
    """Send the file, for a PostHog on this machine."""
    api = Client(HttpTransport(origin), SecretStr("phx_secret"), ("projects", "1"))
    async with file_sender(api, 10) as sender:
        await sender.send(list(links), FILE)


async def test_a_put_carries_the_file_and_no_key() -> None:
    """The link itself is the permission."""
    with storing(200) as (storage, upstream):
        await send(Link(f"{upstream.url}/file"))
    ((method, headers, content),) = storage.seen
    assert (method, content) == ("PUT", FILE)
    assert headers["content-length"] == str(len(FILE))
    assert "authorization" not in headers
    assert "phx_secret" not in str(headers)


async def test_a_form_has_its_fields_first_and_the_file_last() -> None:
    """Storages stop reading at the file, and keep one without a name in memory."""
    with storing(204) as (storage, upstream):
        await send(Link(f"{upstream.url}/file", {"key": "symbolsets/a", "policy": "p"}))
    ((method, headers, content),) = storage.seen
    assert (method, content) == ("POST", [("key", "symbolsets/a"), ("policy", "p"), ("file", ("file", FILE))])
    assert headers["content-type"].startswith("multipart/form-data")


async def test_files_take_over_each_other_s_connections() -> None:
    """There are as many as files were under way at once."""
    with storing(200) as (storage, upstream):
        api = Client(HttpTransport("http://127.0.0.1:9"), SecretStr("phx_secret"), ("projects", "1"))
        async with file_sender(api, 10) as sender, anyio.create_task_group() as group:

            async def send_four() -> None:
                for _ in range(4):
                    await sender.send([Link(f"{upstream.url}/file")], FILE)

            for _ in range(3):
                group.start_soon(send_four)
    assert len(storage.seen) == 12
    assert len(storage.connections) == 3


@pytest.mark.parametrize("passing", [500, 503, 429])
async def test_what_fails_in_passing_is_tried_again(passing: int) -> None:
    """Three times in all."""
    with storing(passing, passing, 200) as (storage, upstream):
        await send(Link(f"{upstream.url}/file"))
    assert len(storage.seen) == 3
    with storing(passing) as (storage, upstream), pytest.raises(FileNotSent, match=f"answered {passing}"):
        await send(Link(f"{upstream.url}/file"))
    assert len(storage.seen) == 3


async def test_a_refusal_is_not_tried_again() -> None:
    """And a link that has expired is told apart."""
    with storing(400) as (storage, upstream), pytest.raises(FileNotSent, match="answered 400"):
        await send(Link(f"{upstream.url}/file"))
    assert len(storage.seen) == 1
    with storing(403) as (storage, upstream), pytest.raises(LinkExpired):
        await send(Link(f"{upstream.url}/file"))
    assert len(storage.seen) == 1


async def test_a_storage_that_cannot_be_reached_leads_to_the_next_link() -> None:
    """Nobody listens at the first one."""
    with storing(200) as (storage, upstream):
        await send(Link("http://127.0.0.1:1/file"), Link(f"{upstream.url}/file"))
    assert len(storage.seen) == 1
    with pytest.raises(FileNotSent, match="cannot be reached"):
        await send(Link("http://127.0.0.1:1/file"))
    with pytest.raises(FileNotSent, match="no link"):
        await send()


async def test_a_storage_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try has a limit."""
    monkeypatch.setattr(module, "SECONDS", 0.1)

    async def hang(_request: Request) -> Response:
        await anyio.sleep(5)
        return Response()

    app = Starlette(routes=[Route("/file", hang, methods=["PUT"])])
    with serve(app) as upstream, pytest.raises(FileNotSent, match="took longer"):
        await send(Link(f"{upstream.url}/file"))


@pytest.mark.attack("links that lead elsewhere")
@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example/file",
        "https://169.254.169.254/latest",
        "https://127.0.0.1/file",
        "file:///etc/passwd",
        "https://user:word@storage.example/file",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_opened(url: str) -> None:
    """A source map is source code: it goes to the storage alone."""
    with pytest.raises(LinkRefused):
        await send(Link(url), origin="https://eu.posthog.com")
