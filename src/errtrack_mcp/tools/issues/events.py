"""Reading the events of an issue, each with its exceptions and frames."""

from dataclasses import dataclass

from errtrack_mcp.api.client import Client
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.models import Event


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Some of the events of an issue, newest first, and the offset of the next ones (None: there are no more)."""

    events: list[Event]
    next_offset: int | None


async def read_events(
    api: Client,
    issue_id: str,
    window: Window,
    *,
    limit: int,
    offset: int = 0,
    only_app_frames: bool = False,
    test_accounts: bool = False,
    search: str = "",
    code_variables: bool = False,
) -> EventsPage:
    """Read events of an issue: `limit` is 1 to 20, `search` a part of a type, message or URL.

    Events of internal and test users are left out unless `test_accounts`. On installations without the query routes
    the key needs query:read. Raises NotFound where there is no such issue.
    """
    raise NotImplementedError
