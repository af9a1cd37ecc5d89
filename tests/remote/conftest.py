"""The server over HTTP: in memory in front of a sandbox, and as one replica for tests that change nothing."""

from collections.abc import Iterator

import pytest

from tests.support.serving import Serving, serving


@pytest.fixture(scope="module")
def replica() -> Iterator[Serving]:
    """Serve the embedded sandbox over HTTP."""
    with serving("--sandbox") as replica:
        yield replica
