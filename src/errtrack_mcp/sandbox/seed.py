"""A believable project: releases of three apps, and symbol sets in every state they can be in."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.failures import FAILURES, missing_chunk
from errtrack_mcp.sandbox.releases import insert_release
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set

PROJECT_ID = 4242
PROJECT_NAME = "Northwind Shop"
OTHER_PROJECT_ID = 4343
OTHER_PROJECT_NAME = "Northwind Back Office"

FULL_KEY = "phx_sandbox_full"
READ_KEY = "phx_sandbox_read"
NO_SCOPES_KEY = "phx_sandbox_no_scopes"
SCOPED_KEY = "phx_sandbox_scoped"
OUTSIDER_KEY = "phx_sandbox_outsider"

ACCOUNT_SCOPES = ("user:read", "project:read", "organization:read")
KEYS = {
    FULL_KEY: ("error_tracking:write", "query:read", "activity_log:read", *ACCOUNT_SCOPES),
    READ_KEY: ("error_tracking:read", *ACCOUNT_SCOPES),
    NO_SCOPES_KEY: ACCOUNT_SCOPES,
    SCOPED_KEY: ("error_tracking:write", *ACCOUNT_SCOPES),
    OUTSIDER_KEY: ("error_tracking:write", *ACCOUNT_SCOPES),
}
SCOPED_TEAMS = {SCOPED_KEY: [OTHER_PROJECT_ID]}

OWNER = 1
OUTSIDER = 2
ORGANIZATION_ID = "018f2a51-6c3e-0000-8c1d-5b7a90e4d2f3"
BRANCH = "main"
EPOCH = int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class SeededRelease:
    """A release, as old as it was when the project was seeded."""

    project: str
    version: str
    age: timedelta
    build: str | None = None
    hash_id: str | None = None  # made by hand when given, by the CLI otherwise


@dataclass(frozen=True)
class SeededSymbolSet:
    """A symbol set, with its ages when the project was seeded."""

    ref: str
    age: timedelta
    used: timedelta | None = None
    release: int | None = None
    uploaded: bool = True
    finished: bool = True
    failure_reason: str | None = None


def _days(number: float) -> timedelta:
    return timedelta(days=number)


def _hours(number: float) -> timedelta:
    return timedelta(hours=number)


RELEASES = (
    SeededRelease("storefront-web", "2.14.0", _hours(0.2)),
    SeededRelease("checkout-api", "1.9.3", _hours(7), build="418"),
    SeededRelease("storefront-web", "2.13.2", _days(2.1)),
    SeededRelease("storefront-mobile", "5.3.0 (119)", _days(3.6), hash_id="mobile-119"),
    SeededRelease("storefront-web", "2.13.1", _days(5.3)),
    SeededRelease("checkout-api", "1.9.2", _days(8.2), build="411"),
    SeededRelease("storefront-web", "2.13.0", _days(11.4)),
    SeededRelease("checkout-api", "1.9.1-hotfix", _days(13), hash_id="hotfix-7f3a"),
    SeededRelease("checkout-api", "1.9.1", _days(14.7), build="397"),
    SeededRelease("storefront-mobile", "5.2.4 (118)", _days(20.9), hash_id="mobile-118"),
    SeededRelease("storefront-web", "2.12.4", _days(28.5)),
    SeededRelease("checkout-api", "1.8.0", _days(33), build="352"),
)
PENDING, STALE = 0, 10
LOADED = (1, 2, 4, 5, 6, 8)


def seed(database: Database, now: datetime) -> None:
    """Fill an empty database, in one go; leave one that holds anything alone."""
    with database.transaction():
        if database.one("SELECT 1 FROM projects"):
            return
        _insert_accounts(database, now)
        for index, release in enumerate(RELEASES):
            _insert_release(database, now, PROJECT_ID, index, release)
        other = SeededRelease("back-office", "0.4.1", _days(6))
        _insert_release(database, now, OTHER_PROJECT_ID, len(RELEASES), other)
        for index, symbol_set in enumerate(_symbol_sets()):
            _insert_symbol_set(database, now, PROJECT_ID, index, symbol_set)
        theirs = SeededSymbolSet(chunk_id("back-office/main"), _days(6), _hours(9), release=len(RELEASES))
        _insert_symbol_set(database, now, OTHER_PROJECT_ID, 900, theirs)


def release_hash(project: str, version: str) -> str:
    """Compute the hash_id that the CLI gives a release."""
    return hashlib.sha512((project + version).encode()).hexdigest()


def release_id(index: int) -> str:
    """Name the id of a seeded release: the same in every sandbox."""
    return time_ordered_id(f"release/{index}", EPOCH - index * 3_600_000)


def chunk_id(name: str) -> str:
    """Name the chunk id that a bundle got at build time."""
    return str(uuid5(NAMESPACE_URL, f"https://shop.northwind.example/chunks/{name}"))


def _symbol_sets() -> Iterable[SeededSymbolSet]:
    """List the symbol sets of the project, state by state."""
    for index in LOADED:  # complete: uploaded, finished, and loaded lately
        release = RELEASES[index]
        for number, chunk in enumerate(("main", "vendor", "checkout")):
            ref = chunk_id(f"{release.project}/{release.version}/{chunk}")
            used = _hours(1 + index * 3 + number)
            yield SeededSymbolSet(ref, release.age - _hours(0.1), used, release=index)
    for chunk, used_ago in (("main", None), ("vendor", None), ("cart", _hours(0.1))):  # upload pending
        ref = chunk_id(f"pending/{chunk}")
        yield SeededSymbolSet(ref, _hours(0.15), used_ago, release=PENDING, finished=False)
    for number, (ref, reason) in enumerate(FAILURES):  # fetch failed
        age = _days(1 + number * 0.7)
        yield SeededSymbolSet(ref, age, _hours(2 + number), uploaded=False, failure_reason=reason)
    for chunk in ("admin", "legacy", "print", "reviews"):  # never loaded
        yield SeededSymbolSet(chunk_id(f"never/{chunk}"), _days(4), release=4)
    for chunk in ("main", "search", "account", "help"):  # unbound: the event names the release
        yield SeededSymbolSet(chunk_id(f"unbound/{chunk}"), _days(3), _hours(5))
    ref = chunk_id("unbound/polyfills")  # uploaded after a failure, whose reason stays
    yield SeededSymbolSet(ref, _days(3), _hours(5), failure_reason=missing_chunk(ref))
    for number, chunk in enumerate(("main", "vendor", "checkout")):  # about to be removed by retention
        used = _days(27) - _hours(number)
        yield SeededSymbolSet(chunk_id(f"stale/{chunk}"), _days(28.4), used, release=STALE)
    yield SeededSymbolSet(chunk_id("stale/unused"), _days(28.4), release=STALE)


def _insert_accounts(database: Database, now: datetime) -> None:
    founded = stored_time(now - _days(420))
    database.execute("INSERT INTO organizations VALUES (?, ?)", (ORGANIZATION_ID, "Northwind Traders"))
    projects = ((PROJECT_ID, PROJECT_NAME), (OTHER_PROJECT_ID, OTHER_PROJECT_NAME))
    for project_id, name in projects:
        uuid = time_ordered_id(f"project/{project_id}", EPOCH)
        values = (project_id, uuid, name, f"phc_sandbox_{project_id}", founded, ORGANIZATION_ID)
        database.execute("INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?)", values)
    users = ((OWNER, "ada@northwind.example", "Ada"), (OUTSIDER, "sam@northwind.example", "Sam"))
    for user_id, email, first_name in users:
        uuid = time_ordered_id(f"user/{user_id}", EPOCH)
        current = PROJECT_ID if user_id == OWNER else OTHER_PROJECT_ID
        user_values = (user_id, uuid, email, first_name, founded, current)
        database.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", user_values)
    for membership in ((OWNER, PROJECT_ID), (OWNER, OTHER_PROJECT_ID), (OUTSIDER, OTHER_PROJECT_ID)):
        database.execute("INSERT INTO memberships VALUES (?, ?)", membership)
    for number, (key, scopes) in enumerate(KEYS.items()):
        label = f"Sandbox: {key.removeprefix('phx_sandbox_').replace('_', ' ')}"
        user_id = OUTSIDER if key == OUTSIDER_KEY else OWNER
        scoped_teams = json.dumps(SCOPED_TEAMS.get(key, []))
        key_values = (key, f"sbx{number:07d}", label, user_id, json.dumps(scopes), scoped_teams, founded)
        database.execute("INSERT INTO personal_api_keys VALUES (?, ?, ?, ?, ?, ?, ?)", key_values)


def _insert_release(database: Database, now: datetime, team_id: int, index: int, release: SeededRelease) -> None:
    metadata = None if release.hash_id else json.dumps(cli_metadata(release))
    insert_release(
        database,
        {
            "id": release_id(index),
            "hash_id": release.hash_id or release_hash(release.project, release.version),
            "team_id": team_id,
            "created_at": stored_time(now - release.age),
            "metadata": metadata,
            "version": release.version,
            "project": release.project,
        },
    )


def cli_metadata(release: SeededRelease) -> dict[str, object]:
    """Return the metadata that the CLI gives a release."""
    commit = hashlib.sha256(f"{release.project}@{release.version}".encode()).hexdigest()[:40]
    remote_url = f"https://github.com/northwind-shop/{release.project}.git"
    git = {
        "commit_id": commit,
        "branch": BRANCH,
        "remote_url": remote_url,
        "repo_name": release.project,
    }
    return {"git": git} | ({"build": release.build} if release.build else {})


def _insert_symbol_set(
    database: Database, now: datetime, team_id: int, index: int, symbol_set: SeededSymbolSet
) -> None:
    digest = hashlib.sha256(symbol_set.ref.encode()).hexdigest()
    release = symbol_set.release
    insert_symbol_set(
        database,
        {
            "id": time_ordered_id(f"symbol set/{index}", EPOCH + index * 60_000),
            "ref": symbol_set.ref,
            "team_id": team_id,
            "created_at": stored_time(now - symbol_set.age),
            "last_used": None if symbol_set.used is None else stored_time(now - symbol_set.used),
            "failure_reason": symbol_set.failure_reason,
            "storage_ptr": f"symbolsets/{digest[:32]}" if symbol_set.uploaded else None,
            "content_hash": digest if symbol_set.uploaded and symbol_set.finished else None,
            "release_id": None if release is None else release_id(release),
        },
    )


def time_ordered_id(name: str, milliseconds: int) -> str:
    """Make an id that looks like the API's and never changes: 48 bits of time, the rest from the name."""
    tail = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return str(UUID(int=milliseconds << 80 | tail))
