"""The errors of the REST client.

    ApiError
    ├── NoKey                   nothing was sent: there is no key
    ├── UnusableName            "", "." or "..", which would name another address; nothing was sent
    ├── TransportError          nothing came back that could be read as an answer
    │   ├── HostNotFound        the name of the host does not resolve
    │   ├── ConnectionFailed    refused, reset or closed half-way
    │   ├── ProxyFailed         the proxy that the environment names leads nowhere
    │   ├── TlsFailed           the certificate is not trusted, or no TLS is spoken there
    │   └── TimedOut            no complete answer within the time allowed
    ├── InvalidResponse         something answered, but not as this API does
    │   ├── NotJson             a page of HTML, truncated JSON, another content type
    │   ├── BadShape            JSON without the fields that belong there
    │   ├── TooLarge            more bytes than one answer may have
    │   ├── Redirected          "look elsewhere", which is never followed
    │   └── IssueMerged         this issue's errors belong to another issue now
    └── StatusError             the API itself said no
        ├── BadRequest          400, 405, 413, 415 and the like
        │   └── HashTaken       400, a hash id that another release holds
        ├── Unauthenticated     401
        ├── Forbidden           403
        │   ├── MissingScope
        │   └── KeysNotAllowed
        ├── NotFound            404
        ├── RateLimited         429
        └── ServerError         5xx

Pure: a status and a body go in, an exception comes out (docs/posthog-api.md, section 2.1).
"""

import re
from typing import Any, ClassVar, NamedTuple


class RequestInfo(NamedTuple):
    """The request that failed: its host, project and path."""

    origin: str = ""
    project: str = ""
    path: tuple[str, ...] = ()


class ApiError(Exception):
    """A call to the REST API that brought no result.

    `code` is stable and documented; `transient` says whether the same call may succeed later; `request` is what was
    asked, set by `Client`.
    """

    code: ClassVar[str]
    transient: ClassVar[bool] = False
    request: RequestInfo = RequestInfo()


class NoKey(ApiError):
    """There is no key to ask with, so nothing was sent; `reason` is a sentence where more is known."""

    code = "no_key"

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class UnusableName(ApiError):
    """A part of a path that would lead elsewhere, such as `..`; nothing was sent."""

    code = "unusable_name"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} cannot be a part of a path")
        self.name = name


