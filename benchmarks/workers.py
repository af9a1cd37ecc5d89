"""Our server over HTTP as two workers of uvicorn, on a socket that does not wait with its answers.

Given a port, uvicorn's parent process makes a socket that asyncio does not take for TCP, and Nagle's algorithm then
adds 40 ms to each answer on a kept connection. Behind a proxy, `--uds` does without.
"""

import socket
import sys

import uvicorn

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    listener.set_inheritable(True)
    uvicorn.run(
        "errtrack_mcp.remote:create_app",
        factory=True,
        workers=2,
        fd=listener.fileno(),
        http="h11",
        access_log=False,
        log_level="warning",
    )
