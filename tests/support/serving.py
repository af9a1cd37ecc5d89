"""The installed command as a server over HTTP, and clients of it that bring a key of their own."""

import re
import signal
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from errtrack_mcp.remote import create_app
from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.installed import COMMAND, environment
from tests.support.invoked import variables_set
from tests.support.upstream import Upstream, serve

LIST = "error-tracking-releases-list"
MODERN = "2026-07-28"
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What a client over plain HTTP trusts. To read the authorities of the machine takes each client 28 ms."""
get, post = partial(httpx.get, verify=NO_AUTHORITIES), partial(httpx.post, verify=NO_AUTHORITIES)


@dataclass
class Serving:
    """A running replica: its origin, its process, and what it has written to standard error so far."""

    url: str
    process: "subprocess.Popen[str]"
    log: list[str] = field(default_factory=list)

    def stop(self) -> int:
        """Ask it to leave, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def serving(*arguments: str, port: int = 0, **variables: str) -> Iterator[Serving]:
    """Start a replica and wait until it serves; it is ended with the context."""
    command = [COMMAND, "serve", "--transport", "http", "--port", str(port), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(**variables)) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        match = re.search(r"serves (http://[^/\s]+)", first)
        assert match, first + process.stderr.read()
        replica = Serving(match[1], process)
        reader = threading.Thread(target=lambda: replica.log.extend(process.stderr or ()), daemon=True)
        reader.start()
        try:
            yield replica
        finally:
            process.kill()
            process.wait()
            reader.join()


@contextmanager
def serving_here(**variables: str) -> Iterator[Upstream]:
    """Serve from this process, as any ASGI server may; for what needs neither an option nor a process of its own."""
    with variables_set(**variables):
        app = create_app()
    with serve(app, lifespan="on") as served:
        yield served


@asynccontextmanager
async def caller(
    url: str, key: str = FULL_KEY, path: str = "/mcp", mode: str = "auto", headers: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """Connect over streamable HTTP with a key."""
    sent = {"Authorization": f"Bearer {key}", **(headers or {})}
    async with (
        httpx2.AsyncClient(headers=sent, timeout=30, verify=NO_AUTHORITIES) as http,
        Client(streamable_http_client(url + path, http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def sse_caller(url: str, key: str = FULL_KEY, **headers: str) -> AsyncIterator[Client]:
    """Connect over SSE with a key."""
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with Client(sse_client(url + "/sse", headers=sent), mode="legacy") as client:
        yield client


def call_body(tool: str = LIST, meta: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """Return a call as an older client posts it, without a handshake."""
    params = {"name": tool, "arguments": arguments} | ({"_meta": meta} if meta else {})
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def asked_call(tool: str, key: str = FULL_KEY, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return body and headers of a call by a client of the newer protocol that can ask its user."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
    }
    params = {"name": tool, "arguments": arguments or {}, "_meta": meta, **more}
    headers = posting(key) | {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return {"json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, "headers": headers}


def document_address(challenge: str) -> str:
    """Return the address of the document that a challenge names."""
    named = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert named
    return named[1]


def posting(key: str | None = FULL_KEY, **headers: str) -> dict[str, str]:
    """Return the headers that a client posts with."""
    sent = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return sent | ({"Authorization": f"Bearer {key}"} if key else {}) | headers
