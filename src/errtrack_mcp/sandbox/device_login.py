"""The login of command lines: a code, a page on which a person allows it, a key (docs/posthog-api.md, section 13)."""

import json
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from errtrack_mcp.sandbox.bodies import JSON_OR_FORM, parse_body
from errtrack_mcp.sandbox.calls import WRITE, Sandbox
from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.envelope import invalid, throttled
from errtrack_mcp.sandbox.seed import OWNER
from errtrack_mcp.sandbox.throttle import MINUTE, Bucket, Limit

CODE_SECONDS = 600
INTERVAL_SECONDS = 5
MAX_LABEL = 40
CODES = Bucket("cli_auth", (Limit(20, MINUTE),))
SCOPES = ("event_definition:read", "property_definition:read", WRITE)
USE_CASES = {"error_tracking": (WRITE,)}
KNOWN_SCOPES = (*SCOPES, "error_tracking:read", "query:read")
EXPIRED = {"status": "expired", "error": "expired_token", "error_description": "Device code expired"}


@dataclass
class Asked:
    """A code that was asked for; `given` is what the next poll answers, once somebody has allowed it."""

    user_code: str
    expires_at: datetime
    given: dict[str, Any] | None = None


class DeviceLogin:
    """The routes of the flow; whoever opens the page counts as the project's owner, logged in."""

    def __init__(self, sandbox: Sandbox, interval: int = INTERVAL_SECONDS) -> None:
        self._sandbox = sandbox
        self._interval = interval
        self._asked: dict[str, Asked] = {}  # by the device code

    def routes(self) -> list[Route]:
        """Return the routes."""
        own = {"device-code": self.device_code, "authorize": self.authorize, "poll": self.poll}
        paths = [(f"/api/cli-auth/{name}{slash}", run) for name, run in own.items() for slash in ("/", "")]
        return [
            *(Route(path, run, methods=["POST"]) for path, run in paths),
            Route("/cli/authorize", self.page, methods=["GET"]),
        ]

    async def device_code(self, request: Request) -> Response:
        """Begin: a code to ask with, and one for the person."""
        address = request.client.host if request.client else ""
        wait = self._sandbox.throttle.admit(address, CODES) if self._sandbox.throttle else None
        if wait is not None:
            return throttled(wait).response()
        now = self._sandbox.now()
        self._asked = {code: asked for code, asked in self._asked.items() if asked.expires_at > now}
        letters = "".join(secrets.choice(string.ascii_uppercase) for _ in range(4))
        user_code = f"{letters}-{secrets.randbelow(10_000):04}"
        device_code = secrets.token_urlsafe(32)
        self._asked[device_code] = Asked(user_code, now + timedelta(seconds=CODE_SECONDS))
        page = f"{request.url.scheme}://{request.url.netloc}/cli/authorize"
        return JSONResponse(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?code={user_code}",
                "expires_in": CODE_SECONDS,
                "interval": self._interval,
            }
        )

    async def page(self, request: Request) -> Response:
        """Show a person the code, their projects and the scopes, to allow it or not."""
        chosen = USE_CASES.get(request.query_params.get("use_cases", ""), SCOPES)
        projects = self._sandbox.database.all("SELECT id, name FROM projects ORDER BY id")
        options = "".join(f'<option value="{row["id"]}">{escape(row["name"])}</option>' for row in projects)
        boxes = "".join(
            f'<p><label><input type="checkbox" name="scopes" value="{scope}"{" checked" * (scope in chosen)}> {scope}'
            for scope in KNOWN_SCOPES
        )
        code = escape(request.query_params.get("code", ""))
        return HTMLResponse(
            "<!doctype html><title>PostHog sandbox: log a command line in</title>"
            f'<form method="post" action="/api/cli-auth/authorize/"><p>Code <input name="user_code" value="{code}">'
            f'<p>Project <select name="project_id">{options}</select>{boxes}<p><button>Allow it</button></form>'
        )

    async def authorize(self, request: Request) -> Response:
        """Allow a code: make a key, which the next poll gives away."""
        body = await parse_body(request, JSON_OR_FORM)
        if body.is_form:
            scopes = [scope for scope in (await request.form()).getlist("scopes") if isinstance(scope, str)]
        else:
            scopes = body.data.get("scopes", list(SCOPES))
        asked = self._waiting(body.text("user_code") or "")
        if asked is None:
            return _refusal("invalid_code", "User code not found or expired")
        if asked.given is not None:
            return _refusal("already_authorized", "This code has already been authorized")
        if not scopes:
            return _refusal("invalid_request", "At least one scope is required")
        number = str(body.data.get("project_id", ""))
        project = self._sandbox.database.one("SELECT * FROM projects WHERE id = ?", (number,))
        if project is None:
            return _refusal("invalid_project", "Project not found")
        asked.given = self._make_key(project["id"], project["name"], scopes)
        label, value = asked.given["label"], asked.given["personal_api_key"]
        return JSONResponse({"status": "success", "label": label, "mask_value": f"{value[:4]}...{value[-4:]}"})

    async def poll(self, request: Request) -> Response:
        """Say whether the code was allowed; the key is given once."""
        body = await parse_body(request, JSON_OR_FORM)
        code = body.text("device_code")
        if code is None:
            return invalid("This field is required.", "required", "device_code").response()
        asked = self._asked.get(code)
        if asked is None or asked.expires_at <= self._sandbox.now():
            return JSONResponse(EXPIRED, 400)
        if asked.given is None:
            return JSONResponse({"status": "pending"}, 202)
        del self._asked[code]
        return JSONResponse({"status": "authorized", **asked.given})

    def _waiting(self, user_code: str) -> Asked | None:
        """Return what a person's code belongs to, while it is good."""
        now = self._sandbox.now()
        asked = (asked for asked in self._asked.values() if asked.user_code == user_code and asked.expires_at > now)
        return next(asked, None)

    def _make_key(self, project_id: int, name: str, scopes: list[str]) -> dict[str, Any]:
        """Store a key of the owner's that is limited to one project."""
        now = self._sandbox.now()
        stamp = f" - {now:%Y-%m-%d %H:%M}"
        label = f"CLI - {name[: MAX_LABEL - len('CLI - ') - len(stamp)]}{stamp}"
        value, row = f"phx_{secrets.token_urlsafe(32)}", f"sbx{secrets.token_hex(8)}"
        stored = (value, row, label, OWNER, json.dumps(scopes), json.dumps([project_id]), stored_time(now))
        self._sandbox.database.execute("INSERT INTO personal_api_keys VALUES (?, ?, ?, ?, ?, ?, ?)", stored)
        return {"personal_api_key": value, "label": label, "project_id": str(project_id), "scopes": scopes}


def _refusal(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, 400)
