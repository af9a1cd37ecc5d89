"""Routes and mounts: streamable HTTP, SSE, health, readiness, metrics, and where to log in."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from errtrack_mcp import __version__
from errtrack_mcp.remote.auth import AuthMiddleware, RouteNarrowing
from errtrack_mcp.remote.body_limit import BodyLimitMiddleware
from errtrack_mcp.remote.calls import create_remote_server
from errtrack_mcp.remote.cors import cors
from errtrack_mcp.remote.host_origin import HostOriginMiddleware
from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.in_flight_limit import InFlightLimit, InFlightLimitMiddleware
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.oauth_metadata import ENDPOINTS, WELL_KNOWN, Metadata, refuse_tokens
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.remote.redaction import RedactionMiddleware
from errtrack_mcp.remote.redis import RedisStore
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import RequestLogMiddleware
from errtrack_mcp.remote.sse import Sse
from errtrack_mcp.remote.stream_limit import StreamLimitMiddleware
from errtrack_mcp.remote.streamable_http import StreamableHttp
from errtrack_mcp.remote.token_check import TokenCheck, TokenCheckMiddleware
from errtrack_mcp.remote.tracing import configure_traces
from errtrack_mcp.remote.unread_body import UnreadBodyMiddleware
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.settings import ConfigurationError, Settings


def build_app(settings: Settings, *, sse_only: bool = False, upstream_app: ASGIApp | None = None) -> Starlette:
    """Put one process of the server together; `upstream_app` answers in place of PostHog where one is given.

    The app's `state.replica` says what it is doing. Raises ConfigurationError for settings that cannot work.
    """
    _check_shared_key(settings)
    configure_traces()
    metrics = Metrics()
    replica = Replica(metrics)
    shared = RedisStore(settings.redis_url, metrics) if settings.redis_url else None
    upstream = Upstream(settings, KeyRateLimiter(shared), IdempotencyStore(shared), metrics, upstream_app)
    server = create_remote_server(settings, upstream, replica, shared)
    endpoint = StreamableHttp(server)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with endpoint.running():
            yield
        await upstream.aclose()
        if shared is not None:
            await shared.aclose()

    sse = Sse(server)
    checked = partial(TokenCheckMiddleware, check=TokenCheck(upstream), settings=settings)
    limited = partial(_limited, checked=checked, limit=InFlightLimit(replica), replica=replica)
    stream, post, http = map(limited, (sse.stream, sse.post, endpoint))
    auth = partial(AuthMiddleware, settings=settings)
    http_routes = [] if sse_only else _http_routes(http, auth)
    routes = [*_open_routes(settings, replica, shared), *_sse_routes(stream, post, auth), *http_routes]
    app = Starlette(
        routes=routes,
        middleware=[  # the first one sees a request first
            Middleware(RequestLogMiddleware, replica),
            Middleware(UnreadBodyMiddleware, replica),
            Middleware(RedactionMiddleware),
            Middleware(HostOriginMiddleware, settings),
            cors(settings),
            Middleware(BodyLimitMiddleware, replica),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.replica = replica
    return app


def _check_shared_key(settings: Settings) -> None:
    """Raise ConfigurationError where everybody could use the operator's key, or there is none to use."""
    if settings.shared_key and (settings.public or settings.public_url or settings.served_hosts):
        never = "never with --public, ERRTRACK_PUBLIC_URL or --allowed-hosts"
        raise ConfigurationError([f"ERRTRACK_SHARED_KEY lets every caller use your key: {never}."])
    if settings.shared_key and settings.personal_api_key is None:
        raise ConfigurationError(["ERRTRACK_SHARED_KEY is set, but POSTHOG_PERSONAL_API_KEY is not."])


def _limited(app: ASGIApp, checked: Callable[[ASGIApp], ASGIApp], limit: InFlightLimit, replica: Replica) -> ASGIApp:
    """Put the limits before the check, which waits for PostHog."""
    return StreamLimitMiddleware(InFlightLimitMiddleware(checked(app), limit), replica)


def _http_routes(endpoint: ASGIApp, auth: Callable[..., ASGIApp]) -> list[BaseRoute]:
    """Return streamable HTTP, as the operator offers it and narrowed by its path."""
    narrowed = {
        "/mcp": RouteNarrowing(),
        "/mcp/readonly": RouteNarrowing(read_only=True),
        "/mcp/x/{toolsets}": RouteNarrowing(toolsets=True),
        "/mcp/x/{toolsets}/readonly": RouteNarrowing(read_only=True, toolsets=True),
    }
    return [
        Route(path + slash, auth(endpoint, route=narrowing))
        for path, narrowing in narrowed.items()
        for slash in ("", "/")
    ]


def _sse_routes(stream: ASGIApp, post: ASGIApp, auth: Callable[..., ASGIApp]) -> list[BaseRoute]:
    """Return the older transport: a stream, and the path that messages are posted to."""
    return [
        Route("/sse", auth(stream, route=RouteNarrowing()), methods=["GET"]),
        Route("/messages/", auth(post, route=RouteNarrowing()), methods=["POST"]),
    ]


def _open_routes(settings: Settings, replica: Replica, shared: RedisStore | None) -> list[BaseRoute]:
    """Return what needs no key."""

    async def healthz(_request: Request) -> Response:
        """Say that the process is alive."""
        return JSONResponse({"status": "ok", "version": __version__})

    async def readyz(_request: Request) -> Response:
        """Say whether to send calls here, and where the budget is kept."""
        budget = "process" if shared is None else ("redis" if await shared.look() else "process, since redis is away")
        state = {"status": "draining" if replica.draining else "ready", "budget": budget}
        return JSONResponse(state, 503 if replica.draining else 200)

    async def metrics(_request: Request) -> Response:
        """Show what has been counted."""
        text, content_type = replica.metrics.exposition()
        return Response(text, media_type=content_type)

    document = Metadata(settings)
    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route(WELL_KNOWN, document.show),
        Route(WELL_KNOWN + "/{resource:path}", document.show),
        *(Route(path, refuse_tokens, methods=["GET", "POST"]) for path in ENDPOINTS),
    ]
