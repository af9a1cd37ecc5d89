"""The server over HTTP: in memory in front of a sandbox, and as one replica for tests that change nothing."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from errtrack_mcp.remote.app import build_app
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import MakeApp, Serve
from tests.support.serving import Serving, serving


@pytest.fixture(scope="module")
def replica() -> Iterator[Serving]:
    """Serve the embedded sandbox over HTTP."""
    with serving("--sandbox") as replica:
        yield replica


@pytest.fixture
def make_app(database: Database, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Build the app in memory in front of the sandbox; variables of the environment may be given by name."""

    def make(**variables: str) -> Starlette:
        for name, value in {"POSTHOG_HOST": "http://localhost", **variables}.items():
            monkeypatch.setenv(name, value)
        return build_app(load_settings(), upstream_app=create_app(database))

    return make


@pytest.fixture
def in_memory(make_app: MakeApp) -> Serve:
    """Serve that app to a client in memory, which calls from this machine."""

    def serve(**variables: str) -> TestClient:
        return TestClient(make_app(**variables), base_url="http://localhost", client=("127.0.0.1", 5))

    return serve
