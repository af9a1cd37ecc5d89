"""A sandbox whose answers to changes get lost."""

from collections.abc import Iterator

import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.lossy import LossySandbox
from tests.support.upstream import serve


@pytest.fixture
def lossy(database: Database) -> Iterator[LossySandbox]:
    """Serve the seeded project over a connection that a test can break; the settings need its url as POSTHOG_HOST."""
    sandbox = LossySandbox(create_app(database))
    with serve(sandbox) as upstream:
        sandbox.upstream = upstream
        yield sandbox
