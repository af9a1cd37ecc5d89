"""CORS: what browsers ask before a listed web page may call, and what lets the page read the answer."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from errtrack_mcp.remote.host_origin import served_origins
from errtrack_mcp.settings import Settings

REQUEST_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "x-errtrack-read-only",
    "x-errtrack-toolsets",
    "x-posthog-host",
    "x-posthog-project-id",
    "x-request-id",
)


def cors(settings: Settings) -> Middleware:
    """Return Starlette's middleware for the listed origins; it stands behind HostOriginMiddleware, which refuses."""
    return Middleware(
        CORSMiddleware,
        allow_origins=served_origins(settings),
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=REQUEST_HEADERS,
        expose_headers=("www-authenticate", "x-request-id", "retry-after"),
    )
