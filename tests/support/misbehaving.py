"""An upstream that misbehaves byte by byte, behind a real socket."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import trustme

Reply = bytes | Callable[[socket.socket], None]


def http(status: int, body: bytes | str = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """Return a complete answer as bytes; underscores in header names stand for hyphens.

    The connection closes after it unless `Connection` says something else.
    """
    content = body.encode() if isinstance(body, str) else body
    fields = {"Content_Type": content_type, "Content_Length": str(len(content)), "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + content


def reset(connection: socket.socket) -> None:
    """Close with a reset instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@dataclass
class Misbehaving:
    """A running upstream: its `url`, its connections, and the first line and headers of every request that reached it.

    `connections` has the number of requests of each connection.
    """

    url: str
    requests: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    keys_seen: list[str] = field(default_factory=list)
    closed_early: threading.Event = field(default_factory=threading.Event)

    def methods(self) -> list[str]:
        """Return the method of each request, in order."""
        return [request.split()[0] for request in self.requests]


def _over_tls(certificate: trustme.LeafCert) -> Callable[[socket.socket], socket.socket]:
    """Return what speaks TLS with this certificate over a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return lambda connection: context.wrap_socket(connection, server_side=True)


@contextmanager
def misbehave(
    *replies: Reply, in_turn: bool = False, kept: bool = False, certificate: trustme.LeafCert | None = None
) -> Iterator[Misbehaving]:
    """Answer the first request with the first reply, the second with the second, and the last ever after.

    With `in_turn` begin again at the first reply after the last. With `kept` a connection takes one request after the
    other. With `certificate` it is spoken to over TLS.
    """
    lock = threading.Lock()
    wrapped = _over_tls(certificate) if certificate else None

    class Handler(socketserver.BaseRequestHandler):
        def setup(self) -> None:
            self.request = wrapped(self.request) if wrapped else self.request

        def finish(self) -> None:
            self.request.close()

        def handle(self) -> None:
            number = len(upstream.connections)
            upstream.connections.append(0)
            with suppress(OSError):
                while self._answer(number) and kept:
                    pass

        def _answer(self, number: int) -> bool:
            received = b""
            while b"\r\n\r\n" not in received:
                chunk = self.request.recv(65536)
                if not chunk:
                    return False
                received += chunk
            upstream.connections[number] += 1
            head = received.split(b"\r\n\r\n")[0].decode()
            with lock:
                upstream.requests.append(head.splitlines()[0])
                upstream.keys_seen += [line for line in head.splitlines() if line.lower().startswith("authorization")]
                count = len(upstream.requests) - 1
                reply = replies[count % len(replies) if in_turn else min(count, len(replies) - 1)]
            if callable(reply):
                reply(self.request)
            else:
                self.request.sendall(reply)
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "https" if certificate else "http"
        upstream = Misbehaving(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            server.shutdown()
            thread.join()
