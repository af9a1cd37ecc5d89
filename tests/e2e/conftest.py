"""The installed command, started and ended for a test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.fixtures import Run, Spawn
from tests.support.installed import COMMAND, Session, environment, run_to_its_end


@pytest.fixture
def spawn() -> Spawn:
    """Start the installed command; it is ended with the context if it has not ended by itself."""

    @contextmanager
    def spawned(*arguments: str, **variables: str) -> Iterator[Session]:
        with subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**variables),
        ) as process:
            try:
                yield Session(process)
            finally:
                process.kill()

    return spawned


@pytest.fixture
def run() -> Run:
    """Run the installed command to its end, with nothing on standard input."""
    return run_to_its_end
