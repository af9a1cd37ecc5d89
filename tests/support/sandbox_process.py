"""The sandbox on a file, in a process of its own that a test can kill."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from tests.support.serving import NO_AUTHORITIES

SERVE = """
import asyncio, socket, sys
from errtrack_mcp.sandbox.server import Contents, serve
sock = socket.create_server(("127.0.0.1", 0))
asyncio.run(serve(Contents(sys.argv[1]), sock, lambda: print(sock.getsockname()[1], flush=True)))
"""


@contextlib.contextmanager
def running(path: Path, prelude: str = "") -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run a sandbox on a file, as a process of its own that does not outlive the test; `prelude` is run before."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", prelude + SERVE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            origin = f"http://127.0.0.1:{int(process.stdout.readline())}"
            base_url = f"{origin}/api/projects/{PROJECT_ID}/error_tracking/"
            with httpx.Client(
                base_url=base_url, headers={"Authorization": f"Bearer {FULL_KEY}"}, verify=NO_AUTHORITIES
            ) as client:
                yield process, client
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """Send a signal, and wait for the end."""
    process.send_signal(number)
    return process.wait(10)
