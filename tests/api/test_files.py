"""Files behind links: what is opened, what is not, and what goes along."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from errtrack_mcp.api import files
from errtrack_mcp.api.client import Client
from errtrack_mcp.api.files import FileNotFetched, LinkRefused, fetch_file
from errtrack_mcp.api.transport import HttpTransport
from tests.support.misbehaving import Misbehaving, http, misbehave

pytestmark = pytest.mark.anyio

KEY = "phx_made_up_for_this_test"
FILE = bytes(range(256)) * 5_000  # more commas and brackets than JSON of that size may have


@pytest.fixture
def storage() -> Iterator[Misbehaving]:
    """Serve one file to every request."""
    with misbehave(http(200, FILE, "application/octet-stream")) as storage:
        yield storage


def client(origin: str) -> Client:
    """Return a client of PostHog at this address."""
    return Client(HttpTransport(origin), SecretStr(KEY), ("projects", "1"))


async def test_a_file_on_posthogs_own_host_is_fetched_without_the_key(storage: Misbehaving) -> None:
    """On its port, and on another one of the same host."""
    assert await fetch_file(client(storage.url), f"{storage.url}/file?signature=a%2Fb") == FILE
    assert await fetch_file(client("http://127.0.0.1:1"), f"{storage.url}/file") == FILE
    assert [request.splitlines()[0] for request in storage.requests] == [
        "GET /file?signature=a%2Fb HTTP/1.1",
        "GET /file HTTP/1.1",
    ]
    assert not any("authorization" in request.lower() or KEY in request for request in storage.requests)


@pytest.mark.attack("links that lead elsewhere")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://storage.example/file", "neither https"),
        ("ftp://storage.example/file", "neither https"),
        ("file:///etc/passwd", "no address"),
        ("/file", "no address"),
        ("https://user:word@storage.example/file", "no address"),
        ("https://storage.example:port/file", "no address"),
        ("https://127.0.0.1/file", "does not open"),
        ("https://[::1]/file", "does not open"),
        ("https://[::ffff:127.0.0.1]/file", "does not open"),
        ("https://localhost/file", "does not open"),
        ("https://169.254.169.254/latest/meta-data", "does not open"),
        ("https://[fd00:ec2::254]/latest", "does not open"),
        ("https://100.100.100.200/latest", "does not open"),
        ("https://[fe80::1]/file", "does not open"),
        ("https://[64:ff9b::a9fe:a9fe]/latest", "does not open"),
        ("https://[2002:a9fe:a9fe::1]/latest", "does not open"),
        ("https://0.0.0.0/file", "does not open"),
        ("https://name.that.does.not.exist.invalid/file", "does not resolve"),
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_opened(url: str, why: str) -> None:
    """Nothing is sent; the message does not repeat the link."""
    with pytest.raises(LinkRefused, match=why) as refused:
        await fetch_file(client("https://posthog.example"), url)
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "why", "status"),
    [
        (http(302, Location="https://elsewhere.example/"), "answered 302", 302),
        (http(403, "<Error>expired</Error>", "application/xml"), "answered 403", 403),
        (http(404, "", "application/xml"), "answered 404", 404),
        (b"HTTP/1.1 200 X\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort", "cannot be reached", None),
    ],
)
async def test_what_is_no_file_says_why(reply: bytes, why: str, status: int | None) -> None:
    """A redirect is not followed; the status tells a file that was never uploaded from one that is refused."""
    with misbehave(reply) as storage, pytest.raises(FileNotFetched, match=why) as failed:
        await fetch_file(client(storage.url), f"{storage.url}/file")
    assert failed.value.status == status
    assert len(storage.requests) == 1


async def test_a_file_that_is_too_large_is_not_read_to_its_end(
    storage: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limit in the message."""
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(FileNotFetched, match="more than 1,000 bytes"):
        await fetch_file(client(storage.url), f"{storage.url}/file")
