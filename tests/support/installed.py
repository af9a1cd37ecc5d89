"""The installed command, and a client that speaks the protocol by hand."""

import json
import os
import socket
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

COMMAND = str(Path(sysconfig.get_path("scripts")) / "errtrack-mcp")


class Session:
    """A running server, spoken to one line of JSON at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._last_id = 0

    def send(self, method: str, params: dict[str, Any] | None = None, **fields: Any) -> None:
        """Send a message; with `id` it is a request, without one a notification."""
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "method": method, **fields} | ({"params": params} if params is not None else {})
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        """Read the next line; it must be a message."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def request(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Send a request and return the result of the answer with its id."""
        self._last_id += 1
        self.send(method, params, id=self._last_id)
        while (message := self.receive()).get("id") != self._last_id:
            pass
        return message.get("result", message)

    def initialize(self, version: str) -> Any:
        """Shake hands as a client of that protocol version."""
        client = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
        result = self.request("initialize", client)
        self.send("notifications/initialized")
        return result

    def rest_of_output(self) -> str:
        """Return what is still to be read from standard output; the server must have ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def errors(self) -> str:
        """Return what is still to be read from standard error; the server must have ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def close(self) -> int:
        """Close standard input and return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=10)


def environment(**variables: str) -> dict[str, str]:
    """Return an environment with these variables, without settings of ours and proxies of this machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTHOG_", "ERRTRACK_")) and not name.upper().endswith("_PROXY")
    }
    return kept | variables


def run_to_its_end(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command with nothing on standard input."""
    return subprocess.run(
        [COMMAND, *arguments],
        input="",
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=30,
        check=False,
    )


def free_port() -> int:
    """Return a port that was free a moment ago, for what must be told its port beforehand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
