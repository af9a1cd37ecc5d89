"""Bodies of requests: parsed once, by their content type, before anything else about a request is checked."""

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from errtrack_mcp.sandbox.envelope import ApiError, parse_error, unsupported_media_type

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FILE = "*/*"

JSON_OR_FORM = (JSON, FORM, MULTIPART)
JSON_ONLY = (JSON,)
FILES = (MULTIPART, FILE)

MISSING_FILENAME = "Missing filename. Request should include a Content-Disposition header with a filename parameter."


@dataclass(frozen=True)
class Body:
    """What a body says; `error` is what is wrong with it."""

    data: Any = field(default_factory=dict)
    is_form: bool = False
    error: ApiError | None = None

    def text(self, name: str) -> str | None:
        """Look for one text in the body, whatever the body is."""
        value = self.data.get(name) if isinstance(self.data, dict) else None
        return value if isinstance(value, str) else None


async def parse_body(request: Request, parses: tuple[str, ...]) -> Body:
    """Parse a body as a resource does that takes these content types; nothing at all is an empty object."""
    content = await request.body()
    if not content:
        return Body()
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type not in parses:
            _check_file(request, content_type, parses)
            return Body()
        if media_type == JSON:
            return Body(_parse_json(content))
        return Body(await _parse_form(request), is_form=True)
    except ApiError as error:
        return Body(error=error)


def _check_file(request: Request, content_type: str, parses: tuple[str, ...]) -> None:
    """Refuse a body of another content type, unless it is a file that says its name."""
    if FILE not in parses:
        raise unsupported_media_type(content_type)
    disposition = Message()
    disposition["Content-Disposition"] = request.headers.get("content-disposition", "")
    if not disposition.get_filename():
        raise parse_error(MISSING_FILENAME)


def _parse_json(content: bytes) -> Any:
    """Read JSON; NaN and Infinity are read too, and break the service where they are stored."""
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise parse_error(f"JSON parse error - {error}") from None


async def _parse_form(request: Request) -> dict[str, str]:
    try:
        form = await request.form()
    except HTTPException as error:
        raise parse_error(f"Multipart form parse error - {error.detail}") from None
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
