"""What is asked for the events of an issue, and what an answer that is none becomes."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import BadShape
from errtrack_mcp.api.transport import HttpTransport, Request, Response
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.events import read_events
from tests.support.misbehaving import misbehave
from tests.support.replies import json_of

pytestmark = pytest.mark.anyio

ID = "019a9da0-9220-7000-912a-de2d7c339fae"
WINDOW = Window(datetime(2026, 9, 11, tzinfo=UTC), datetime(2026, 9, 18, tzinfo=UTC))


class Recording:
    """A transport that answers with no events, and remembers what it was asked."""

    origin = "https://posthog.example"

    def __init__(self) -> None:
        self.bodies: list[object] = []

    async def send(self, request: Request) -> Response:
        """Answer with an empty page."""
        self.bodies.append(request.body)
        return Response(200, b'{"results": [], "hasMore": false}')


async def test_both_ages_are_told_what_to_send() -> None:
    """Each passes over the word of the other; the moments are in UTC and say so."""
    recording = Recording()
    api = Client(recording, SecretStr("phx_x"), ("projects", "7"))
    await read_events(api, ID, WINDOW, limit=3, search="x", code_variables=True)
    (body,) = recording.bodies
    assert body == {
        "issueId": ID,
        "dateRange": {"date_from": "2026-09-11T00:00:00.000000Z", "date_to": "2026-09-18T00:00:00.000000Z"},
        "filterTestAccounts": True,
        "onlyAppFrames": False,
        "include": ["exception", "stacktrace", "environment", "navigation", "correlation", "code_variables"],
        "verbosity": "raw",
        "searchQuery": "x",
        "limit": 3,
        "offset": 0,
    }


async def test_an_event_without_a_time_is_an_unusable_answer() -> None:
    """Not a crash, and not an event of no time."""
    with misbehave(json_of({"results": [{"uuid": "e", "timestamp": None, "properties": {}}]})) as upstream:
        api = Client(HttpTransport(upstream.url), SecretStr("phx_x"), ("projects", "7"))
        with pytest.raises(BadShape):
            await read_events(api, ID, WINDOW, limit=1)
