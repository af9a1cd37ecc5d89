"""The clients and the bundler from npm: where they are, and how a test runs one of them."""

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from tests.support.installed import environment

CLIENTS = Path(__file__).parents[1] / "clients"
MODULES = CLIENTS / "node_modules"
INSTALLED = MODULES / ".installed"
"""The file that `make clients` writes when it is done."""


class Node(Protocol):
    """Run a script with Node to its end; a relative path is below node_modules."""

    def __call__(self, script: Path | str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Return the exit code and the output."""


def runtime() -> str:
    """Return the Node among the clients, or the machine's where npm has none for it."""
    own = MODULES / ".bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or "node"


def run_node(script: Path | str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script among the clients to its end."""
    return subprocess.run(
        [runtime(), str(MODULES / script), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
        timeout=60,
        check=False,
    )
