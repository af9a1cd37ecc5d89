"""OAuth for clients: the protected-resource metadata (RFC 9728), and the answer that this server issues no tokens."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from errtrack_mcp.api.posthog import READ_SCOPE, REGIONS, WRITE_SCOPE
from errtrack_mcp.api.redaction import without_keys
from errtrack_mcp.remote.redaction import sent_key
from errtrack_mcp.settings import Settings

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ENDPOINTS = ("/register", "/authorize", "/token")  # where a client looks that knows of no authorization server
NO_TOKENS = (
    "This server registers no clients and issues no tokens. Configure your client to send your PostHog key with each "
    "request, in the header Authorization: Bearer phx_..."
)


def base_url(scope: Scope, settings: Settings) -> str:
    """Return the address under which the caller reached this app: the origin as configured or else as requested."""
    origin = settings.public_url or f"{scope['scheme']}://{Headers(scope=scope).get('host', 'localhost')}"
    return origin + quote(scope.get("root_path", "").rstrip("/"))


def challenge(scope: Scope, settings: Settings) -> str:
    """Return the WWW-Authenticate header for a request without a usable key: where to log in, and for which scopes.

    One that brought something says that it was of no use, so that a client with a refresh token uses that (RFC 6750).
    """
    # decoded by now, and a header takes neither quotes nor line ends
    path = quote(scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/"))
    error = 'error="invalid_token", ' if "authorization" in Headers(scope=scope) else ""
    scopes = " ".join(scopes_for(path, settings))
    return f'Bearer {error}scope="{scopes}", resource_metadata="{base_url(scope, settings)}{WELL_KNOWN}{path}"'


def scopes_for(path: str, settings: Settings) -> list[str]:
    """Return the scopes that a token needs at a path; a token is as strong as its scopes, so no more are named."""
    return [READ_SCOPE] if settings.read_only or path.endswith("/readonly") else [READ_SCOPE, WRITE_SCOPE]


def protected_resource(resource: str, settings: Settings) -> dict[str, Any]:
    """Return the document for one resource. PostHog Cloud issues tokens; one elsewhere where the operator says so."""
    issues_tokens = settings.oauth or settings.host in REGIONS
    return {
        "resource": resource,
        "resource_name": "errtrack-mcp",
        **({"authorization_servers": [settings.host]} if issues_tokens else {}),
        "scopes_supported": scopes_for(resource, settings),
        "bearer_methods_supported": ["header"],
    }


async def refuse_tokens(_request: Request) -> Response:
    """Answer a client that wants to register, to log in or to get a token, in the words that it shows its user."""
    return JSONResponse({"error": "invalid_request", "error_description": NO_TOKENS}, 400)


class Metadata:
    """The routes of the document."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def show(self, request: Request) -> Response:
        """Answer with the document for the resource that the path names."""
        named = without_keys(request.path_params.get("resource", ""), sent_key(request.scope))
        path = quote(named.rstrip("/"))
        resource = base_url(request.scope, self._settings) + (f"/{path}" if path else "")
        return JSONResponse(protected_resource(resource, self._settings))
