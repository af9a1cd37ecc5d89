"""The Python frameworks of tests/clients: where they are, and how a test runs a script of one of them."""

import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.support.installed import environment
from tests.support.npm import CLIENTS
from tests.support.vendors import NOWHERE

FRAMEWORKS = CLIENTS.parents[1] / ".cache" / "frameworks"
INSTALLED = FRAMEWORKS / ".installed"
"""The file that `make clients` writes when pip could install them."""


class Framework(Protocol):
    """Run a script of tests/clients/frameworks to its end, in the environment of the frameworks."""

    def __call__(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Return the exit code and the output."""


def make_framework(home: Path) -> Framework:
    """Return what runs such a script with this home, and with proxies that lead nowhere."""

    def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        python = FRAMEWORKS / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        return subprocess.run(
            [python, CLIENTS / "frameworks" / f"{script}.py", *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=environment(HOME=str(home), USERPROFILE=str(home), **NOWHERE),
            timeout=60,
            check=False,
        )

    return run
