"""The REST API for one caller, over the pool of connections that callers share."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import anyio
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import from_json

from errtrack_mcp import __version__
from errtrack_mcp.api.errors import (
    ApiError,
    BadShape,
    NotFound,
    NotJson,
    RateLimited,
    Redirected,
    ServerError,
    TimedOut,
    TransportError,
    refusal,
)
from errtrack_mcp.api.page import Page, Row, list_answer
from errtrack_mcp.api.retry import REPEATABLE, RetryPolicy, wait_before_retry
from errtrack_mcp.api.sanitize import clean_value, needs_no_cleaning, title_of_page
from errtrack_mcp.api.transport import Pool, Request, Response

Model = TypeVar("Model", bound=BaseModel)

# Accompanies one request on its way out, given method and resource; the status is told to what it yields.
Passage = Callable[[str, str], AbstractAsyncContextManager[Callable[[int], None]]]


def unaccompanied(_method: str, _resource: str) -> AbstractAsyncContextManager[Callable[[int], None]]:
    """Let a request pass without looking."""
    return nullcontext(lambda _status: None)


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
    ) -> Response:
        """Send one request, with the retries that are safe, within the time allowed."""
        params = {name: value for name, value in (query or {}).items() if value is not None}
        request = Request(method, self.pool.origin + self.path(*parts), params, body, self._headers)
        tries, rate_limit_waited, perhaps_done = 0, 0.0, False
        deadline = anyio.current_time() + self.timeout
        while True:
            tries += 1
            try:
                with anyio.fail_after(self._share_of_time(method, deadline, tries)):
                    return await self._try(request, parts[0])
            except TimeoutError:
                failure: ApiError = TimedOut(may_have_happened=method not in REPEATABLE)
            except ApiError as error:
                if method == "DELETE" and perhaps_done and isinstance(error, NotFound):
                    return Response(status=204, body=b"")
                failure = error
            perhaps_done = perhaps_done or isinstance(failure, TransportError | ServerError)
            wait = wait_before_retry(self.retry, method, failure, tries, rate_limit_waited)
            if wait is None or anyio.current_time() + wait >= deadline:
                raise failure
            if isinstance(failure, RateLimited):
                rate_limit_waited += wait
            await anyio.sleep(wait)

    def _share_of_time(self, method: str, deadline: float, tries: int) -> float:
        """Give a try that may be repeated half of the time left, so that a hanging answer leaves time to ask again."""
        left = max(deadline - anyio.current_time(), 0.0)
        return left / 2 if method in REPEATABLE and tries <= self.retry.attempts else left

    async def _try(self, request: Request, resource: str) -> Response:
        async with self.passage(request.method, resource) as answered:
            answer = await self.pool.send(request, answered)
        return _checked(answer)

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


def _checked(answer: Response) -> Response:
    """Return an answer that succeeded; raise what any other means."""
    status, content = answer.status, answer.body
    if 300 <= status < 400:
        location = urlsplit(answer.headers.get("location", ""))
        raise Redirected(status, f"{location.scheme}://{location.netloc}" if location.netloc else "")
    if status < 300:
        return answer
    try:
        body = from_json(content) if content else None
    except ValueError:
        title = title_of_page(content)
        if status >= 500:
            raise ServerError(status, NotJson.code, title) from None
        raise NotJson(status, title) from None
    raise refusal(status, body, answer.headers.get("retry-after"))


def _read(answer: Response, into: type[Model]) -> Model:
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
