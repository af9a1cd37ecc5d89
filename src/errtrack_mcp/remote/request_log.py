"""The log of a server over HTTP: one line a request, with an id that also goes upstream.

No line holds a key, and no value can forge a line or a field: whatever is written is escaped first.
"""

import json
import logging
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import Any, TextIO
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.api.redaction import without_keys
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.remote.redaction import sent_key
from errtrack_mcp.remote.replica import Replica

log = logging.getLogger("errtrack_mcp.remote")
request_id: ContextVar[str] = ContextVar("request_id", default="-")
REQUEST_ID = "errtrack.request_id"
FIELDS = "errtrack_fields"
KEY = re.compile(r"(ph[xas]_)[!-~]+")
MAX_VALUE = 500
REPEAT_SECONDS = 10.0


class RequestLogMiddleware:
    """Gives every request an id, the caller's own where it is one, and writes a line when it has been answered."""

    def __init__(self, app: ASGIApp, replica: Replica) -> None:
        self._app = app
        self._replica = replica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = scope[REQUEST_ID] = _given_id(scope) or uuid4().hex
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


def _given_id(scope: Scope) -> str:
    """Return the id that a request brings, or nothing where that could forge something, or holds a key."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"]
    usable = len(given) == 1 and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given[0])
    return given[0] if usable and without_keys(given[0], sent_key(scope)) == given[0] else ""


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
        event = _safe(record.getMessage())
        said = {name: _safe(value) for name, value in {"request_id": request_id.get(), **fields}.items()}
        trace = _without_keys(self.formatException(record.exc_info)) if record.exc_info else ""
        if self._as_json:
            said = {"time": time, "level": record.levelname.lower(), "event": event, **said}
            return json.dumps(said | ({"traceback": trace} if trace else {}) | {"logger": record.name})
        facts = " ".join(f"{name}={_word(value)}" for name, value in said.items())
        lines = [f"    | {_printable(line)}" for line in trace.splitlines()]
        return "\n".join([f"{time} {record.levelname.lower()} {_word(event)} {facts}", *lines])


def _safe(value: object) -> int | float | str:
    """Return a value without keys, and cut if it is long; numbers stay numbers."""
    if isinstance(value, int | float):
        return value
    text = _without_keys(str(value))
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}... ({len(text)} characters)"


def _without_keys(text: str) -> str:
    """Return a text without anything that looks like a key, short ones and those in a traceback's quotes too."""
    return without_keys(KEY.sub(r"\1***", text), "")


def _word(value: float | str) -> str:
    """Write a value so that it is one word, or quoted and escaped."""
    text = str(value)
    return text if re.fullmatch(r"[!#-<>-~]+", text) else json.dumps(text)


def _printable(line: str) -> str:
    """Escape what is not printable ASCII."""
    return json.dumps(line)[1:-1].replace('\\"', '"')


class RepeatFilter(logging.Filter):
    """Lets the same message of a logger pass once in ten seconds: a failing accept() would write thousands a second."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        now = self._clock()
        message = record.getMessage().partition("\n")[0][:100]
        if now - self._last.get(message, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        self._last = {text: time for text, time in self._last.items() if now - time < REPEAT_SECONDS}
        if len(self._last) >= MAX_VALUE:
            return False
        self._last[message] = now
        return True


def configure_logs(form: str, stream: TextIO | None = None) -> None:
    """Write the log of the whole process to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LogFormatter(as_json=form == "json"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO)
    asyncio_log = logging.getLogger("asyncio")
    asyncio_log.filters = [RepeatFilter()]  # once, however often this is called
