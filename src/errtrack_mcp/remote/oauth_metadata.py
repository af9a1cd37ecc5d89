"""The protected-resource metadata (RFC 9728): where a client that speaks OAuth finds who issues tokens."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from errtrack_mcp.settings import Settings

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def base_url(scope: Scope, settings: Settings) -> str:
    """Return the origin under which the caller reached us, as configured or else as the request says."""
    return settings.public_url or f"{scope['scheme']}://{Headers(scope=scope).get('host', 'localhost')}"


def challenge(scope: Scope, settings: Settings) -> str:
    """Return the WWW-Authenticate header for a request without a usable key."""
    path = quote(scope["path"].rstrip("/"))  # decoded by now, and a header takes neither quotes nor line ends
    return f'Bearer resource_metadata="{base_url(scope, settings)}{WELL_KNOWN}{path}"'


def protected_resource(resource: str, settings: Settings) -> dict[str, Any]:
    """Return the document for one resource: PostHog itself issues the tokens."""
    return {
        "resource": resource,
        "resource_name": "errtrack-mcp",
        "authorization_servers": [settings.host],
        "scopes_supported": ["error_tracking:read", "error_tracking:write"],
        "bearer_methods_supported": ["header"],
    }


class Metadata:
    """The routes of the document."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def show(self, request: Request) -> Response:
        """Answer with the document for the resource that the path names."""
        path = request.url.path.removeprefix(WELL_KNOWN).rstrip("/")
        return JSONResponse(protected_resource(base_url(request.scope, self._settings) + path, self._settings))