class TransportError(ApiError):
    """Nothing came back that could be read as an answer."""

    transient = True

    def __init__(self, reason: str = "", *, may_have_happened: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_happened = may_have_happened


class HostNotFound(TransportError):
    """The name of the host does not resolve."""

    code = "host_not_found"


class ConnectionFailed(TransportError):
    """The connection was refused, reset or closed half-way."""

    code = "connection_failed"


class ProxyFailed(TransportError):
    """The proxy that the environment names cannot be used, cannot be reached, or refused to connect."""

    code = "proxy_failed"


class TlsFailed(TransportError):
    """The certificate is not trusted, or what answers does not speak TLS."""

    code = "tls_failed"
    transient = False


class TimedOut(TransportError):
    """No complete answer came within the time allowed."""

    code = "timed_out"


class InvalidResponse(ApiError):
    """Something answered, but not as this API does; `status` is its HTTP status."""

    def __init__(self, status: int, detail: str = "") -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail


class NotJson(InvalidResponse):
    """The body is not JSON; `detail` is the title of the page, where it has one."""

    code = "not_json"


class BadShape(InvalidResponse):
    """The body is JSON without the fields that belong there; `detail` names them."""

    code = "unexpected_answer"


class TooLarge(InvalidResponse):
    """The body has more than the `limit` of bytes that one answer may have."""

    code = "answer_too_large"

    def __init__(self, status: int, limit: int) -> None:
        super().__init__(status)
        self.limit = limit


class Redirected(InvalidResponse):
    """The host says to look elsewhere; `detail` is the origin that it names."""

    code = "redirected"


class IssueMerged(InvalidResponse):
    """The errors of the issue that was asked for belong to the issue `issue_id` now."""

    code = "issue_merged"

    def __init__(self, status: int, issue_id: str) -> None:
        super().__init__(status, issue_id)
        self.issue_id = issue_id


class StatusError(ApiError):
    """The API said no, with this `status`, its own `api_code` and its own words in `detail`."""

    def __init__(self, status: int, api_code: str = "", detail: str = "") -> None:
        super().__init__(f"{status} {api_code}: {detail}")
        self.status = status
        self.api_code = api_code
        self.detail = detail


class BadRequest(StatusError):
    """The API does not accept what was sent."""

    code = "bad_request"


class HashTaken(BadRequest):
    """Another release of the project already has this hash id; `holder` says which, where that is known."""

    code = "hash_taken"

    def __init__(self, status: int, api_code: str = "", detail: str = "", holder: str = "") -> None:
        super().__init__(status, api_code, detail)
        self.holder = holder


class Unauthenticated(StatusError):
    """The API does not know the key."""

    code = "unauthenticated"


class Forbidden(StatusError):
    """The key is known but may not do this."""

    code = "forbidden"


class MissingScope(Forbidden):
    """The key lacks the scope named in `scope`."""

    code = "missing_scope"

    def __init__(self, status: int, api_code: str, detail: str, scope: str) -> None:
        super().__init__(status, api_code, detail)
        self.scope = scope


class KeysNotAllowed(Forbidden):
    """This call is not open to personal API keys on this installation, whatever their scopes."""

    code = "keys_not_allowed"


class NotFound(StatusError):
    """There is no such object in this project, or no such project."""

    code = "not_found"


class RateLimited(StatusError):
    """Too many requests; `retry_after` is the number of seconds to wait, or None where the API does not say."""

    code = "rate_limited"
    transient = True

    def __init__(self, status: int, api_code: str, detail: str, retry_after: float | None) -> None:
        super().__init__(status, api_code, detail)
        self.retry_after = retry_after


class ServerError(StatusError):
    """The API failed while it worked on the request."""

    code = "server_failed"
    transient = True


def refusal(status: int, body: object, retry_after: str | None = None) -> StatusError:
    """Turn an answer of status 400 or above into the exception that it means.

    `body` is the decoded JSON, in whatever shape it came; `retry_after` is the header's text.
    """
    api_code, detail = _envelope(body)
    if status == 401:
        return Unauthenticated(status, api_code, detail)
    if status == 403:
        return _forbidden(api_code, detail)
    if status == 404:
        return NotFound(status, api_code, detail)
    if status == 429:
        return RateLimited(status, api_code, detail, _seconds(retry_after, detail))
    if status >= 500:
        return ServerError(status, api_code, detail)
    if api_code == "release_hash_in_use" or re.search(r"^Hash id .* already in use", detail):
        return HashTaken(status, api_code, detail)
    return BadRequest(status, api_code, detail)


def _envelope(body: object) -> tuple[str, str]:
    """Read the code and the words from any of the API's error bodies."""
    if not isinstance(body, dict):
        return "", ""
    fields: dict[str, Any] = body
    code, detail, attribute = fields.get("code"), fields.get("detail"), fields.get("attr")
    if code is None and detail is None:  # the routes for logging in (docs/posthog-api.md, section 13)
        code, detail = fields.get("error"), fields.get("error_description")
    text = detail if isinstance(detail, str) else ""
    if isinstance(attribute, str) and attribute:
        text = f"{attribute}: {text}"
    return (code if isinstance(code, str) else ""), text


def _forbidden(api_code: str, detail: str) -> Forbidden:
    scope = re.search(r"missing required scope '([a-z_]+:[a-z]+)'", detail)
    if scope:
        return MissingScope(403, api_code, detail, scope[1])
    if re.search(r"does not support personal api key access", detail, re.IGNORECASE):
        return KeysNotAllowed(403, api_code, detail)
    return Forbidden(403, api_code, detail)


def _seconds(header: str | None, detail: str) -> float | None:
    """Read how long to wait from the header, or from the words where the header is missing."""
    if header and re.fullmatch(r"\d{1,9}", header.strip()):
        return float(header)
    said = re.search(r"available in (\d{1,9}) second", detail)
    return float(said[1]) if said else None
