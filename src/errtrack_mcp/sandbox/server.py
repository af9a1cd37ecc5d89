"""The sandbox as a server of its own, and what it says on start."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import uvicorn

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.eras import NEWEST
from errtrack_mcp.sandbox.generate import generate
from errtrack_mcp.sandbox.generate_issues import generate_issues
from errtrack_mcp.sandbox.retention import remove_expired, remove_expired_hourly
from errtrack_mcp.sandbox.seed import (
    FULL_KEY,
    KEYS,
    OTHER_PROJECT_ID,
    OUTSIDER_KEY,
    PROJECT_ID,
    PROJECT_NAME,
    SCOPED_TEAMS,
    seed,
)
from errtrack_mcp.sandbox.seed_issues import seed_issues
from errtrack_mcp.sandbox.storage import Storage


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a sandbox: its database file, its folder of files, and how many more rows are seeded."""

    database: str | Path = ":memory:"
    storage: Path | None = None
    releases: int = 0
    symbol_sets: int = 0
    issues: int = 0

    def files(self) -> Path | None:
        """Return where files are kept: next to the rows where nothing else is said, so that both survive a restart."""
        if self.storage is not None or self.database == ":memory:":
            return self.storage
        return Path(f"{self.database}-files")


async def serve(
    contents: Contents, sock: socket.socket, on_ready: Callable[[], None], era: str = NEWEST, list_lag: float = 0
) -> None:
    """Serve a seeded sandbox on a listening socket, from the main thread, until SIGINT or SIGTERM.

    `era` is one of eras.ERAS; queries see a change of an issue after `list_lag` seconds.
    """
    announce = iter((on_ready,))

    async def notify() -> None:
        for ready in announce:
            ready()

    database = Database(contents.database)
    try:
        now = datetime.now(UTC)
        seed(database, now)
        seed_issues(database, now)
        generate(database, now, PROJECT_ID, contents.releases, contents.symbol_sets)
        generate_issues(database, now, PROJECT_ID, contents.issues)
        storage = Storage(contents.files())
        remove_expired(database, storage, now)
        config = uvicorn.Config(
            create_app(database, storage=storage, era=era, list_lag=list_lag),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            server_header=False,
            callback_notify=notify,  # uvicorn calls it as soon as it serves, then every 30 s
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remove_expired_hourly, database, storage)
            with _surviving_signals():
                await uvicorn.Server(config).serve(sockets=[sock])
            tasks.cancel_scope.cancel()
    finally:
        database.close()


@contextmanager
def _surviving_signals() -> Iterator[None]:
    """Let the process live on when uvicorn, stopped by a signal, raises that signal again: there is more to close."""
    stops = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda _number, _frame: None) for number in stops}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def announcement(address: str) -> str:
    """Word what a person needs to make a first request."""
    width = max(len(key) for key in KEYS)
    keys = [f"  {key:<{width}}  {', '.join(scopes)}{_reach(key)}" for key, scopes in KEYS.items()]
    url = f"{address.rstrip('/')}/api/projects/{PROJECT_ID}/error_tracking/releases/?limit=3"
    return "\n".join(
        [
            f"PostHog sandbox at {address.rstrip('/')}",
            f"Project {PROJECT_ID} ({PROJECT_NAME})",
            f"Its token, with which PostHog's SDKs send errors here: phc_sandbox_{PROJECT_ID}",
            "Keys and their scopes:",
            *keys,
            "Try it:",
            f"  curl -H 'Authorization: Bearer {FULL_KEY}' '{url}'",
        ]
    )


def _reach(key: str) -> str:
    if key in SCOPED_TEAMS:
        return f" (limited to project {OTHER_PROJECT_ID}; its user's own project is {PROJECT_ID})"
    return f" (of a user who is in project {OTHER_PROJECT_ID} only)" if key == OUTSIDER_KEY else ""
