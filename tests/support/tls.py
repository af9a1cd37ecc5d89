"""An upstream over TLS, and a proxy in front of it that remembers what clients sent."""

import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import trustme

from tests.support.replies import ID

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""What leads a client to another authority or through a proxy."""

Value = TypeVar("Value")


@dataclass
class SecureUpstream:
    """An upstream over TLS: its `port`, and how many calls with the key reached it."""

    port: int
    keys_seen: list[str] = field(default_factory=list)


@contextmanager
def serve_tls(certificate: trustme.LeafCert) -> Iterator[SecureUpstream]:
    """Answer every GET over TLS with a release, for as long as the context lasts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def do_GET(self) -> None:
            upstream.keys_seen.append(self.headers["Authorization"])
            body = json.dumps({"id": ID, "version": "1", "project": "app"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing on standard error."""

    class Server(ThreadingHTTPServer):
        block_on_close = False

        def handle_error(self, *_arguments: object) -> None:
            """Let a client refuse the certificate."""

    with Server(("127.0.0.1", 0), Handler) as server:
        upstream = SecureUpstream(server.server_address[1])
        yield from _running(server, upstream)


@dataclass
class Proxy:
    """A proxy: its `url`, the first line of every request, all headers, and every byte that clients sent."""

    url: str
    requests: list[str] = field(default_factory=list)
    seen: bytearray = field(default_factory=bytearray)


def relay(client: socket.socket, onward: socket.socket, seen: bytearray) -> None:
    """Pass bytes both ways until either side closes, and remember what the client sent."""
    while True:
        for source in select.select([client, onward], [], [])[0]:
            chunk = source.recv(65536)
            if not chunk:
                return
            if source is client:
                seen.extend(chunk)
            (onward if source is client else client).sendall(chunk)


@contextmanager
def proxy_to(
    port: int, *, refusal: bytes | None = None, certificate: trustme.LeafCert | None = None
) -> Iterator[Proxy]:
    """Lead every CONNECT to that port of this machine, or answer it with `refusal` (empty: close at once).

    With `certificate` the proxy itself is spoken to over TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        certificate.configure_cert(context)

    class Handler(socketserver.BaseRequestHandler):
        def setup(self) -> None:
            if certificate:
                self.request = context.wrap_socket(self.request, server_side=True)

        def finish(self) -> None:
            self.request.close()

        def handle(self) -> None:
            with suppress(OSError):
                self._tunnel()

        def _tunnel(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = self.request.recv(65536)
                if not chunk:
                    return
                head += chunk
            proxy.seen += head
            proxy.requests.append(head.decode().splitlines()[0])
            if refusal is not None:
                self.request.sendall(refusal)
                return
            with socket.create_connection(("127.0.0.1", port)) as onward:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                relay(self.request, onward, proxy.seen)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "https" if certificate else "http"
        proxy = Proxy(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        yield from _running(server, proxy)


def _running(server: socketserver.BaseServer, value: Value) -> Iterator[Value]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield value
    finally:
        server.shutdown()
        thread.join()
