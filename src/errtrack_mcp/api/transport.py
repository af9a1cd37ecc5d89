"""The connections to one host, and one request over them: the only import of httpx."""

import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

from errtrack_mcp.api.errors import (
    ConnectionFailed,
    HostNotFound,
    ProxyFailed,
    TimedOut,
    TlsFailed,
    TooLarge,
    TransportError,
)
from errtrack_mcp.api.proxy import proxy_for
from errtrack_mcp.api.retry import REPEATABLE

MAX_BODY_BYTES = 20_000_000
MAX_CONNECTIONS = 64

# Is shown every answer before its body is read.
Watch = Callable[[httpx.Response], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, to an absolute URL; `headers` are asked for when it is sent, so that nothing here holds the key."""

    method: str
    url: str
    params: Mapping[str, str | int]
    body: Mapping[str, Any] | None
    headers: Callable[[], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that arrived complete, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Pool:
    """The connections of one process to one host; it holds no key.

    `origin` is scheme and host; `app` answers in place of the network where one is given. Connections and the
    TLS context are made at the first request, so that starting costs nothing.
    """

    origin: str
    app: ASGIApp | None = None
    proxied: bool = field(default=False, init=False)
    watch: Watch | None = field(default=None, init=False)
    _transport: httpx.AsyncBaseTransport | None = field(default=None, init=False)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return httpx's transport, made on first use.

        Its client above would follow redirects, keep cookies and read the environment, all of which is unwanted here,
        and take a tenth of a call for it. Nothing here ends by itself: each request is bounded as a whole.
        """
        if self._transport is None:
            proxy = None if self.app else proxy_for(self.origin)
            self.proxied = proxy is not None
            self._transport = (
                httpx.ASGITransport(self.app, raise_app_exceptions=False)
                if self.app
                else httpx.AsyncHTTPTransport(
                    verify=_tls_context() if self.origin.startswith("https://") else False,
                    proxy=_through(proxy) if proxy else None,
                    trust_env=False,  # proxy_for has read the environment
                    limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
                )
            )
        return self._transport

    async def send(self, asked: Request, answered: Callable[[int], None]) -> Response:
        """Send a request and read its answer; `answered` is told the status before the body is read.

        Raises TransportError, and TooLarge beyond 20 MB.
        """
        transport = self.transport()
        params = asked.params or None
        request = httpx.Request(asked.method, asked.url, params=params, json=asked.body, headers=asked.headers())
        try:
            response = await transport.handle_async_request(request)
            answered(response.status_code)
            if self.watch:
                self.watch(response)
            try:
                content = await _read_body(response)
            except httpx.DecodingError:
                content = b""  # the status says what it was worth; where JSON is needed, this is none
            finally:
                await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise _named(error, asked.method, proxied=self.proxied) from error
        return Response(response.status_code, content, response.headers)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.aclose()


def _tls_context() -> ssl.SSLContext:
    """Trust what the operating system trusts, and SSL_CERT_FILE and SSL_CERT_DIR where they are set."""
    import truststore  # noqa: PLC0415 - takes time that only a first request over TLS should pay

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file := os.environ.get("SSL_CERT_FILE"):
        try:
            context.load_verify_locations(file)  # elsewhere than on Linux nobody else would read it
        except OSError:
            raise TlsFailed("SSL_CERT_FILE cannot be read") from None
    return context


def _through(proxy: str) -> httpx.Proxy:
    """Name a proxy to httpx; one that is itself reached over TLS is trusted as the host is."""
    return httpx.Proxy(proxy, ssl_context=_tls_context() if proxy.startswith("https://") else None)


async def _read_body(response: httpx.Response) -> bytes:
    """Read the body as it streams, and stop at the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise TooLarge(response.status_code)
        chunks.append(chunk)
    return b"".join(chunks)


def _named(error: httpx.HTTPError | TimeoutError, method: str, *, proxied: bool) -> TransportError:
    """Return what the transport's failure is to us, by its cause."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return TimedOut(may_have_happened=method not in REPEATABLE)
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
    may_have_happened = method not in REPEATABLE and not isinstance(error, httpx.ConnectError)
    return ConnectionFailed(type(error).__name__, may_have_happened=may_have_happened)
