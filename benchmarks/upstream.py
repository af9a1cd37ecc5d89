"""The API to call: the sandbox in a process of its own, on loopback, without rate limits, filled for a purpose."""

import hashlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import uvicorn

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.releases import insert_release
from errtrack_mcp.sandbox.seed import PROJECT_ID, release_hash, seed
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set

ORDINARY = (100, 36)  # a page of symbol sets, each with the chunk id that a build gives it
LARGE = (100_000, 2048)  # a large project, with refs as long as the API allows
RELEASES = 100


@contextmanager
def upstream(symbol_sets: int, ref_length: int) -> Iterator[str]:
    """Serve a project of that size for as long as the context lasts; yields its address."""
    command = [sys.executable, "-m", "benchmarks.upstream", str(symbol_sets), str(ref_length)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (address := process.stdout.readline().strip()):
                raise RuntimeError("the sandbox did not start")
            yield address
        finally:
            process.kill()


def fill(database: Database, now: datetime, symbol_sets: int, ref_length: int) -> None:
    """Put in releases as PostHog's CLI makes them, and symbol sets bound to them in turn."""
    seed(database, now)
    with database.transaction():
        database.execute("DELETE FROM symbol_sets")
        database.execute("DELETE FROM releases")
        releases = [_insert_release(database, now, number) for number in range(RELEASES)]
        for number in range(symbol_sets):
            _insert_symbol_set(database, now, number, releases[number % RELEASES], ref_length)


def _insert_release(database: Database, now: datetime, number: int) -> str:
    commit = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
    remote = "https://github.com/northwind/storefront-web.git"
    git = {"commit_id": commit, "branch": "main", "remote_url": remote, "repo_name": "storefront-web"}
    identity = str(uuid5(NAMESPACE_URL, f"release/{number}"))
    insert_release(
        database,
        {
            "id": identity,
            "hash_id": release_hash("storefront-web", commit),
            "team_id": PROJECT_ID,
            "created_at": stored_time(now - timedelta(minutes=number)),
            "metadata": json.dumps({"git": git}),
            "version": commit,
            "project": "storefront-web",
        },
    )
    return identity


def _insert_symbol_set(database: Database, now: datetime, number: int, release: str, ref_length: int) -> None:
    chunk = str(uuid5(NAMESPACE_URL, f"chunk/{number}"))
    words = "".join(hashlib.sha256(f"{chunk}{part}".encode()).hexdigest() for part in range(1 + ref_length // 64))
    insert_symbol_set(
        database,
        {
            "id": str(uuid5(NAMESPACE_URL, f"symbol set/{number}")),
            "ref": (chunk if ref_length <= len(chunk) else f"https://cdn.example/{words}")[:ref_length],
            "team_id": PROJECT_ID,
            "created_at": stored_time(now - timedelta(seconds=number)),
            "last_used": stored_time(now),
            "failure_reason": None,
            "storage_ptr": f"symbolsets/{chunk}",
            "content_hash": chunk,
            "release_id": release,
        },
    )


def _serve(symbol_sets: int, ref_length: int) -> None:
    database = Database()
    fill(database, datetime.now(UTC), symbol_sets, ref_length)
    app = create_app(database, throttled=False)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_level="warning")
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
