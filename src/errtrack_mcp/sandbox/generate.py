"""A project of any size: releases and symbol sets in every state, the same for the same numbers."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.failures import FAILURES, missing_chunk

SEED = 20260105
SPAN = timedelta(days=29)  # what is older has been removed by retention
APPS = ("storefront-web", "checkout-api", "storefront-mobile", "back-office")
# Of a hundred symbol sets: so many failed, never loaded, with an upload that never ended, uploaded after a failure.
FAILED, NEVER, PENDING, REPAIRED = 8, 12, 3, 2  # the others are complete
UNBOUND = 20

Row = tuple[object, ...]


def generate(database: Database, now: datetime, team_id: int, releases: int, symbol_sets: int) -> None:
    """Add so many releases and symbol sets to a project, in one go; a database that has some is left alone."""
    first = (_id(0, "release"), _id(0, "symbol set"))
    if database.one("SELECT id FROM releases WHERE id = ? UNION SELECT id FROM symbol_sets WHERE id = ?", first):
        return
    chance = random.Random(SEED)  # noqa: S311 - the same data every time is the point
    ids = [_id(number, "release") for number in range(releases)]
    with database.transaction():
        database.many("INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?)", _releases(now, team_id, ids))
        database.many(
            "INSERT INTO symbol_sets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _symbol_sets(now, team_id, ids, symbol_sets, chance),
        )


def _releases(now: datetime, team_id: int, ids: list[str]) -> Iterator[Row]:
    """Spread releases evenly over the span, the first the newest."""
    for number, release in enumerate(ids):
        project, version = APPS[number % len(APPS)], f"9.{number}.0"
        commit = hashlib.sha1(f"{project}@{version}".encode(), usedforsecurity=False).hexdigest()
        metadata = {"git": {"commit_id": commit, "branch": "main", "repo_name": project}}
        hash_id = hashlib.sha512(f"{project}{version}".encode()).hexdigest()
        created = stored_time(now - SPAN * number / len(ids))
        yield release, hash_id, team_id, created, json.dumps(metadata), version, project


def _symbol_sets(now: datetime, team_id: int, releases: list[str], number: int, chance: random.Random) -> Iterator[Row]:
    """Spread symbol sets evenly over the span, the first the newest, each with the release of its time."""
    for index in range(number):
        age = SPAN * index / number
        fate = chance.randrange(100)
        digest = hashlib.md5(f"chunk/{index}".encode(), usedforsecurity=False).digest()
        ref, reason, pointer, content = str(UUID(bytes=digest)), None, f"symbolsets/{digest.hex()}", digest.hex()
        used: str | None = stored_time(now - age * chance.random())
        release = releases[index * len(releases) // number] if releases and chance.randrange(100) >= UNBOUND else None
        if fate < FAILED:
            url, reason = FAILURES[chance.randrange(len(FAILURES))]
            ref, pointer, content, release = f"{url}?{index}", "", "", None
            reason = reason.replace(url, ref)
        elif fate < FAILED + NEVER + PENDING:
            used = None
            content = content if fate < FAILED + NEVER else ""
        elif fate < FAILED + NEVER + PENDING + REPAIRED:
            reason = missing_chunk(ref)
        created = stored_time(now - age)
        yield _id(index, "symbol set"), ref, team_id, created, used, reason, pointer or None, content or None, release


def _id(number: int, kind: str) -> str:
    """Make an id from a number; those of the seeded project begin otherwise."""
    tail = hashlib.md5(f"{kind}/{number}".encode(), usedforsecurity=False).digest()[:8]
    return str(UUID(int=(0x019C << 112 | number << 80) | int.from_bytes(tail, "big")))
