"""The REST API for one caller, over the pool of connections that callers share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import anyio
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import from_json

from errtrack_mcp import __version__
from errtrack_mcp.api.errors import (
    ApiError,
    BadShape,
    IssueMerged,
    NoKey,
    NotFound,
    NotJson,
    RateLimited,
    Redirected,
    RequestInfo,
    ServerError,
    TimedOut,
    TransportError,
    UnusableName,
    refusal,
)
from errtrack_mcp.api.large_answers import LargeAnswers
from errtrack_mcp.api.models import Page, Row, list_body
from errtrack_mcp.api.query_routes import QueryRoutes
from errtrack_mcp.api.redaction import without_key
from errtrack_mcp.api.retry import RetryPolicy, wait_before_retry
from errtrack_mcp.api.sanitize import clean_value, needs_no_cleaning, title_of_page
from errtrack_mcp.api.transport import Request, Response, Transport

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")

# What a middlebox adds after the empty body of a 204 would otherwise answer the next request.
LAST_ON_ITS_CONNECTION = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Client:
    """One caller's view of one project.

    `prefix` is ("projects", id) or ("environments", id), below `root`. Every method takes the parts of a path below
    `base`, each sent as one encoded segment, and raises ApiError with its `request`, NoKey without a `key`; `timeout`
    (seconds) covers a whole request with its retries; `headers` go with every request; `large_answers` and
    `query_routes` are what callers share. `why_no_key` tells the caller more where there is none. `anonymous` sends no
    key at all.
    """

    transport: Transport
    key: SecretStr | None
    prefix: tuple[str, ...]
    timeout: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict)
    base: tuple[str, ...] = ("error_tracking",)
    large_answers: LargeAnswers = field(default_factory=LargeAnswers)
    query_routes: QueryRoutes = field(default_factory=QueryRoutes)
    why_no_key: str = ""
    anonymous: bool = False
    root: str = "/api"

    @property
    def origin(self) -> str:
        """Scheme and host of PostHog."""
        return self.transport.origin

    def secret(self) -> str:
        """Return the key itself. Raises NoKey."""
        if self.key is None:
            raise NoKey(self.why_no_key)
        return self.key.get_secret_value()

    async def get(self, *path: str, into: type[Model], **query: str | int | None) -> Model:
        """Fetch one object."""
        return await self._request("GET", path, partial(_read, into), query=query)

    async def get_page(self, *path: str, of: type[Row], offset: int, **query: str | int | None) -> Page[Row]:
        """Fetch one page of a list, from row `offset`."""
        read = partial(_read, list_body(of))
        listed = await self._request("GET", path, read, query={"offset": offset or None, **query})
        next_offset = offset + len(listed.results) if listed.next and listed.results else None
        return Page(count=listed.count, next_offset=next_offset, results=listed.results)

    async def read(
        self,
        *path: str,
        body: Mapping[str, Any],
        into: type[Model],
        prepare: Callable[[Any], Any] | None = None,
    ) -> Model:
        """Ask with a POST that changes nothing, so that it may be repeated as a GET may.

        `prepare` changes the JSON of the answer before the strings in it are cleaned.
        """
        return await self._request("POST", path, partial(_read, into, prepare=prepare), body=body, may_repeat=True)

    async def post(self, *path: str, body: Mapping[str, Any], into: type[Model], may_repeat: bool = False) -> Model:
        """Create an object; never repeated unless the API says that it did nothing, or a second time does no harm."""
        return await self._request("POST", path, partial(_read, into), body=body, may_repeat=may_repeat)

    async def patch(self, *path: str, body: Mapping[str, Any]) -> None:
        """Change an object; the API answers with nothing (docs/posthog-api.md, section 5.4)."""
        await self._request("PATCH", path, _ignore, body=body)

    async def delete(self, *path: str) -> None:
        """Delete an object; finding it gone after a failed try counts as done."""
        await self._request("DELETE", path, _ignore)

    def path(self, *parts: str) -> str:
        """Join parts to a path on the host, each encoded as one segment. Raises UnusableName for `.` and `..`."""
        return "/".join([self.root, *map(_segment, (*self.prefix, *self.base, *parts)), ""])

    async def _request(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        parts: tuple[str, ...],
        read: Callable[[Response], Result],
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
        may_repeat: bool = False,
    ) -> Result:
        """Send one request and read its response, and let a failure say what was asked."""
        params = {name: value for name, value in (query or {}).items() if value is not None}
        headers = partial(self._headers, method)
        try:
            url = self.origin + self.path(*parts)
            request = Request(method, url, parts[0], params, body, headers, may_repeat=may_repeat)
            return await self._with_retries(request, read)
        except ApiError as error:
            error.request = RequestInfo(self.origin, self.prefix[-1], parts)
            raise

    async def _with_retries(self, request: Request, read: Callable[[Response], Result]) -> Result:
        """Send one request, with the retries that are safe, within the time allowed."""
        tries, rate_limit_waited, perhaps_done = 0, 0.0, False
        deadline = anyio.current_time() + self.timeout
        while True:
            tries += 1
            try:
                with anyio.fail_after(self._share_of_time(request, deadline, tries)):
                    return await self._try(request, read)
            except TimeoutError:
                failure: ApiError = TimedOut(may_have_happened=not request.repeatable)
            except ApiError as error:
                if request.method == "DELETE" and perhaps_done and isinstance(error, NotFound):
                    return read(Response(status=204, body=b""))
                failure = error
            perhaps_done = perhaps_done or isinstance(failure, TransportError | ServerError)
            wait = wait_before_retry(self.retry, failure, tries, rate_limit_waited, repeatable=request.repeatable)
            if wait is None or anyio.current_time() + wait >= deadline:
                raise failure
            if isinstance(failure, RateLimited):
                rate_limit_waited += wait
            await anyio.sleep(wait)

    async def _try(self, request: Request, read: Callable[[Response], Result]) -> Result:
        """Send a request once, and read its response in the place that a large one needs."""
        async with self.large_answers.place() as place:
            response = await self.transport.send(request._replace(before_large=place.take))
            await place.turn_to_parse()
            return read(_checked(self._without_key(response)))

    def _share_of_time(self, request: Request, deadline: float, tries: int) -> float:
        """Give a try that may be repeated half of the time left, so that a hanging one leaves time to ask again."""
        left = max(deadline - anyio.current_time(), 0.0)
        return left / 2 if request.repeatable and tries <= self.retry.attempts else left

    def _headers(self, method: str) -> dict[str, str]:
        """Say who asks; no frame keeps the headers in a variable, since crash reporters show those."""
        return {
            **self.headers,
            **({} if method in {"GET", "POST"} else LAST_ON_ITS_CONNECTION),
            **({} if self.anonymous else {"Authorization": f"Bearer {self.secret()}"}),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"errtrack-mcp/{__version__}",
        }

    def _without_key(self, response: Response) -> Response:
        """Take the key out of a response that repeats it: nothing that leaves this process may hold it."""
        if self.anonymous:
            return response
        key = self.secret()
        text = response.body.decode(errors="surrogateescape")
        redacted = without_key(text, key)
        headers = {name: without_key(value, key) for name, value in response.headers.items()}
        body = response.body if redacted == text else redacted.encode(errors="surrogateescape")
        return replace(response, body=body, headers=headers)


def _segment(part: str) -> str:
    """Encode one part of a path, so that it can never become two or climb up."""
    if part in {"", ".", ".."}:
        raise UnusableName(part)
    return quote(part, safe="@")


def _checked(response: Response) -> Response:
    """Return a response that succeeded; raise what any other means."""
    status, content = response.status, response.body
    if 300 <= status < 400:
        if issue_id := _merged_into(response):
            raise IssueMerged(status, issue_id)
        raise Redirected(status, _origin_of(response.headers.get("location", "")))
    if status < 300:
        return response
    try:
        body = from_json(content) if content else None
    except ValueError:
        title = title_of_page(content)
        if status >= 500:
            raise ServerError(status, NotJson.code, title) from None
        raise NotJson(status, title) from None
    raise refusal(status, body, response.headers.get("retry-after"))


def _merged_into(response: Response) -> str | None:
    """Return the issue that a redirection without an address names, or None (docs/posthog-api.md, section 10.4)."""
    if "location" in response.headers:
        return None
    try:
        return str(UUID(from_json(response.body)["issue_id"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _origin_of(location: str) -> str:
    """Return scheme and host of an address, or nothing where it has none."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _ignore(_response: Response) -> None:
    """Read nothing: the status has said it all."""


def _read(into: type[Model], response: Response, prepare: Callable[[Any], Any] | None = None) -> Model:
    """Read the body into a model, cleaning every string in it."""
    try:
        if prepare:
            return into.model_validate(clean_value(prepare(from_json(response.body))))
        if needs_no_cleaning(response.body):
            return into.model_validate_json(response.body)
        return into.model_validate(clean_value(from_json(response.body)))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise NotJson(response.status, title_of_page(response.body)) from None
        fields = sorted({".".join(map(str, problem["loc"])) or "the whole body" for problem in problems})
        raise BadShape(response.status, ", ".join(fields[:5])) from None
    except ValueError:
        raise NotJson(response.status, title_of_page(response.body)) from None
