"""One process that serves HTTP on an open socket, and how it leaves: SIGTERM, drain, stop."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import anyio
import uvicorn
from starlette.types import ASGIApp

from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.remote.app import build_app
from errtrack_mcp.remote.connections import BACKLOG, limited_protocol
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import configure_logs, log_event
from errtrack_mcp.settings import ConfigurationError, Settings

CLOSING_SECONDS = 15.0  # seconds beyond the drain, for streams to end and connections to close


def refuse_public(settings: Settings, host: str) -> None:
    """Raise ConfigurationError for an address that others can reach, unless the settings allow it."""
    if not is_loopback(host) and not settings.public:
        message = f"Listening on {host} opens this server to others; add --public (ERRTRACK_PUBLIC=1) to allow that."
        raise ConfigurationError([message])


async def serve(
    settings: Settings,
    sock: socket.socket,
    on_ready: Callable[[], None],
    *,
    sse_only: bool = False,
    upstream_app: ASGIApp | None = None,
) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM, from the main thread; `on_ready` is called once it serves.

    `sse_only` leaves streamable HTTP out; `upstream_app` answers in place of PostHog. Raises ConfigurationError for
    settings that cannot work, a socket on a public address among them.
    """
    refuse_public(settings, sock.getsockname()[0])
    configure_logs(settings.log_format)
    app = build_app(settings, sse_only=sse_only, upstream_app=upstream_app)
    replica: Replica = app.state.replica
    started = anyio.Event()

    async def notify() -> None:
        started.set()

    config = uvicorn.Config(
        app,
        http=limited_protocol(),  # h11: the only parser that reads MCP's headers to the letter
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(settings.drain_timeout + CLOSING_SECONDS),
        callback_notify=notify,  # uvicorn calls it as soon as it serves, then every 30 s
    )
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal, server, replica, settings.drain_delay, started, on_ready)
        await server.serve(sockets=[sock])
        tasks.cancel_scope.cancel()
    log_event("stopped", in_flight=replica.in_flight)


async def _leave_on_signal(
    server: uvicorn.Server, replica: Replica, delay: float, started: anyio.Event, on_ready: Callable[[], None]
) -> None:
    """Drain on the first signal: not ready at once, closed after `delay`, streams ended when idle. Stop on the second.

    uvicorn's handlers would stop at once, so ours replace them when uvicorn has set its own; it resets all of them
    when it ends.
    """
    await started.wait()
    loop = asyncio.get_running_loop()
    asked = anyio.Event()

    def leave() -> None:
        if replica.draining:
            server.force_exit = server.should_exit = True
        replica.draining = True
        asked.set()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(leave)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    on_ready()
    await asked.wait()
    await anyio.sleep(delay)
    log_event("draining", in_flight=replica.in_flight)
    server.should_exit = True
    await replica.end_streams_when_idle()
