"""The caller: key, project and restrictions, read from the headers of each request (pure ASGI)."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from pydantic import SecretStr, TypeAdapter, ValidationError
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.api.posthog import PERSONAL_KEY, SCOPES, kind_of_key
from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.remote.idempotency import HEADERS as IDEMPOTENCY_HEADERS
from errtrack_mcp.remote.oauth_metadata import challenge
from errtrack_mcp.remote.request_log import REQUEST_ID
from errtrack_mcp.server.app import fixed_project
from errtrack_mcp.server.catalog.filters import Selection
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from errtrack_mcp.settings import Origin, ProjectNumber, Settings

CALLER = "errtrack.caller"
OURS = (
    b"authorization",
    b"x-posthog-project-id",
    b"x-posthog-host",
    b"x-errtrack-read-only",
    b"x-errtrack-toolsets",
    *(name.encode() for name in IDEMPOTENCY_HEADERS),
)
YES = {"1", "true", "yes", "on"}
NO = {"", "0", "false", "no", "off"}
# What MCP clients, browsers and HTTP itself send. Any other header may be a proxy's.
OF_CLIENTS = re.compile(
    rb"accept(-charset|-encoding|-language)?|access-control-request-(headers|method|private-network)|baggage"
    rb"|cache-control|connection|content-(encoding|language|length|type)|cookie|date|dnt|expect|host|http2-settings"
    rb"|keep-alive|last-event-id|mcp-[a-z0-9-]+|origin|pragma|priority|referer|sec-[a-z0-9-]+|te|trace(parent|state)"
    rb"|trailer|transfer-encoding|upgrade(-insecure-requests)?|user-agent"
    rb"|x-posthog-(host|project-id)|x-errtrack-(read-only|toolsets)"
)
HTTP_VERSIONS = {"1.1", "2", "3"}  # nginx speaks HTTP/1.0 to what it passes requests on to, and no client does


class RequestRefused(Exception):  # noqa: N818 - named after what happened
    """The request cannot be served: an HTTP `status`, and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Caller:
    """One request's caller: the key, where it leads, and what it may do.

    `prefix` is where every path starts; `project_fixed` says that no argument may change it; `narrowing` is what the
    caller gives up of that which the operator offers; `request_id` is the HTTP request's, for logs and PostHog.
    """

    key: SecretStr
    host: str
    prefix: tuple[str, str]
    project_fixed: bool
    narrowing: Selection
    request_id: str

    @cached_property
    def key_hash(self) -> str:
        """The key's fingerprint, for names that others may see."""
        return hashlib.sha256(f"{self.host} {self.key.get_secret_value()}".encode()).hexdigest()[:32]

    @cached_property
    def principal(self) -> str:
        """The facts that must stay the same from one round of a question to the next.

        A project that nobody named is none: PostHog's answer about a token may come between two rounds.
        """
        return f"{self.key_hash} {'/'.join(self.prefix) if self.project_fixed else ''}"


@dataclass(frozen=True, slots=True)
class RouteNarrowing:
    """The restriction in a route's path: no changes, or only the toolsets of its path parameter `toolsets`."""

    read_only: bool = False
    toolsets: bool = False


