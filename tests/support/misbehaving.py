"""An upstream that misbehaves byte by byte, behind a real socket."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Reply = bytes | Callable[[socket.socket], None]


def http(status: int, body: bytes | str = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """Return a complete answer as bytes; underscores in header names stand for hyphens."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


def reset(connection: socket.socket) -> None:
    """Close with a reset instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@dataclass
class Misbehaving:
    """A running upstream: its `url`, and the first line and headers of every request that reached it."""

    url: str
    requests: list[str] = field(default_factory=list)
    keys_seen: list[str] = field(default_factory=list)
    closed_early: threading.Event = field(default_factory=threading.Event)

    def methods(self) -> list[str]:
        """Return the method of each request, in order."""
        return [request.split()[0] for request in self.requests]


@contextmanager
def misbehave(*replies: Reply, in_turn: bool = False) -> Iterator[Misbehaving]:
    """Answer the first request with the first reply, the second with the second, and the last ever after.

    With `in_turn` begin again at the first reply after the last.
    """
    lock = threading.Lock()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self._answer()

        def _answer(self) -> None:
            received = b""
            while b"\r\n\r\n" not in received:
                chunk = self.request.recv(65536)
                if not chunk:
                    return
                received += chunk
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

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        upstream = Misbehaving(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            server.shutdown()
            thread.join()
