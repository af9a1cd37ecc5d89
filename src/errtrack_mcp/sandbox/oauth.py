"""An authorization server as PostHog's is: clients, consent, tokens (docs/posthog-api.md, section 14)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from errtrack_mcp.sandbox.bodies import JSON_OR_FORM, parse_body
from errtrack_mcp.sandbox.calls import READ, WRITE, Sandbox
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.oauth_clients import Client, Clients, OAuthError, may_redirect
from errtrack_mcp.sandbox.seed import OWNER

CODE_SECONDS = 300
TOKEN_SECONDS = 7 * 24 * 3600
GRANTABLE = (READ, WRITE, "query:read", "project:read", "user:read")
FORBIDDEN = 403


@dataclass(frozen=True)
class Code:
    """A code that a person's consent was turned into, and what it can be exchanged with."""

    client_id: str
    redirect_uri: str
    challenge: str
    scopes: list[str]
    project_id: int | None
    expires_at: datetime


class OAuth:
    """The routes; whoever opens the page of consent counts as the project's owner, logged in."""

    def __init__(self, sandbox: Sandbox, token_seconds: int = TOKEN_SECONDS) -> None:
        self._sandbox = sandbox
        self._token_seconds = token_seconds
        self._clients = Clients()
        self._codes: dict[str, Code] = {}

    def routes(self) -> list[Route]:
        """Return the routes."""
        posts = {"register": self.register, "token": self.token, "revoke": self.revoke, "introspect": self.introspect}
        return [
            Route("/.well-known/oauth-authorization-server", self.metadata, methods=["GET"]),
            Route("/oauth/authorize/", self.ask, methods=["GET"]),
            Route("/oauth/authorize/", self.consent, methods=["POST"]),
            *(Route(f"/oauth/{name}/", run, methods=["POST"]) for name, run in posts.items()),
        ]

    async def metadata(self, request: Request) -> Response:
        """Describe this server (RFC 8414)."""
        issuer = f"{request.url.scheme}://{request.url.netloc}"
        pages = {"authorization": "authorize", "token": "token", "registration": "register"}
        pages |= {"revocation": "revoke", "introspection": "introspect"}
        return JSONResponse(
            {
                "issuer": issuer,
                **{f"{name}_endpoint": f"{issuer}/oauth/{path}/" for name, path in pages.items()},
                "scopes_supported": list(GRANTABLE),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
                "client_id_metadata_document_supported": True,
            }
        )

    async def register(self, request: Request) -> Response:
        """Register a client that nobody knows yet (RFC 7591)."""
        body = await parse_body(request, JSON_OR_FORM)
        try:
            return JSONResponse(self._clients.register(body.data, self._sandbox.now()), 201)
        except OAuthError as error:
            return error.response()

    async def ask(self, request: Request) -> Response:
        """Ask a person for consent, where the request is one that may be answered."""
        query = dict(request.query_params)
        try:
            client = await self._client(query)
        except OAuthError as error:
            return error.response()
        projects = self._sandbox.database.all("SELECT id, name FROM projects ORDER BY id")
        options = "".join(f'<option value="{row["id"]}">{escape(row["name"])}</option>' for row in projects)
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">' for name, text in query.items()
        )
        return HTMLResponse(
            f"<!doctype html><title>PostHog sandbox: consent</title><form method='post'>{hidden}"
            f"<p>{escape(client.name)} (unverified) asks for {escape(' '.join(_scopes(query)))}"
            f'<p>Project <select name="project_id"><option value="">all</option>{options}</select>'
            '<p><button name="allow" value="yes">Allow it</button> '
            '<button name="allow" value="no">Refuse</button></form>'
        )

    async def consent(self, request: Request) -> Response:
        """Take a person's yes or no back to the client."""
        form = {name: value for name, value in (await request.form()).multi_items() if isinstance(value, str)}
        try:
            await self._client(form)
        except OAuthError as error:
            return error.response()
        answer = {"state": form["state"]} if form.get("state") else {}
        if form.get("allow") != "yes":
            return RedirectResponse(f"{form['redirect_uri']}?{urlencode({'error': 'access_denied', **answer})}", 302)
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(
            form["client_id"],
            form["redirect_uri"],
            form["code_challenge"],
            _scopes(form),
            int(form["project_id"]) if form.get("project_id", "").isdigit() else None,
            self._sandbox.now() + timedelta(seconds=CODE_SECONDS),
        )
        return RedirectResponse(f"{form['redirect_uri']}?{urlencode({'code': code, **answer})}", 302)

    async def token(self, request: Request) -> Response:
        """Exchange a code, or a refresh token that stays the same, for an access token."""
        form = await request.form()
        kinds = {"authorization_code": self._by_code, "refresh_token": self._by_refresh_token}
        exchange = kinds.get(_text(form, "grant_type"))
        if exchange is None:
            return OAuthError("unsupported_grant_type", "Only codes and refresh tokens are exchanged.").response()
        try:
            return JSONResponse(exchange(form), headers={"Cache-Control": "no-store"})
        except OAuthError as error:
            return error.response()

    async def revoke(self, request: Request) -> Response:
        """Forget a token: an access token alone, or a refresh token with those that came of it (RFC 7009)."""
        token = _text(await request.form(), "token")
        self._sandbox.database.execute("DELETE FROM oauth_tokens WHERE value = ? OR refresh_token = ?", (token, token))
        return Response()

    async def introspect(self, request: Request) -> Response:
        """Say what a token is good for to whoever asks with it; 403 with nothing for a token that is unknown."""
        body = await parse_body(request, JSON_OR_FORM)
        token = body.text("token")
        row = self._sandbox.database.one("SELECT * FROM oauth_tokens WHERE value = ?", (token,))
        if row is None or request.headers.get("authorization") != f"Bearer {token}":
            return Response(status_code=FORBIDDEN)
        if row["expires_at"] <= stored_time(self._sandbox.now()):
            return JSONResponse({"active": False})
        return JSONResponse(
            {
                "active": True,
                "token_type": "access_token",
                "scope": " ".join(json.loads(row["scopes"])),
                "scoped_teams": json.loads(row["scoped_teams"]),
                "scoped_organizations": [],
                "exp": int(datetime.fromisoformat(row["expires_at"]).timestamp()),
                "client_id": row["client_id"],
            }
        )

    async def _client(self, asked: dict[str, str]) -> Client:
        """Return the client that asks for consent. Raises OAuthError for a request that must not be answered."""
        client = await self._clients.find(asked.get("client_id", ""))
        if not may_redirect(client, asked.get("redirect_uri", "")):
            raise OAuthError("invalid_request", "Mismatching redirect URI.")
        if asked.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "Only codes are given.")
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "Code challenge required, by the method S256.")
        return client

    def _by_code(self, form: FormData) -> dict[str, Any]:
        code = self._codes.pop(_text(form, "code"), None)
        digest = hashlib.sha256(_text(form, "code_verifier").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        fits = code and (code.client_id, code.redirect_uri, code.challenge) == (
            _text(form, "client_id"),
            _text(form, "redirect_uri"),
            challenge,
        )
        if not code or not fits or code.expires_at <= self._sandbox.now():
            raise OAuthError("invalid_grant", "The code is unknown, used, too old, or another client's.")
        teams = [] if code.project_id is None else [code.project_id]
        return self._given(code.client_id, code.scopes, teams, f"phr_{secrets.token_urlsafe(32)}")

    def _by_refresh_token(self, form: FormData) -> dict[str, Any]:
        refresh_token, client_id = _text(form, "refresh_token"), _text(form, "client_id")
        sql = "SELECT * FROM oauth_tokens WHERE refresh_token = ? AND client_id = ?"
        row = self._sandbox.database.one(sql, (refresh_token, client_id))
        if row is None:
            raise OAuthError("invalid_grant", "The refresh token is unknown, revoked, or another client's.")
        return self._given(client_id, json.loads(row["scopes"]), json.loads(row["scoped_teams"]), refresh_token)

    def _given(self, client_id: str, scopes: list[str], teams: list[int], refresh_token: str) -> dict[str, Any]:
        """Store a new access token, and return the answer with it."""
        value, now = f"pha_{secrets.token_urlsafe(32)}", self._sandbox.now()
        expires_at = stored_time(now + timedelta(seconds=self._token_seconds))
        row = (value, refresh_token, client_id, OWNER, json.dumps(scopes), json.dumps(teams), stored_time(now))
        sql = "INSERT INTO oauth_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._sandbox.database.execute(sql, (*row, expires_at))
        return {
            "access_token": value,
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "refresh_token": refresh_token,
            "scope": " ".join(scopes),
            "scoped_teams": teams,
            "scoped_organizations": [],
        }


def find_token(database: Database, value: str, now: datetime) -> Any:
    """Return an access token as a key is, None for one that is unknown or too old."""
    sql = (
        "SELECT value, client_id AS id, client_id AS label, user_id, scopes, scoped_teams, created_at "
        "FROM oauth_tokens WHERE value = ? AND expires_at > ?"
    )
    return database.one(sql, (value, stored_time(now)))


def _scopes(asked: dict[str, str]) -> list[str]:
    """Return the scopes that are granted: those asked for that exist, or all where none is asked for."""
    named = asked.get("scope", "").split()
    return [scope for scope in GRANTABLE if scope in named or not named]


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
