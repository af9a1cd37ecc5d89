"""The clients of the authorization server: those that register, and those that describe themselves at an address."""

import json
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.responses import JSONResponse, Response

MAX_DOCUMENT_BYTES = 5_000
DOCUMENT_SECONDS = 5
LOOPBACK = frozenset({"127.0.0.1", "::1"})  # whose port may be any
THIS_MACHINE = LOOPBACK | {"localhost"}
NO_NAMES = ("official", "verified", "trusted")


class OAuthError(Exception):
    """A refusal, as OAuth words it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error

    def response(self) -> Response:
        """Render it."""
        return JSONResponse({"error": self.error, "error_description": str(self)}, 400)


@dataclass(frozen=True)
class Client:
    """A client: its name, and where consent may lead back to."""

    name: str
    redirect_uris: tuple[str, ...]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirection."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Refuse it."""


class Clients:
    """The clients that are known, by their id."""

    def __init__(self) -> None:
        self._registered: dict[str, Client] = {}

    def register(self, asked: Any, now: datetime) -> dict[str, Any]:
        """Register a client, and return what it is told. Raises OAuthError."""
        uris = asked.get("redirect_uris") if isinstance(asked, dict) else None
        if not isinstance(uris, list) or not uris or not all(isinstance(uri, str) and uri for uri in uris):
            raise OAuthError("invalid_client_metadata", "redirect_uris is required.")
        name = str(asked.get("client_name", "MCP Client"))
        if name.lower().startswith("posthog") or any(word in name.lower() for word in NO_NAMES):
            raise OAuthError("invalid_client_metadata", "The client name is one that is not allowed.")
        if asked.get("token_endpoint_auth_method", "none") != "none":
            raise OAuthError("invalid_client_metadata", "Only public clients are registered here.")
        if not all(_is_allowed(uri) for uri in uris):
            raise OAuthError("invalid_redirect_uri", "A redirect URI is https, or http on this machine.")
        client_id = secrets.token_urlsafe(24)
        self._registered[client_id] = Client(name, tuple(uris))
        return {
            "client_id": client_id,
            "client_id_issued_at": int(now.timestamp()),
            "client_name": name,
            "redirect_uris": uris,
            "grant_types": asked.get("grant_types", ["authorization_code"]),
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    async def find(self, client_id: str) -> Client:
        """Return a client; one whose id is an address is read from there. Raises OAuthError."""
        if client_id in self._registered:
            return self._registered[client_id]
        if "://" not in client_id:
            raise OAuthError("invalid_request", "Invalid client_id parameter value.")
        try:
            document = json.loads(await anyio.to_thread.run_sync(_fetched, client_id))
            found = Client(str(document.get("client_name", client_id)), tuple(map(str, document["redirect_uris"])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            document, found = {}, None
        if found is None or document.get("client_id") != client_id:
            raise OAuthError("invalid_client", "The client metadata document cannot be used.")
        return found


def may_redirect(client: Client, asked: str) -> bool:
    """Return whether consent may lead there: an address as registered, or the same with another port of loopback."""
    if asked in client.redirect_uris:
        return True
    parts = urlsplit(asked)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return False
    known = map(urlsplit, client.redirect_uris)
    return any((each.scheme, each.hostname, each.path) == (parts.scheme, parts.hostname, parts.path) for each in known)


def _is_allowed(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)


def _fetched(address: str) -> bytes:
    """Fetch a document of this machine. PostHog wants https; the sandbox asks no other host."""
    parts = urlsplit(address)
    if parts.hostname not in THIS_MACHINE or parts.scheme not in {"http", "https"} or parts.path in {"", "/"}:
        raise ValueError("not an address of a document on this machine")
    opener = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=DOCUMENT_SECONDS) as answer:
            content: bytes = answer.read(MAX_DOCUMENT_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError("not there") from None
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ValueError("too large")
    return content
