"""A server over HTTP for every client that brings its own key."""

from collections.abc import Iterator

import pytest

from tests.support.serving import serving


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Serve the made-up project, and give the server's origin."""
    with serving("--sandbox") as replica:
        yield replica.url
