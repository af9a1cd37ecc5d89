"""A pytest plugin: tests that need a program which this machine has not are skipped, counted and named in one line.

The line comes at the end of a run in one process. With `-n` the tests are collected in other processes, so there is
no line; `make test` ends with a run in one process, and that line counts all tests, also those of the run before.
"""

import shutil
from collections import Counter

import pytest

from tests.support import frameworks, npm, vendors
from tests.support.browser import BROWSER

# What `make clients` has to have installed for a test that asks for the fixture.
INSTALLED = {
    "node": npm.INSTALLED,
    "bundle": npm.INSTALLED,
    "person": vendors.INSTALLED,
    "framework": frameworks.INSTALLED,
    "browser": npm.INSTALLED,
    "open_panel": npm.INSTALLED,
}
IN_A_BROWSER = {"browser", "open_panel"}
NEEDS = {"client": ("npm", "node"), "cluster": ("nginx", "redis-server"), "browser": (BROWSER,)}
NOT_RUN = pytest.StashKey[Counter[str]]()


def missing(kind: str) -> str | None:
    """Return what is missing for tests with this mark, as "X is missing" or "X and Y are missing"."""
    programs = [program for program in NEEDS[kind] if shutil.which(program) is None]
    if programs:
        return f"{' and '.join(programs)} {'is' if len(programs) == 1 else 'are'} missing"
    return None


def not_installed(item: pytest.Item) -> str | None:
    """Return what `make clients` has not installed, of that which a test needs."""
    asked = {*getattr(item, "fixturenames", ())}
    needed = {file for fixture, file in INSTALLED.items() if fixture in asked}
    return None if all(file.exists() for file in needed) else "make clients has not installed what they need"


@pytest.hookimpl(tryfirst=True)  # before -m and -k take tests away: the line counts those as well
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot run here, and count it."""
    reasons = {kind: reason for kind in NEEDS if (reason := missing(kind))}
    counted: Counter[str] = Counter()
    for item in items:
        if INSTALLED.keys() & {*getattr(item, "fixturenames", ())}:
            item.add_marker("client")
        if IN_A_BROWSER & {*getattr(item, "fixturenames", ())}:
            item.add_marker("browser")
        for kind in NEEDS:
            reason = reasons.get(kind) or (not_installed(item) if kind == "client" else None)
            if reason and item.get_closest_marker(kind):
                item.add_marker(pytest.mark.skip(reason=reason))
                counted[f"{kind} tests not run: {reason}"] += 1
                break
    config.stash[NOT_RUN] = counted


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the line below everything else, if anything was not run."""
    counted = config.stash.get(NOT_RUN, Counter())
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if counted and terminal:
        terminal.write_line("; ".join(f"{number} {what}" for what, number in counted.items()), yellow=True)
