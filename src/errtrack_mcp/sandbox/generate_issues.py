"""Any number of issues: minified, readable and hopeless ones, the same for the same number."""

import random
from datetime import datetime, timedelta

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.frames import Frame, Original
from errtrack_mcp.sandbox.generate import SEED, SPAN
from errtrack_mcp.sandbox.seed_issues import insert_issue, issue_id
from errtrack_mcp.sandbox.seeded_frames import built_frame, not_uploaded_frame
from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Stack, Thrown

TYPES = ("TypeError", "RangeError", "ReferenceError", "Error", "SyntaxError")
STATUSES = ("active", "active", "active", "resolved", "suppressed")
SEVERITIES = (None, "low", "medium", "high", "critical")
MAX_EVENTS = 12
READABLE, HOPELESS = 30, 10  # of a hundred; the others are minified


def generate_issues(database: Database, now: datetime, team_id: int, number: int) -> None:
    """Add so many issues with up to 12 events each to a project, in one go; a database that has some is left alone."""
    if number == 0 or database.one("SELECT 1 FROM issues WHERE id = ?", (issue_id("generated/0", SPAN),)):
        return
    chance = random.Random(SEED)  # noqa: S311 - the same data every time is the point
    with database.transaction():
        for index in range(number):
            insert_issue(database, now, team_id, _issue(index, number, chance))


def _issue(index: int, number: int, chance: random.Random) -> SeededIssue:
    """Make one issue; the first is the oldest, and its last event happened at a time between its first one and now."""
    first = SPAN * (number - index) / number
    kind = chance.choice(TYPES)
    return SeededIssue(
        f"generated/{index}",
        (Stack((Thrown(kind, f"Generated error {index}", _frames(index, chance)),)),),
        chance.randint(1, MAX_EVENTS),
        first,
        max(timedelta(minutes=1), first * chance.random()),
        status=chance.choice(STATUSES),
        severity=chance.choice(SEVERITIES),
    )


def _frames(index: int, chance: random.Random) -> tuple[Frame, ...]:
    original = Original(f"step{index}", f"src/generated/{index}.ts", 1 + index % 400, 7)
    fate = chance.randrange(100)
    if fate < HOPELESS:
        return ()
    if fate < HOPELESS + READABLE:
        return (built_frame("storefront-web/2.13.2/main", f"g{index}", 100_000 + index, original),)
    return (not_uploaded_frame(f"generated/{index}", f"g{index}", 1_000 + index, original),)
