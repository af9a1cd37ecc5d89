"""The clients from npm, and a server over HTTP for them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.installed import COMMAND, environment

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
Node = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def node() -> Node:
    """Run a script of the clients; they come with their own Node where theirs must be newer than the machine's.

    Without them a test is skipped, but for CI, where that is a failure.
    """
    if not (MODULES / ".installed").exists():
        reason = "The clients are not installed: make clients (it needs npm)."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    own = MODULES / ".bin" / "node"
    runtime = str(own) if own.exists() else shutil.which("node") or "node"

    def run(script: Path | str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [runtime, str(MODULES / script), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=environment(),
            timeout=60,
            check=False,
        )

    return run


@contextmanager
def serving(*arguments: str, port: int = 0, **variables: str) -> Iterator[str]:
    """Serve the made-up project over HTTP, and yield its origin, which the server prints."""
    with subprocess.Popen(
        [COMMAND, "serve", "--sandbox", "--transport", "http", "--port", str(port), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            assert "errtrack-mcp serves http://" in line
            yield line.split()[2].removesuffix("/mcp")
        finally:
            process.terminate()
            process.stderr.read()


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Serve for every client that brings its own key."""
    with serving() as served:
        yield served
