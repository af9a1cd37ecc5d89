"""A server over HTTP for every client that brings its own key, and a person who uses the clients of vendors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.browser import Browser, open_page
from tests.support.frameworks import Framework, make_framework
from tests.support.serving import serving
from tests.support.upstream import Upstream
from tests.support.vendors import Person


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Serve the made-up project, and give the server's origin."""
    with serving("--sandbox") as replica:
        yield replica.url


@pytest.fixture
def person(tmp_path: Path, sandbox: Upstream) -> Person:
    """Give somebody a home, and the key of the sandbox; a test that asks for this is marked as a client test."""
    for folder in ("home", "here"):
        (tmp_path / folder).mkdir()
    variables = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY}
    return Person(tmp_path / "home", tmp_path / "here", variables)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Open pages in a browser; a test that asks for this is marked as a client test, and needs the mark `browser`."""
    return lambda address: open_page(address, tmp_path / "profile")


@pytest.fixture
def framework(tmp_path: Path) -> Framework:
    """Run a script of a Python framework; a test that asks for this is marked as a client test."""
    return make_framework(tmp_path)
