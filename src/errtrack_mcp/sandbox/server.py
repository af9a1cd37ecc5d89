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
from errtrack_mcp.sandbox.generate import crowd
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
from errtrack_mcp.sandbox.storage import Storage


class Server(uvicorn.Server):
    """A uvicorn server that tells its port, and whose process outlives a signal to stop."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell the true port."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, without raising them again once stopped."""
        previous = {number: signal.signal(number, self.handle_exit) for number in _STOP}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


_STOP = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a sandbox holds: where its rows and files are kept, and how many are seeded besides the believable few."""

    database: str | Path = ":memory:"
    storage: Path | None = None
    releases: int = 0
    symbol_sets: int = 0

    def files(self) -> Path | None:
        """Return where files are kept: beside the rows where nothing else is said, so that both survive a restart."""
        if self.storage is not None or self.database == ":memory:":
            return self.storage
        return Path(f"{self.database}-files")


async def serve(contents: Contents, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serve a seeded sandbox from the main thread until SIGINT or SIGTERM; port 0 takes a free one."""
    database = Database(contents.database)
    try:
        now = datetime.now(UTC)
        seed(database, now)
        crowd(database, now, PROJECT_ID, contents.releases, contents.symbol_sets)
        storage = Storage(contents.files())
        remove_expired(database, storage, now)
        config = uvicorn.Config(
            create_app(database, storage=storage),
            host=host,
            port=port,
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            server_header=False,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remove_expired_hourly, database, storage)
            await Server(config, on_ready).serve()
            tasks.cancel_scope.cancel()
    finally:
        database.close()


def announcement(address: str) -> str:
    """Word what a person needs to make a first request."""
    width = max(len(key) for key in KEYS)
    keys = [f"  {key:<{width}}  {', '.join(scopes)}{_reach(key)}" for key, scopes in KEYS.items()]
    url = f"{address.rstrip('/')}/api/projects/{PROJECT_ID}/error_tracking/releases/?limit=3"
    return "\n".join(
        [
            f"PostHog sandbox at {address.rstrip('/')}",
            f"Project {PROJECT_ID} ({PROJECT_NAME})",
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
