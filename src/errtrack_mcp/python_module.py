"""How a module runs in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
from anyio.abc import Process


def command_of_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module by this very Python.

    With `-P`, or Python would look for it in the current folder first. A client starts the server in the folder that is
    open, which may hold anybody's code.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


async def run_to_its_end(command: Sequence[str], asked: bytes, environment: Mapping[str, str]) -> tuple[bytes, int]:
    """Run a command with this input to its end, and return its output and exit code; cancelled, it is ended.

    anyio.run_process would leave a process behind that is cancelled while it starts. Raises OSError where it cannot be
    started.
    """
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(command, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None  # noqa: S101 - open_process pipes it
    output = bytearray()
    async with process, anyio.create_task_group() as tasks:
        tasks.start_soon(_send, process, asked)
        try:
            async for part in process.stdout:
                output += part
            await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    return bytes(output), process.returncode or 0


async def _send(process: Process, asked: bytes) -> None:
    """Write all to the process's input; one that has ended does not take it."""
    assert process.stdin is not None  # noqa: S101 - open_process pipes it
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await process.stdin.send(asked)
        await process.stdin.aclose()
