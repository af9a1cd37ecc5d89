"""The log of a server over HTTP: one line a request, with an id that also goes upstream. No line holds a key."""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TextIO
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.remote.replica import Replica

log = logging.getLogger("errtrack_mcp.remote")
request_id: ContextVar[str] = ContextVar("request_id", default="-")
REQUEST_ID = "errtrack.request_id"
FIELDS = "errtrack_fields"


class RequestLogMiddleware:
    """Gives every request an id, the caller's own where it is one, and writes a line when it has been answered."""

    def __init__(self, app: ASGIApp, replica: Replica) -> None:
        self._app = app
        self._replica = replica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accompany one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        own = given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid4().hex
        scope[REQUEST_ID] = own
        token = request_id.set(own)
        begun, status = perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", own.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._replica.metrics.answered(status)
            if log.isEnabledFor(logging.INFO):
                milliseconds = round((perf_counter() - begun) * 1000, 1)
                log_event(
                    "request", method=scope["method"], path=clean(scope["path"], 100), status=status, ms=milliseconds
                )
            request_id.reset(token)


def log_event(event: str, **fields: Any) -> None:
    """Write one line: an event and its facts."""
    log.info(event, extra={FIELDS: fields})


class LogFormatter(logging.Formatter):
    """One line a record: words for people, or JSON for machines."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with its time, its request's id and its facts."""
        fields: dict[str, Any] = getattr(record, FIELDS, {})
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        said |= {"request_id": request_id.get(), **fields}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(said | {"logger": record.name}, default=str)
        rest = " ".join(f"{name}={value}" for name, value in said.items() if name not in {"time", "level", "event"})
        return f"{said['time']} {said['level']} {said['event']} {rest}"


def configure_logs(form: str, stream: TextIO | None = None) -> None:
    """Write the log of the whole process to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LogFormatter(as_json=form == "json"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO)
