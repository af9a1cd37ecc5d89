"""Open the panel in a browser: the health of the project, an issue, a release, or a build."""

import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvicorn
from anyio import to_thread
from mcp import Client
from starlette.types import ASGIApp

from errtrack_mcp.cli.build_check import EVERY_SCRIPT
from errtrack_mcp.cli.build_check import TOOL as BUILD_CHECK
from errtrack_mcp.cli.diagnose import ISSUE_PAGE
from errtrack_mcp.cli.diagnose import TOOL as DIAGNOSE
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import embedded_sandbox, env_file_option, open_socket, run
from errtrack_mcp.cli.view.server import View
from errtrack_mcp.login.stored_logins import StoredLogins
from errtrack_mcp.server.calls import ERROR_META
from errtrack_mcp.server.handlers import ABSENT
from errtrack_mcp.server.login_key import SeveralHosts, chosen
from errtrack_mcp.settings import Settings

ISSUE = "query-error-tracking-issue"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a person wants to see: `name` as it was typed, and `build` where that is a directory."""

    name: str
    build: Path | None


@click.command("view", short_help="Look at an issue, a release, a build or the whole project in a browser.")
@env_file_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Look at a made-up project; needs no key and no network.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of this machine; default a free one.")
@click.option("--no-open", is_flag=True, help="Print the address and open no browser.")
@click.argument("subject", default="")
def command(env_file: Path | None, port: int, subject: str, *, in_sandbox: bool, no_open: bool) -> None:
    """Look at SUBJECT in a browser, until Ctrl-C.

    SUBJECT is the id of an issue or of a release, the address of an issue's page in PostHog, or the directory of a
    build. Without it the page shows how readable the project's stack traces are.
    """
    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    build = Path(subject).resolve() if subject and Path(subject).is_dir() else None
    wanted = Subject(subject, build)

    def announce(link: str) -> None:
        click.echo(f"Open this address once, on this machine: {link}\nCtrl-C ends it.")
        if not no_open:
            webbrowser.open(link)

    with suppress(KeyboardInterrupt):  # how it ends
        run(env_file, lambda settings: view(settings, app, wanted, port, announce), fixed, needs_key=build is None)


async def view(
    settings: Settings, sandbox: ASGIApp | None, subject: Subject, port: int, announce: Callable[[str], None]
) -> int:
    """Serve the page on this machine until a signal ends it; return the exit code, 1 where there is no such subject."""
    if subject.build:
        settings = settings.model_copy(update={"build_root": subject.build})
    async with connected(settings, sandbox) as client:
        call = await call_for(client, subject)
        if call is None:
            click.echo(f"errtrack-mcp: There is no issue, release or directory {subject.name[:200]!r}.", err=True)
            return 1
        listener = open_socket(LOOPBACK, port)
        address = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        shown = View(client, *call, await posthog_of(settings))
        links = iter((f"{address}/?token={shown.token}",))

        async def notify() -> None:
            """Say where the page is, once: uvicorn calls this as soon as it serves, and then every 30 seconds."""
            for link in links:
                await to_thread.run_sync(announce, link)  # a browser may keep whoever starts it

        config = uvicorn.Config(
            shown.app(address),
            ws="none",
            lifespan="off",
            log_level="warning",
            server_header=False,
            callback_notify=notify,
        )
        await uvicorn.Server(config).serve(sockets=[listener])
    return 0


async def posthog_of(settings: Settings) -> str:
    """Return the origin of the PostHog that is asked: that of the settings, or of the login where they hold no key."""
    logins = StoredLogins(settings)
    if settings.personal_api_key is None:
        await logins.look()
    host = settings.host if "host" in settings.model_fields_set else None
    with suppress(SeveralHosts):  # the answer on the page says so
        login = chosen(logins.known, host, settings.project_id or settings.environment_id or "")
        return login.host if login else settings.host
    return settings.host


async def call_for(client: Client, subject: Subject) -> tuple[str, dict[str, Any]] | None:
    """Return the call whose answer shows the subject, or None where there is no such thing.

    A call that fails for another reason is returned as well: the page says what is wrong.
    """
    if not subject.name:
        return DIAGNOSE, {}
    if subject.build:
        return BUILD_CHECK, {"max_tokens": EVERY_SCRIPT}
    if ISSUE_PAGE in subject.name:
        return ISSUE, {"issue_id": subject.name}
    calls: list[tuple[str, dict[str, Any]]] = [
        (ISSUE, {"issue_id": subject.name}),
        (DIAGNOSE, {"release_id": subject.name}),
    ]
    for tool, arguments in calls:
        result = await client.call_tool(tool, arguments)
        if not result.is_error or (result.meta or {}).get(ERROR_META, {}).get("code") not in ABSENT:
            return tool, arguments
    return None
