"""One run: what was found so far, and what later checks may build on."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.posthog import US, key_page
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport, Request, Response
from errtrack_mcp.login.stored_logins import StoredLogin
from errtrack_mcp.server.app import fixed_project
from errtrack_mcp.server.errors import message_for_api_error
from errtrack_mcp.settings import Settings

Status = Literal["ok", "warning", "failed", "skipped"]
MAX_WAIT = 15.0  # seconds for one question of a check
KEY_LIKE = re.compile(r"\bph[a-z]_\w+")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, and its `remedy`. `details` are lines of their own below it."""

    status: Status
    found: str
    remedy: str = ""
    details: tuple[dict[str, str], ...] = ()


class Skipped(Exception):  # noqa: N818 - named after what happened
    """A check cannot be made; the text says why."""


class KeyInfo(ApiModel):
    """As much of a personal API key as tells what it may do."""

    label: str = ""
    scopes: list[str] | None = None
    scoped_teams: list[int] | None = None


@dataclass(slots=True)
class Probe:
    """What the first question showed of the way to the host: how it failed, or what the key is; headers and TLS."""

    failure: ApiError | None = None
    key: KeyInfo | None = None
    seconds: float = 0.0
    date: str = ""
    answered_at: float = 0.0
    tls: Any = None


@dataclass(slots=True)
class Recorder:
    """A transport that notes of each response what the checks look at: its date and its TLS connection."""

    inner: HttpTransport
    probe: Probe

    @property
    def origin(self) -> str:
        """Scheme and host."""
        return self.inner.origin

    async def send(self, request: Request) -> Response:
        """Send a request, and note what came."""
        response = await self.inner.send(request)
        self.probe.date = response.headers.get("date", "")
        self.probe.answered_at = time.time()
        self.probe.tls = response.tls
        return response


@dataclass(slots=True)
class DoctorRun:
    """One run of the doctor.

    `settings` is None where they cannot be used, for the reasons in `problems`; then `reachable` may still hold those
    without the key. `login` is what the key of `settings` was taken from where no variable holds one, `login_problem`
    why it could not be. `findings` holds each check made so far, by name.
    """

    env_file: Path | None
    settings: Settings | None
    problems: list[str]
    reachable: Settings | None
    login: StoredLogin | None = None
    login_problem: str = ""
    findings: dict[str, Finding] = field(default_factory=dict)
    listing: ApiError | None = None  # how listing releases failed, once it was tried
    listed: bool = False
    transport: Recorder | None = None
    probe: Probe = field(default_factory=Probe)

    def needs(self, *names: str) -> None:
        """Skip the check that asks unless all of these went well enough to build on."""
        for name in names:
            if self.findings[name].status in {"failed", "skipped"}:
                raise Skipped(f"needs {name} to be in order")

    def usable(self) -> Settings:
        """Return the settings with their key, or skip the check that asks."""
        self.needs("settings", "key kind")
        if self.settings is None:
            raise Skipped("needs settings to be in order")
        return self.settings

    def client(self) -> Client:
        """Return a client of error tracking that asks once and soon gives up, or skip the check that asks."""
        settings = self.settings or self.reachable
        if settings is None or self.transport is None:
            raise Skipped("needs settings to be in order")
        key = (self.settings and self.settings.personal_api_key) or SecretStr("none")
        retry = RetryPolicy(attempts=0, max_rate_limit_wait=0)
        return Client(self.transport, key, fixed_project(settings), min(settings.timeout, MAX_WAIT), retry)

    def account(self, collection: str) -> Client:
        """Return a client of a collection that lies next to error tracking: keys, projects."""
        return replace(self.client(), prefix=(collection,), base=())

    def message(self, error: ApiError) -> str:
        """Return the message that an assistant would get."""
        return message_for_api_error(error).text

    @property
    def key_page(self) -> str:
        """The page on which a person chooses the scopes of a key."""
        settings = self.settings or self.reachable
        return key_page(settings.host if settings else US)


Check = Callable[[DoctorRun], Awaitable[Finding]]


def passed(found: str, *details: dict[str, str]) -> Finding:
    """Find nothing to fix."""
    return Finding("ok", found, details=details)


def warned(found: str, remedy: str, *details: dict[str, str]) -> Finding:
    """Find what works, but should be fixed."""
    return Finding("warning", found, remedy, details)


def failed(found: str, remedy: str = "", *details: dict[str, str]) -> Finding:
    """Find what keeps a tool call from working."""
    return Finding("failed", found, remedy, details)


def redacted(text: str, key: str) -> str:
    """Hide the key, and whatever looks like one."""
    hidden = text.replace(key, "***") if len(key) >= 8 else text
    return KEY_LIKE.sub(lambda match: f"{match[0][:4]}***", hidden)


async def take_first_look(run: DoctorRun) -> None:
    """Ask the host about the key: one request that shows the whole way to it."""
    settings = run.settings or run.reachable
    if settings is None:
        return
    probe = run.probe
    run.transport = Recorder(HttpTransport(settings.host), probe)
    started = time.monotonic()
    try:
        probe.key = await run.account("personal_api_keys").get("@current", into=KeyInfo)
    except ApiError as error:
        probe.failure = error
    probe.seconds = time.monotonic() - started
