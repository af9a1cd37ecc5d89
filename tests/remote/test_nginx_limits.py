"""nginx as `deploy/` configures it: how many connections one key and one address may use at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import nginx
from tests.support.serving import Serving, get, posting
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.attack("connections held open")]


@pytest.fixture
def origin(tmp_path: Path, replica: Serving) -> Iterator[str]:
    """Serve one replica behind nginx."""
    port = httpx.URL(replica.url).port or 0
    with nginx(tmp_path, [port] * 3) as url:
        yield url


def begin(origin: str, key: str) -> socket.socket:
    """Send the head of a request whose body never comes."""
    connection = socket.create_connection(("127.0.0.1", httpx.URL(origin).port or 0), timeout=10)
    lines = [f"{name}: {value}" for name, value in posting(key, Host="localhost", Content_Length="10").items()]
    connection.sendall("\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""]).replace("_L", "-L").encode())
    return connection


def is_refused(origin: str, key: str) -> bool:
    """Return whether a request of this key is answered at once with 429, before its body has come."""
    with begin(origin, key) as connection:
        connection.settimeout(0.3)
        try:
            return connection.recv(100).startswith(b"HTTP/1.1 429 ")
        except TimeoutError:
            return False


@pytest.mark.parametrize(("most", "of_one_key"), [(100, True), (200, False)], ids=["of a key", "of an address"])
def test_connections_are_limited(origin: str, most: int, of_one_key: bool) -> None:  # noqa: FBT001
    """Exactly so many wait; one more is refused, and there is room again once they have left."""

    def key(number: int) -> str:
        return "phx_one" if of_one_key else f"phx_{number}"

    with ExitStack() as stack:
        for number in range(most - 1):
            stack.enter_context(begin(origin, key(number)))
        assert not is_refused(origin, key(most))
        stack.enter_context(begin(origin, key(most)))
        until(lambda: is_refused(origin, key(most + 1)))
        if of_one_key:
            assert not is_refused(origin, "phx_another")
    until(lambda: not is_refused(origin, key(most + 1)))
    assert get(f"{origin}/healthz", headers=posting(key(0))).status_code == 200
