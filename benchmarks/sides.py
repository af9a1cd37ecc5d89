"""What is measured: each side's command, where `make bench` has installed it."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sessions import Session, spawn
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID

HERE = Path(__file__).parent
INSTALLED = HERE.parent / ".cache" / "bench"
OURS, FLOOR, GENERATED, SENTRY, ROLLBAR = "errtrack-mcp", "floor", "fastmcp", "sentry", "rollbar"
COLLECTIONS = {"releases": "error-tracking-releases-list", "symbol_sets": "error-tracking-symbol-sets-list"}


@dataclass(frozen=True)
class Side:
    """A server to measure."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def session(self, *, seconds: float = 60) -> Iterator[Session]:
        """Start it and shake hands."""
        with spawn(self.command, self.settings, seconds=seconds) as session:
            session.initialize()
            yield session

    def list_call(self, collection: str, limit: int) -> dict[str, Any]:
        """Return the parameters of the call that lists `releases` or `symbol_sets`."""
        if self.name == FLOOR:
            return {"name": "forward", "arguments": {"path": path(collection), "limit": limit}}
        if self.name == GENERATED:
            name = COLLECTIONS[collection].replace("-", "_")
            return {"name": name, "arguments": {"project_id": str(PROJECT_ID), "limit": limit}}
        return {"name": COLLECTIONS[collection], "arguments": {"limit": limit}}


def path(collection: str) -> str:
    """Return the path of a collection."""
    return f"/api/projects/{PROJECT_ID}/error_tracking/{collection}/"


def ours(url: str, **settings: str) -> Side:
    """Return this server, as a client starts it."""
    key = {"POSTHOG_HOST": url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY}
    return Side(OURS, (str(INSTALLED / "errtrack/bin/errtrack-mcp"),), key | settings)


def forwarding(url: str) -> list[Side]:
    """Return the sides that can call the API at `url`: the floor first, then ours, then the generated one."""
    return [
        Side(FLOOR, (str(INSTALLED / "floor/bin/python"), str(HERE / "floor.py"), url, FULL_KEY)),
        ours(url, POSTHOG_PROJECT_ID=str(PROJECT_ID)),
        Side(GENERATED, (str(INSTALLED / "fastmcp/bin/python"), str(HERE / "generated.py"), url, FULL_KEY)),
    ]


def others() -> list[Side]:
    """Return the servers of other products, as far as they could be installed; they start with any token."""
    programs = INSTALLED / "node_modules" / ".bin"
    sentry = (str(programs / "sentry-mcp"), "--access-token=none", "--host=sentry.invalid")
    sides = [
        Side(SENTRY, sentry, {"SENTRY_DSN": ""}),
        Side(ROLLBAR, (str(programs / "rollbar-mcp-server"),), {"ROLLBAR_ACCESS_TOKEN": "none"}),
    ]
    return [side for side in sides if Path(side.command[0]).exists()]


def versions() -> dict[str, str]:
    """Return what was measured, by name: version."""
    found = {}
    for name, packages in {
        "errtrack": "mcp pydantic httpx symbolic",
        "floor": "mcp pydantic httpx",
        "fastmcp": "fastmcp",
    }.items():
        code = (
            f"from importlib.metadata import version; print(*('='.join((p, version(p))) for p in {packages.split()}))"
        )
        asked = [str(INSTALLED / name / "bin/python"), "-c", code]
        found[name] = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip().replace("=", " ")
    for name in ("@sentry/mcp-server", "@rollbar/mcp-server"):
        package = INSTALLED / "node_modules" / name / "package.json"
        found[name] = (
            package.read_text().split('"version": "')[1].split('"')[0] if package.exists() else "not installed"
        )
    return found
