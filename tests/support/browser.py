"""A browser without a screen (Debian: chromium-headless-shell), and pages that a test opens in it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from starlette.staticfiles import StaticFiles

from tests.support.installed import environment
from tests.support.upstream import serve

BROWSER = "chromium-headless-shell"
SHOP = "shop.northwind.example"
"""The host of the pages, since PostHog leaves out what happens on localhost."""


class Browser(Protocol):
    """Open a page, let it do what it does in its first 20 seconds, and leave it."""

    def __call__(self, address: str) -> str:
        """Return the page as HTML, as it is in the end."""


def open_page(address: str, profile: Path) -> str:
    """Open a page in the browser; its clock does not wait, unless for answers."""
    command = [
        BROWSER,
        "--no-sandbox",  # the page is ours, and Chromium refuses to run as root with it
        f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP {SHOP} 127.0.0.1",
        "--virtual-time-budget=20000",
        "--dump-dom",
        address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=True)
    return done.stdout


@contextmanager
def serve_pages(folder: Path) -> Iterator[str]:
    """Serve the files of a folder as that shop, and give its origin."""
    with serve(StaticFiles(directory=folder)) as upstream:
        yield upstream.url.replace("127.0.0.1", SHOP)
