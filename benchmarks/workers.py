"""Our server over HTTP as two workers of uvicorn, each with a socket of its own on the same port.

One socket for both would give a burst of connections to whichever worker is awake. uvicorn's own workers share one, and
on a TCP port asyncio does not take it for TCP: Nagle's algorithm then adds 40 ms to each answer on a kept connection.
"""

import multiprocessing
import socket
import sys

import uvicorn


def serve(port: int) -> None:
    """Run one worker."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    config = uvicorn.Config(
        "errtrack_mcp.remote:create_app", factory=True, http="h11", access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    workers = [multiprocessing.Process(target=serve, args=(int(sys.argv[1]),), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
