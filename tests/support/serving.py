"""The installed command as a server over HTTP, and clients of it that bring a key of their own."""

import re
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.installed import COMMAND, environment

LIST = "error-tracking-releases-list"
MODERN = "2026-07-28"


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


@asynccontextmanager
async def caller(
    url: str, key: str = FULL_KEY, path: str = "/mcp", mode: str = "auto", headers: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """Connect over streamable HTTP with a key."""
    sent = {"Authorization": f"Bearer {key}", **(headers or {})}
    async with (
        httpx2.AsyncClient(headers=sent, timeout=30) as http,
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


def posting(key: str | None = FULL_KEY, **headers: str) -> dict[str, str]:
    """Return the headers that a client posts with."""
    sent = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return sent | ({"Authorization": f"Bearer {key}"} if key else {}) | headers
