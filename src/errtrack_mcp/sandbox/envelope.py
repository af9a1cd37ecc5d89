"""The forms of responses: error bodies, pages, and the empty 204."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DEFAULT_LIMIT = 100
LARGEST = 2**63 - 1  # that a database of PostHog's counts to


class ApiError(Exception):
    """An answer other than success."""

    def __init__(  # noqa: PLR0913 - the four keys of the body, its status and its headers
        self,
        status: int,
        type: str,  # noqa: A002 - the field's own name
        code: str,
        detail: str,
        *,
        attr: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": type, "code": code, "detail": detail, "attr": attr}
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Render the error as the API does."""
        return JSONResponse(self.body, self.status, self.headers)


def not_authenticated() -> ApiError:
    """Say that no credential was found."""
    return ApiError(401, "authentication_error", "not_authenticated", "Authentication credentials were not provided.")


def authentication_failed(detail: str) -> ApiError:
    """Say that a credential was found, and is wrong."""
    return ApiError(401, "authentication_error", "authentication_failed", detail)


def permission_denied(detail: str) -> ApiError:
    """Say that the caller is known, and may not."""
    return ApiError(403, "authentication_error", "permission_denied", detail)


def not_found(detail: str = "Not found.", code: str = "not_found") -> ApiError:
    """Say that there is no such thing here."""
    return ApiError(404, "invalid_request", code, detail)


def method_not_allowed(method: str, allow: str) -> ApiError:
    """Say that the path exists, and this method on it does not."""
    detail = f'Method "{method}" not allowed.'
    return ApiError(405, "invalid_request", "method_not_allowed", detail, headers={"Allow": allow})


def invalid(detail: str, code: str = "invalid_input", attr: str | None = None) -> ApiError:
    """Say that a value was refused."""
    return ApiError(400, "validation_error", code, detail, attr=attr)


def parse_error(detail: str) -> ApiError:
    """Say that the body is not what its content type promises."""
    return ApiError(400, "invalid_request", "parse_error", detail)


def unsupported_media_type(media_type: str) -> ApiError:
    """Say that the body is of a kind that is not read here."""
    detail = f'Unsupported media type "{media_type}" in request.'
    return ApiError(415, "invalid_request", "unsupported_media_type", detail)


def throttled(wait: float) -> ApiError:
    """Say in how many seconds to come back, rounded up."""
    seconds = math.ceil(wait)
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    return ApiError(429, "throttled_error", "throttled", detail, headers={"Retry-After": str(seconds)})


def server_error() -> ApiError:
    """Say that the service broke, and not how."""
    return ApiError(500, "server_error", "error", "A server error occurred.")


def no_content() -> Response:
    """204 with a really empty body and no content type."""
    return Response(status_code=204)


@dataclass(frozen=True)
class Window:
    """The part of a list that was asked for."""

    limit: int
    offset: int

    @classmethod
    def asked_by(cls, request: Request, max_limit: int = LARGEST) -> Self:
        """Read limit and offset, silently replacing what cannot be used; 2^63 and more breaks the service."""
        limit = _whole_number(request.query_params.get("limit"), least=1, otherwise=DEFAULT_LIMIT)
        offset = _whole_number(request.query_params.get("offset"), least=0, otherwise=0)
        if max(limit, offset) > LARGEST:
            raise server_error()
        return cls(min(limit, max_limit), offset)


def page(request: Request, window: Window, results: list[dict[str, Any]], *, count: int | None, more: bool) -> Response:
    """Wrap one page of results, with links to its neighbours."""
    following = preceding = None
    if more:
        following = _link(request, window.limit, window.offset + window.limit)
    if window.offset > 0:
        preceding = _link(request, window.limit, window.offset - window.limit)
    return JSONResponse({"count": count, "next": following, "previous": preceding, "results": results})


def _link(request: Request, limit: int, offset: int) -> str:
    parts = urlsplit(str(request.url))
    query = parse_qs(parts.query, keep_blank_values=True) | {"limit": [str(limit)]}
    query.pop("offset", None)
    if offset > 0:
        query["offset"] = [str(offset)]
    return urlunsplit(parts._replace(query=urlencode(sorted(query.items()), doseq=True)))


def _whole_number(text: str | None, *, least: int, otherwise: int) -> int:
    try:
        number = int(text or "")
    except ValueError:
        return otherwise
    return number if number >= least else otherwise
