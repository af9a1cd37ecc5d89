"""A server over stdio, spoken to one line of JSON at a time, with nothing of an SDK's client in between."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROTOCOL = "2025-11-25"
HELLO = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "0"}}


class Session:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process was started without pipes")
        self._process, self._to, self._from = process, process.stdin, process.stdout
        self._last_id = 0

    def send(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a request without waiting for its answer."""
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self._to.write(json.dumps(request).encode() + b"\n")
        self._to.flush()

    def notify(self, method: str) -> None:
        """Send a notification."""
        self._to.write(json.dumps({"jsonrpc": "2.0", "method": method}).encode() + b"\n")
        self._to.flush()

    def receive(self) -> bytes:
        """Read the next answer, as it came; notifications are passed over.

        Raises RuntimeError when the server has ended or the answer is an error.
        """
        while line := self._from.readline():
            if b'"method":' in line[:60]:
                continue
            if b'"isError":true' in line or b'"error":{' in line[:60]:  # a schema may have a field of that name
                raise RuntimeError(f"{self._process.args!r} answered: {line[:500]!r}")
            return line
        raise RuntimeError(f"{self._process.args!r} ended, or took longer than it was given")

    def request(self, method: str, **params: Any) -> bytes:
        """Send a request and read its answer."""
        self.send(method, params)
        return self.receive()

    def initialize(self) -> None:
        """Shake hands."""
        self.request("initialize", **HELLO)
        self.notify("notifications/initialized")

    def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool and return its result, parsed."""
        return json.loads(self.request("tools/call", name=tool, arguments=arguments))["result"]

    def peak_memory(self) -> float:
        """Return the most memory that the process has had, in MB (VmHWM of Linux)."""
        return self._memory("VmHWM")

    def memory(self) -> float:
        """Return the memory that the process has now, in MB (VmRSS of Linux)."""
        return self._memory("VmRSS")

    def _memory(self, line_name: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(line_name))
        return int(kilobytes) * 1024 / 1e6


@contextmanager
def spawn(command: Sequence[str], settings: Mapping[str, str], *, seconds: float) -> Iterator[Session]:
    """Start a server, and kill it with the context or after so many seconds, whichever is first."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(settings)
    ) as process:
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        try:
            yield Session(process)
        finally:
            watchdog.cancel()
            process.kill()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this environment with `settings`, without what would change a measurement: bytecode is used and kept."""
    ours = ("POSTHOG_", "ERRTRACK_", "PYTHON", "PYDANTIC_", "FASTMCP_", "SENTRY_", "OPENAI_", "ANTHROPIC_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.upper().endswith("_PROXY")
    }
    return {**kept, **settings}
