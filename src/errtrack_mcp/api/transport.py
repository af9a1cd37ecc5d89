"""One request over the connections to one host: the only import of httpx."""

import os
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import anyio
import httpx
from anyio.lowlevel import checkpoint
from anyio.streams.tls import TLSAttribute, TLSStream
from starlette.types import ASGIApp

from errtrack_mcp.api.errors import (
    ConnectionFailed,
    HostNotFound,
    ProxyFailed,
    TimedOut,
    TlsFailed,
    TransportError,
)
from errtrack_mcp.api.proxy import proxy_for
from errtrack_mcp.api.response_body import BYTES_A_VALUE, Limits, read_body
from errtrack_mcp.api.retry import REPEATABLE

MAX_BODY_BYTES = 20_000_000
MAX_CONNECTIONS = 64
KEPT_SECONDS = 5.0  # that a connection is kept without a request


class Request(NamedTuple):
    """A request to an absolute URL; `headers` are made when it is sent, so that nothing here holds the key.

    `before_large` is awaited before more than `LARGE_BYTES` of a response are read. `may_repeat` marks a POST that does
    no harm a second time. `max_file_bytes` is the limit for a response that is a file; any other is JSON, and has the
    limits of the transport. `file` is sent in place of `body`: alone, or behind the fields of a `form`.
    """

    method: str
    url: str
    resource: str
    params: Mapping[str, str | int]
    body: Mapping[str, Any] | None
    headers: Callable[[], dict[str, str]]
    before_large: Callable[[], Awaitable[None]] = checkpoint
    may_repeat: bool = False
    max_file_bytes: int | None = None
    file: bytes | None = None
    form: Mapping[str, str] | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending it a second time does no harm."""
        return self.may_repeat or self.method in REPEATABLE


@dataclass(frozen=True, slots=True)
class Response:
    """A response that arrived complete, whatever its status; `tls` is the connection's, where it had any."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLObject | None = None


class Transport(Protocol):
    """Sends requests to one host. One that adds something to each request holds another one and calls it."""

    @property
    def origin(self) -> str:
        """Scheme and host."""

    async def send(self, request: Request) -> Response:
        """Send a request and read its response. Raises ApiError where none arrives."""


class IdleConnection(NamedTuple):
    """A connection that no request uses, and the moment of `time.monotonic` since when."""

    since: float
    connection: httpx.AsyncBaseTransport


@dataclass(slots=True)
class HttpTransport:
    """Connections to one host; it holds no key.

    `origin` is scheme and host; `app` answers in place of the network where one is given; a body of more than
    `max_body_bytes` is refused. Connections and the TLS context are made at first use. `keeps_after_empty` keeps
    a connection after a response without a body too: for a host whose responses are worth no more than their status.

    A request has a transport of httpx to itself, whose pool is one connection: a larger pool looks through all of its
    connections for each request. With 300 calls in flight a call takes 0.75 of the time that one pool for all needs,
    one of 1,000 files that are sent 10 at once 0.71, and a call alone 0.98.
    """

    origin: str
    app: ASGIApp | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    max_connections: int = MAX_CONNECTIONS
    keeps_after_empty: bool = False
    _proxied: bool = field(default=False, init=False)
    _network: dict[str, Any] = field(default_factory=dict, init=False)
    _free: anyio.Semaphore = field(init=False)
    _idle: deque[IdleConnection] = field(default_factory=deque, init=False)
    _in_use: set[httpx.AsyncBaseTransport] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Allow as many requests at once as there may be connections."""
        self._free = anyio.Semaphore(self.max_connections, fast_acquire=True)

    async def send(self, request: Request) -> Response:
        """Send a request and read its response. Raises TransportError, and TooLarge beyond the limit of bytes."""
        params = request.params or None
        sent = httpx.Request(
            request.method, request.url, params=params, headers=request.headers(), **_content_of(request)
        )
        try:
            async with self._connection() as connection:
                response = await connection.handle_async_request(sent)
                try:
                    body = await self._read(response, request)
                    await _close_unless_clean(response, has_body=bool(body) or self.keeps_after_empty)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise map_exception(error, repeatable=request.repeatable, proxied=self._proxied) from error
        stream = response.extensions.get("network_stream")
        tls = stream.get_extra_info("ssl_object") if stream else None
        return Response(response.status_code, body, response.headers, tls)

    async def _read(self, response: httpx.Response, request: Request) -> bytes:
        limits = Limits(self.max_body_bytes, self.max_body_bytes // BYTES_A_VALUE)
        if request.max_file_bytes is not None:
            limits = Limits(request.max_file_bytes)
        chunks: Any = response.stream  # aiter_raw would give the connection back at the last chunk
        encoding = response.headers.get("content-encoding", "")
        return await read_body(chunks, encoding, limits, response.status_code, request.before_large)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Lend a connection: the one that was used last, or a new one."""
        async with self._free:
            oldest = time.monotonic() - KEPT_SECONDS
            while self._idle and self._idle[0].since < oldest:
                await self._idle.popleft().connection.aclose()
            connection = self._idle.pop().connection if self._idle else self._made()
            self._in_use.add(connection)
            try:
                yield connection
            finally:
                self._in_use.discard(connection)
                self._idle.append(IdleConnection(time.monotonic(), connection))

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in [*self._in_use, *(idle.connection for idle in self._idle)]:
            await connection.aclose()
        self._idle.clear()

    def _made(self) -> httpx.AsyncBaseTransport:
        """Return a new connection.

        httpx's client is left out because it keeps cookies: those that PostHog sets for one caller would go out with
        the requests of another. Nothing here ends by itself; each request is bounded as a whole by `Client`.
        """
        if self.app:
            return httpx.ASGITransport(self.app, raise_app_exceptions=False)
        if not self._network:
            proxy = proxy_for(self.origin)
            self._proxied = proxy is not None
            self._network = {
                "verify": _tls_context() if self.origin.startswith("https://") else False,
                "proxy": _through(proxy) if proxy else None,
                "trust_env": False,  # proxy_for has read the environment
                "limits": httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT_SECONDS),
            }
        return httpx.AsyncHTTPTransport(**self._network)


