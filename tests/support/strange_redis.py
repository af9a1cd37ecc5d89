"""A Redis that gives one answer to everything, whether it fits or not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pydantic import SecretStr


@contextmanager
def answering(answer: bytes) -> Iterator[SecretStr]:
    """Run a server that gives this answer to everything but the client's introduction; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def converse(connection: socket.socket) -> None:
            with connection, suppress(ConnectionError):
                while asked := connection.recv(10_000):
                    told = b"+OK\r\n" * asked.upper().count(b"CLIENT") if b"CLIENT" in asked.upper() else answer
                    if not told:
                        return
                    connection.sendall(told)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield SecretStr(f"redis://127.0.0.1:{listener.getsockname()[1]}/0?protocol=2")
        listener.shutdown(socket.SHUT_RDWR)
