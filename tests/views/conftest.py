"""The panel in a real browser, and servers in front of which it is shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client
from playwright.async_api import Browser

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.server.app import build_server
from tests.support.bundler import inject, run_esbuild
from tests.support.fixtures import Connect, MakeSettings
from tests.support.panel import OpenPanel, browser_running, panels


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run all tests of a module in one loop, so that they can share a browser."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Start the browser once for a module."""
    async with browser_running() as running:
        yield running


@pytest.fixture
async def open_panel(browser: Browser) -> AsyncIterator[OpenPanel]:
    """Open the panel in a host; a test that asks for this is marked as one for the browser."""
    async with panels(browser) as opened:
        yield opened


@pytest.fixture
async def client(connect: Connect, tmp_path: Path) -> AsyncIterator[Client]:
    """Connect to our server in front of the sandbox; its build root holds a build whose scripts differ in state."""
    dist = run_esbuild(tmp_path / "app", "--sourcemap")
    inject(dist / "main.js")
    async with connect(build_root=str(dist)) as connected:
        yield connected


@pytest.fixture
async def cloud(settings: MakeSettings, database: Database) -> AsyncIterator[Client]:
    """Connect to a server whose PostHog has an address that pages may link to; the sandbox answers for it."""
    origin = "https://us.posthog.com"
    pool = HttpTransport(origin, create_app(database))
    async with Client(build_server(settings(POSTHOG_HOST=origin), pool)) as connected:
        yield connected
    await pool.aclose()
