"""One replica for the tests that change nothing, in front of its own sandbox."""

from collections.abc import Iterator

import pytest

from tests.support.serving import Serving, serving


@pytest.fixture(scope="module")
def replica() -> Iterator[Serving]:
    """Serve the embedded sandbox over HTTP."""
    with serving("--sandbox") as replica:
        yield replica
