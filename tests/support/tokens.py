"""OAuth tokens that the sandbox knows, without anybody who has logged in, and callers with one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from errtrack_mcp.remote.auth import Caller
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import OWNER
from errtrack_mcp.server.catalog.filters import Selection

CURRENT = ("projects", "@current")
TOKEN = "pha_made_up_for_this_test"


def store_token(database: Database, *teams: int, value: str = TOKEN, seconds: float = 3600) -> None:
    """Let the sandbox know a token, good for so long and limited to these projects."""
    now = datetime.now(UTC)
    row = (value, "phr_x", "client", OWNER, json.dumps(["error_tracking:write"]), json.dumps(teams), stored_time(now))
    sql = "INSERT INTO oauth_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    database.execute(sql, (*row, stored_time(now + timedelta(seconds=seconds))))


def caller(host: str, key: str = TOKEN, **fields: Any) -> Caller:
    """Return a caller with a token."""
    usual = {"prefix": CURRENT, "project_fixed": False, "narrowing": Selection(), "request_id": "1"}
    return Caller(key=SecretStr(key), host=host, **{**usual, **fields})
