"""The REST API for one caller over a shared pool of connections: the only import of httpx."""

import os
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import anyio
import httpx
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import from_json
from starlette.types import ASGIApp

from errtrack_mcp import __version__
from errtrack_mcp.api.errors import (
    ApiError,
    BadShape,
    ConnectionFailed,
    HostNotFound,
    NoAnswer,
    NotFound,
    NotJson,
    ProxyFailed,
    Redirected,
    ServerFailed,
    TimedOut,
    TlsFailed,
    TooLarge,
    refusal,
)
from errtrack_mcp.api.page import Page, Row, list_answer
from errtrack_mcp.api.proxy import proxy_for
from errtrack_mcp.api.retry import REPEATABLE, RetryPolicy, wait_before_retry
from errtrack_mcp.api.text import clean_value, needs_no_cleaning, title_of_page

Model = TypeVar("Model", bound=BaseModel)

MAX_BODY_BYTES = 20_000_000
MAX_CONNECTIONS = 64

# Accompanies one request on its way out, given method and resource; the status is told to what it yields.
Passage = Callable[[str, str], AbstractAsyncContextManager[Callable[[int], None]]]
# Is shown every answer before its body is read.
Watch = Callable[[httpx.Response], None]


def unaccompanied(_method: str, _resource: str) -> AbstractAsyncContextManager[Callable[[int], None]]:
    """Let a request pass without looking."""
    return nullcontext(lambda _status: None)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A complete answer with a status below 300."""

    status: int
    body: bytes


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


@dataclass(frozen=True, slots=True)
class Client:
    """One caller's view of one project.

    `prefix` is ("projects", id) or ("environments", id). Every method takes the parts of a path below
    `error_tracking/`, each sent as one encoded segment, and raises ApiError; `timeout` (seconds) covers a whole
    request with its retries; `headers` go with every request, and `passage` accompanies each try.
    """

    pool: Pool
    key: SecretStr
    prefix: tuple[str, str]
    timeout: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict)
    passage: Passage = unaccompanied

    async def get(self, *path: str, into: type[Model], **query: str | int | None) -> Model:
        """Fetch one object."""
        return _read(await self._request("GET", path, query=query), into)

    async def get_page(self, *path: str, of: type[Row], offset: int, **query: str | int | None) -> Page[Row]:
        """Fetch one page of a list, from row `offset`."""
        answer = await self._request("GET", path, query={"offset": offset or None, **query})
        listed = _read(answer, list_answer(of))
        next_offset = offset + len(listed.results) if listed.next and listed.results else None
        return Page(count=listed.count, next_offset=next_offset, results=listed.results)

    async def post(self, *path: str, body: Mapping[str, Any], into: type[Model]) -> Model:
        """Create an object; never repeated unless the API says that it did nothing."""
        return _read(await self._request("POST", path, body=body), into)

    async def patch(self, *path: str, body: Mapping[str, Any]) -> None:
        """Change an object; the API answers with nothing (contract, section 5.4)."""
        await self._request("PATCH", path, body=body)

    async def delete(self, *path: str) -> None:
        """Delete an object; finding it gone after a failed try counts as done."""
        await self._request("DELETE", path)

    def path(self, *parts: str) -> str:
        """Join parts to a path on the host, each encoded as one segment; `.` and `..` are refused."""
        return "/".join(["/api", *map(_segment, self.prefix), "error_tracking", *map(_segment, parts), ""])

    async def _request(
        self,
        method: str,
        parts: tuple[str, ...],
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> RawAnswer:
        """Send one request, with the retries that are safe, within the time allowed."""
        url = self.pool.origin + self.path(*parts)
        params = {name: value for name, value in (query or {}).items() if value is not None}
        tries, rate_limit_waited, perhaps_done = 0, 0.0, False
        deadline = anyio.current_time() + self.timeout
        while True:
            tries += 1
            try:
                with anyio.fail_after(self._share_of_time(method, deadline, tries)):
                    return await self._try(method, url, params, body, parts[0])
            except TimeoutError:
                failure: ApiError = TimedOut(may_have_happened=method not in REPEATABLE)
            except ApiError as error:
                if method == "DELETE" and perhaps_done and isinstance(error, NotFound):
                    return RawAnswer(status=204, body=b"")
                failure = error
            perhaps_done = perhaps_done or isinstance(failure, NoAnswer | ServerFailed)
            wait = wait_before_retry(self.retry, method, failure, tries, rate_limit_waited)
            if wait is None or anyio.current_time() + wait >= deadline:
                raise failure
            if getattr(failure, "status", None) == 429:
                rate_limit_waited += wait
            await anyio.sleep(wait)

    def _share_of_time(self, method: str, deadline: float, tries: int) -> float:
        """Give a try that may be repeated half of the time left, so that a hanging answer leaves time to ask again."""
        left = max(deadline - anyio.current_time(), 0.0)
        return left / 2 if method in REPEATABLE and tries <= self.retry.attempts else left

    async def _try(
        self, method: str, url: str, params: Mapping[str, str | int], body: Mapping[str, Any] | None, resource: str
    ) -> RawAnswer:
        transport = self.pool.transport()
        request = httpx.Request(method, url, params=params or None, json=body, headers=self._headers())
        async with self.passage(method, resource) as answered:
            try:
                response = await transport.handle_async_request(request)
                answered(response.status_code)
                if self.pool.watch:
                    self.pool.watch(response)
                try:
                    content = await _read_body(response)
                except httpx.DecodingError:
                    content = b""  # the status says what it was worth; where JSON is needed, this is none
                finally:
                    await response.aclose()
            except (httpx.HTTPError, TimeoutError) as error:
                raise _named(error, method, proxied=self.pool.proxied) from error
        return _checked(response, content)

    def _headers(self) -> dict[str, str]:
        """Say who asks; no frame keeps the answer in a variable, since crash reporters show those."""
        return {
            **self.headers,
            "Authorization": f"Bearer {self.key.get_secret_value()}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"errtrack-mcp/{__version__}",
        }


def _segment(part: str) -> str:
    """Encode one part of a path, so that it can never become two or climb up."""
    if part in {"", ".", ".."}:
        raise ValueError(f"{part!r} cannot be a part of a path")
    return quote(part, safe="@")


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


def _checked(response: httpx.Response, content: bytes) -> RawAnswer:
    """Return an answer that succeeded; raise what any other means."""
    status = response.status_code
    if 300 <= status < 400:
        location = urlsplit(response.headers.get("location", ""))
        raise Redirected(status, f"{location.scheme}://{location.netloc}" if location.netloc else "")
    if status < 300:
        return RawAnswer(status, content)
    try:
        body = from_json(content) if content else None
    except ValueError:
        title = title_of_page(content)
        if status >= 500:
            raise ServerFailed(status, NotJson.code, title) from None
        raise NotJson(status, title) from None
    raise refusal(status, body, response.headers.get("retry-after"))


def _read(answer: RawAnswer, into: type[Model]) -> Model:
    """Read the body into a model, cleaning every string in it."""
    try:
        if needs_no_cleaning(answer.body):
            return into.model_validate_json(answer.body)
        return into.model_validate(clean_value(from_json(answer.body)))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise NotJson(answer.status, title_of_page(answer.body)) from None
        fields = sorted({".".join(map(str, problem["loc"])) or "the whole body" for problem in problems})
        raise BadShape(answer.status, ", ".join(fields[:5])) from None
    except ValueError:
        raise NotJson(answer.status, title_of_page(answer.body)) from None


def _named(error: httpx.HTTPError | TimeoutError, method: str, *, proxied: bool) -> NoAnswer | NotJson:
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
