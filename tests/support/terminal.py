"""The installed command on a pseudo-terminal: what a person sees, and what they type when asked."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.installed import COMMAND, environment

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE = 30.0


@dataclass(frozen=True)
class Shown:
    """What came to the terminal, escapes included, and how the command ended."""

    raw: str
    returncode: int

    @property
    def text(self) -> str:
        """What a person reads: without colours."""
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    @property
    def coloured(self) -> bool:
        """Return whether there was any escape sequence."""
        return "\x1b[" in self.raw


def run_on_terminal(
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    typed: str = "",
    awaited: str = "[y/N]",
    columns: int = 200,
) -> Shown:
    """Run the installed command on a terminal; `typed` is entered once `awaited` is shown, a question by default."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = {"TERM": "xterm-256color", **(variables or {})}
    kept = {name: value for name, value in environment().items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    with subprocess.Popen(
        [COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=kept | settings,
        preexec_fn=own_terminal,  # noqa: PLW1509 - nothing else runs in this process between fork and exec
    ) as process:
        os.close(theirs)
        try:
            return Shown(_converse(ours, typed, awaited.encode()), process.wait(timeout=PATIENCE))
        finally:
            process.kill()
            os.close(ours)


def own_terminal() -> None:
    """Make the terminal the one that controls the command, so that typing Ctrl-C interrupts it."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _converse(ours: int, typed: str, awaited: bytes) -> str:
    """Read until the command closes its end; what is typed too early for a line editor is typed again."""
    received, asked = b"", False
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if asked and typed and not select.select([ours], [], [], 1)[0]:
            os.write(ours, typed.encode())
        if not select.select([ours], [], [], max(deadline - time.monotonic(), 0))[0]:
            break
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end has closed
            break
        if not chunk:
            break
        received += chunk
        if typed and not asked and awaited in received:
            asked = True
            os.write(ours, typed.encode())
    return received.decode()