class AuthMiddleware:
    """Lets a request through with its caller in the scope, or answers 400, 401 or 403."""

    def __init__(self, app: ASGIApp, settings: Settings, route: RouteNarrowing) -> None:
        self._app = app
        self._settings = settings
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the caller of one request."""
        try:
            caller = read_caller(scope, self._settings, self._route)
        except RequestRefused as refused:
            www_authenticate = challenge(scope, self._settings) if refused.status == 401 else None
            await refusal(refused, www_authenticate)(scope, receive, send)
            return
        scope[CALLER] = caller
        # The SDK ties a connection over SSE to its user: nobody else's key can post to it.
        scope["user"] = user_of(caller.key_hash)
        await self._app(scope, receive, send)


def user_of(key_hash: str) -> AuthenticatedUser:
    """Return what the SDK calls the user: the owner of streams and sessions."""
    return AuthenticatedUser(AccessToken(token=key_hash, client_id=key_hash, scopes=[]))


def refusal(refused: RequestRefused, www_authenticate: str | None = None) -> Response:
    """Return the answer to a request that is refused."""
    body = {"error": "invalid_token" if refused.status == 401 else "refused", "message": refused.message}
    headers = {"www-authenticate": www_authenticate} if www_authenticate else None
    return JSONResponse(body, refused.status, headers)


def read_caller(scope: Scope, settings: Settings, route: RouteNarrowing) -> Caller:
    """Read a request's caller from its headers and the route that it matched.

    Raises RequestRefused where they do not make one that the operator allows.
    """
    headers = _our_headers(scope["headers"])
    key = _key(headers.get("authorization"), scope, settings)
    host = _host(headers.get("x-posthog-host"), settings)
    if headers.get("authorization") is None and host != settings.host:
        raise RequestRefused(403, "X-PostHog-Host cannot be chosen with the operator's key.")
    asked = headers.get("x-posthog-project-id")
    prefix = fixed_project(settings)
    operator_fixed = settings.project_id is not None or settings.environment_id is not None
    if asked:
        project = _project(asked)
        if operator_fixed and project != prefix[1]:
            raise RequestRefused(403, f"X-PostHog-Project-Id: this server serves project {prefix[1]} only.")
        prefix = prefix if operator_fixed else ("projects", project)
    narrowing = _narrowing(headers, scope, route)
    return Caller(key, host, prefix, operator_fixed or bool(asked), narrowing, scope[REQUEST_ID])


def held_to(caller: Caller, stream: Caller) -> Caller:
    """Return the caller of one message, held to the project and the narrowing that its stream was opened with.

    Raises RequestRefused for a message that names another project.
    """
    if stream.project_fixed and caller.project_fixed and caller.prefix != stream.prefix:
        raise RequestRefused(403, f"X-PostHog-Project-Id: this stream was opened for project {stream.prefix[1]}.")
    return replace(
        caller,
        prefix=stream.prefix if stream.project_fixed else caller.prefix,
        project_fixed=stream.project_fixed or caller.project_fixed,
        narrowing=_both(stream.narrowing, caller.narrowing),
    )


def _our_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that speak to us; one that is given twice says nothing that could be relied on."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in OURS:
            if name.decode() in found:
                raise RequestRefused(400, f"The header {name.decode()} is given more than once.")
            found[name.decode()] = value.decode("latin-1").strip()
    return found


def _key(authorization: str | None, scope: Scope, settings: Settings) -> SecretStr:
    if authorization is None:
        sign = _sign_of_proxy(scope)
        if settings.shared_key and settings.personal_api_key and not sign:
            return settings.personal_api_key
        why = f" The operator's key is not lent through a proxy, and {sign}." if settings.shared_key and sign else ""
        raise RequestRefused(
            401, f"Send your own PostHog key: Authorization: Bearer phx_... (or an OAuth token, pha_...).{why}"
        )
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not re.fullmatch(r"[\x21-\x7e]{5,512}", key):
        raise RequestRefused(401, "Authorization must be: Bearer, a space, and a PostHog personal API key (phx_...).")
    kind = kind_of_key(key)
    if kind and not kind.opens_the_api:
        need = f"create a personal API key ({PERSONAL_KEY.prefix}...) with {SCOPES}"
        raise RequestRefused(401, f"{kind.prefix}... is a {kind.name}, which this API does not accept; {need}.")
    if kind is None:
        raise RequestRefused(401, "Only personal API keys (phx_...) and OAuth tokens (pha_...) open PostHog's API.")
    return SecretStr(key)


def _sign_of_proxy(scope: Scope) -> str:
    """Return why a request may have come through a proxy or from another machine, or nothing where it has not."""
    if not all(end is not None and is_loopback(end[0]) for end in (scope.get("server"), scope.get("client"))):
        return "this request does not come from this machine"
    if scope.get("http_version") not in HTTP_VERSIONS:
        return "this request is not HTTP/1.1 or later"
    strange = next((name for name, _ in scope["headers"] if not OF_CLIENTS.fullmatch(name)), None)
    return f"the header {strange.decode('latin-1')[:40]!r} may come from one" if strange is not None else ""


def _host(asked: str | None, settings: Settings) -> str:
    if not asked:
        return settings.host
    allowed = sorted({settings.host, *settings.allowed_hosts})
    try:
        host = TypeAdapter(Origin).validate_python(asked if "://" in asked else f"https://{asked}")
    except ValidationError:
        host = ""
    if host not in allowed:
        raise RequestRefused(
            403, f"X-PostHog-Host must be one of {', '.join(allowed)}; ERRTRACK_ALLOWED_HOSTS adds others."
        )
    return str(host)


def _project(asked: str) -> str:
    try:
        return str(TypeAdapter(ProjectNumber).validate_python(asked))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise RequestRefused(400, f"X-PostHog-Project-Id {message}.") from None


def _narrowing(headers: dict[str, str], scope: Scope, route: RouteNarrowing) -> Selection:
    """Read what the caller gives up, from headers and route together; no value can widen anything."""
    wish = headers.get("x-errtrack-read-only", "").lower()
    if wish not in YES | NO:
        raise RequestRefused(400, "X-Errtrack-Read-Only must be 1 or 0.")
    narrowing = Selection(wish in YES or route.read_only, _toolsets(headers.get("x-errtrack-toolsets")))
    if not route.toolsets:
        return narrowing
    named = _toolsets(scope.get("path_params", {}).get("toolsets"))
    if named is None:
        raise RequestRefused(400, f"The path must name toolsets, as in /mcp/x/releases. Valid: {', '.join(TOOLSETS)}.")
    return _both(narrowing, Selection(toolsets=named))


def _toolsets(names: str | None) -> frozenset[str] | None:
    """Read a list of toolsets; None, for no restriction, if there is none."""
    if not names:
        return None
    chosen = frozenset(name.strip() for name in names.split(",") if name.strip())
    if unknown := sorted(chosen - set(TOOLSETS)):
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        raise RequestRefused(400, f"There is no toolset {shown}. Valid: {', '.join(TOOLSETS)}.")
    return chosen


def _both(one: Selection, other: Selection) -> Selection:
    """Return what both narrowings leave."""
    if one.toolsets is None or other.toolsets is None:
        toolsets = other.toolsets if one.toolsets is None else one.toolsets
    else:
        toolsets = one.toolsets & other.toolsets
    return Selection(one.read_only or other.read_only, toolsets)
