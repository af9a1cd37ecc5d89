"""One process that serves HTTP: where it listens, and how it leaves."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import uvicorn
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS

from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.remote.app import build_app
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import configure_logs, log_event
from errtrack_mcp.settings import ConfigurationError, Settings

FAREWELL = 15.0  # for what comes after the last call: streams that end, connections that close


class Server(uvicorn.Server):
    """A uvicorn server that, told to stop, first says that it is leaving and then finishes what it has begun."""

    def __init__(self, config: uvicorn.Config, replica: Replica, delay: float, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._replica = replica
        self._delay = delay
        self._on_ready = on_ready
        self._leave_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell the true port."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as uvicorn calls it
        """Begin to leave; asked a second time, leave at once."""
        if self._leave_at is not None:
            self.force_exit = self.should_exit = True
        self._replica.draining = True
        self._leave_at = time.monotonic() + self._delay

    async def on_tick(self, counter: int) -> bool:
        """Stop accepting when balancers have had the time to notice."""
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the calls that were accepted, as far as the time allows, then end the streams that nobody waits on."""
        log_event("draining", in_flight=self._replica.in_flight)
        farewell = asyncio.create_task(self._end_streams())
        await super().shutdown(sockets)
        farewell.cancel()
        log_event("stopped", in_flight=self._replica.in_flight)

    async def _end_streams(self) -> None:
        """Let open event streams end once no call is in flight; until then one of them may carry its answer."""
        await asyncio.sleep(0.1)
        await self._replica.idle()
        await asyncio.sleep(0.05)  # the last answer is on its way into its stream
        AppStatus.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals to stop, without raising them again once stopped."""
        previous = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and for what: port 0 takes a free one; `sse_only` leaves streamable HTTP out."""

    host: str
    port: int
    sse_only: bool = False


async def serve(
    settings: Settings, place: Place, on_ready: Callable[[int], None], upstream_app: ASGIApp | None = None
) -> None:
    """Serve until SIGINT or SIGTERM, from the main thread; `on_ready` is told the true port.

    Raises ConfigurationError for an address that others can reach, unless the settings say so.
    """
    if not is_loopback(place.host) and not settings.public:
        words = (
            f"Listening on {place.host} opens this server to others; add --public (ERRTRACK_PUBLIC=1) if that is meant."
        )
        raise ConfigurationError([words])
    configure_logs(settings.log_format)
    AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call] # it would cut streams that still carry an answer
    app = build_app(settings, sse_only=place.sse_only, upstream_app=upstream_app)
    config = uvicorn.Config(
        app,
        host=place.host,
        port=place.port,
        http="h11",  # the only parser that reads MCP's headers to the letter
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_timeout + FAREWELL),
    )
    await Server(config, app.state.replica, settings.drain_delay, on_ready).serve()