def _content_of(request: Request) -> dict[str, Any]:
    """Return the arguments by which httpx takes what a request sends."""
    if request.file is None:
        return {"json": request.body}
    if request.form is None:
        return {"content": request.file}
    # The name of the file is needed: some storages take a part without one for a field, and those are small.
    return {"data": request.form, "files": {"file": ("file", request.file)}}


def _tls_context() -> ssl.SSLContext:
    """Trust what the operating system trusts, and SSL_CERT_FILE and SSL_CERT_DIR where they are set."""
    return _trusting(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@lru_cache(maxsize=4)
def _trusting(file: str, _directory: str) -> ssl.SSLContext:
    """Return the context for these values of SSL_CERT_FILE and SSL_CERT_DIR, which holds authorities and no key.

    It is made once in a process, so that a change of their files needs a restart: to read the authorities of a Linux
    distribution takes 40 ms. truststore does so for each connection; there the context that it fills is enough.
    """
    import truststore  # noqa: PLC0415 - takes time that only a first request over TLS should pay

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.platform not in {"darwin", "win32"}:
        context = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost").context
    if file:
        try:
            context.load_verify_locations(file)  # elsewhere than on Linux nobody else would read it
        except OSError:
            raise TlsFailed("SSL_CERT_FILE cannot be read") from None
    return context


def _through(proxy: str) -> httpx.Proxy:
    """Name a proxy to httpx; one that is itself reached over TLS is trusted as the host is."""
    return httpx.Proxy(proxy, ssl_context=_tls_context() if proxy.startswith("https://") else None)


async def _close_unless_clean(response: httpx.Response, *, has_body: bool) -> None:
    """Close the connection where more may follow the response: on a kept connection it would answer the next request.

    What follows a failure or an empty body may come later than this looks, so neither is kept. A read on loopback takes
    1.00 times as long with this look; without kept connections it takes 2.4 times as long, and 45 times with TLS.
    """
    connection = response.extensions.get("network_stream")
    if connection is not None and (not has_body or not response.is_success or _is_followed(response)):
        await connection.aclose()


def _is_followed(response: httpx.Response) -> bool:
    """Return whether bytes beyond the end of the response were received; those not received yet httpcore itself finds.

    They are in httpcore's parser, in a layer of TLS, or in anyio's queue, which none of them shows to others. Where a
    later version keeps them elsewhere, every response counts as followed.
    """
    stream: Any = response.stream
    try:
        connection = stream._httpcore_stream._stream._connection  # noqa: SLF001
        followed = bool(connection._h11_state.trailing_data[0])  # noqa: SLF001
        layer = connection._network_stream._stream  # noqa: SLF001
        while isinstance(layer, TLSStream):
            followed = followed or _has_record(layer.extra(TLSAttribute.ssl_object))  # noqa: S610
            layer = layer.transport_stream
        return followed or bool(layer._protocol.read_queue)  # noqa: SLF001
    except AttributeError:
        return True


def _has_record(tls: ssl.SSLObject) -> bool:
    """Return whether a layer of TLS holds a record of data, or cannot go on."""
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


def map_exception(error: httpx.HTTPError | TimeoutError, *, repeatable: bool, proxied: bool) -> TransportError:
    """Return what a failure of the transport is to us, by its cause; only a `repeatable` request changed nothing."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return TimedOut(may_have_happened=not repeatable)
    unresolved = False
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TlsFailed(getattr(cause, "verify_message", "") or cause.reason or "")
        unresolved = unresolved or isinstance(cause, socket.gaierror)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ProxyError):
        return ProxyFailed(str(error))
    if proxied and isinstance(error, httpx.ConnectError):
        return ProxyFailed("its name does not resolve" if unresolved else "no connection")
    if unresolved:
        return HostNotFound()
    may_have_happened = not repeatable and not isinstance(error, httpx.ConnectError)
    return ConnectionFailed(type(error).__name__, may_have_happened=may_have_happened)
