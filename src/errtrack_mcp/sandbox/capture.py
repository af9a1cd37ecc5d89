"""Events come in: the routes that SDKs send to, with the project's token (docs/posthog-api.md, section 1)."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from errtrack_mcp.sandbox.calls import Sandbox
from errtrack_mcp.sandbox.captured_events import (
    MAX_BODY_BYTES,
    Captured,
    CapturedEvent,
    Unreadable,
    distinct_id,
    read_captured,
    read_exceptions,
)
from errtrack_mcp.sandbox.captured_frames import resolve_frames
from errtrack_mcp.sandbox.captured_issues import store_event

PATHS = ("/i/v0/e", "/e", "/batch")
MAX_BODY_FRAMES = 20_000
EXCEPTION = "$exception"


def capture_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes that take events. Other events than exceptions are taken, and not kept."""

    async def capture(request: Request) -> Response:
        try:
            content = await _body(request)
            captured = read_captured(content, request.query_params.get("compression"))
            await _ingest(sandbox, captured)
        except Unreadable as error:
            return PlainTextResponse(f"The body was not taken: {error}.", error.status)
        return JSONResponse({"status": "Ok"})

    pages = [Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"], allow_headers=["*"])]
    paths = [path + ending for path in PATHS for ending in ("", "/")]
    return [Route(path, capture, methods=["POST", "OPTIONS"], middleware=pages) for path in paths]


async def _body(request: Request) -> bytes:
    content = bytearray()
    try:
        async for part in request.stream():
            content += part
            if len(content) > MAX_BODY_BYTES:
                raise Unreadable(f"it has more than {MAX_BODY_BYTES >> 20} MB", 413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(content)


async def _ingest(sandbox: Sandbox, captured: Captured) -> None:
    """Store the exceptions of a body, all of them or, where one cannot be read, none. Raises Unreadable."""
    database, now = sandbox.database, sandbox.now()
    project = database.one("SELECT id FROM projects WHERE api_token = ?", (captured.token,))
    if project is None:
        raise Unreadable("its token is that of no project here", 401)
    for event in captured.events:
        distinct_id(event)
    events = [(event, read_exceptions(event)) for event in captured.events if event.event == EXCEPTION]
    stacks = [
        [frame for each in sent.exceptions if each.stacktrace for frame in each.stacktrace.frames] for _, sent in events
    ]
    if sum(map(len, stacks)) > MAX_BODY_FRAMES:
        raise Unreadable(f"its events have more than {MAX_BODY_FRAMES:,} frames")
    frames = [frame for stack in stacks for frame in stack]
    resolved = iter(await resolve_frames(database, sandbox.storage, project["id"], frames, now))
    for (event, sent), stack in zip(events, stacks, strict=True):
        found, moment = list(islice(resolved, len(stack))), happened(event, captured.sent_at, now)
        store_event(database, sandbox.ids, project["id"], event, sent, found, moment, now)


def happened(event: CapturedEvent, sent_at: str | None, now: datetime) -> datetime:
    """Return when an event happened, by this machine's clock: as long ago as it was when it was sent."""
    try:
        if event.timestamp is not None:
            moment = _read(event.timestamp)
            if sent_at is not None:
                moment = now - (_read(sent_at) - moment)
        else:
            moment = now - timedelta(milliseconds=event.offset or 0)
        return min(moment.astimezone(UTC), now)
    except (ValueError, OverflowError):
        return now


def _read(text: str) -> datetime:
    """Read a moment; one without a zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
