"""Serve one client over standard input and output, or many over HTTP."""

import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from errtrack_mcp.cli.options import (
    embedded_sandbox,
    env_file_option,
    has_key,
    in_url,
    open_socket,
    stop,
    warn_of_unknown_settings,
)

if TYPE_CHECKING:
    from errtrack_mcp.login.stored_logins import StoredLogins
    from errtrack_mcp.settings import Settings

KEY = "POSTHOG_PERSONAL_API_KEY"
INTERRUPTED = 130  # the exit code of what SIGINT ended, as shells have it


@click.command(short_help="Serve MCP over stdio, or over HTTP for many clients.")
@env_file_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Serve a made-up project; needs no key and no network.")
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http", "sse"]),
    default="stdio",
    show_default=True,
    help="stdio for one client, http for many (with SSE next to it), sse for the older transport alone.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, over http or sse.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
@click.option("--public", is_flag=True, default=None, help="Allow an address that others can reach.")
@click.option("--allowed-hosts", "served_hosts", help="Host headers to answer to, separated by commas.")
@click.option("--allowed-origins", "served_origins", help="Web origins whose pages may call, separated by commas.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log over http or sse is written.")
def command(
    env_file: Path | None,
    transport: str,
    host: str,
    port: int,
    *,
    in_sandbox: bool,
    **options: str | bool | None,
) -> None:
    """Serve one client over standard input and output, or many over HTTP."""
    if transport == "stdio":
        serve_stdio(env_file, in_sandbox=in_sandbox)
    else:
        given = {name: value for name, value in options.items() if value}
        serve_http(env_file, host, port, given, sse_only=transport == "sse", in_sandbox=in_sandbox)


def serve_stdio(env_file: Path | None, *, in_sandbox: bool) -> None:
    """Serve one client until it closes standard input, or until SIGINT."""
    _end_at_interrupt()
    _shorten_the_start()
    # Imported only now, so that what shortens the start holds for them.
    from errtrack_mcp.server.app import serve_stdio as serve  # noqa: PLC0415
    from errtrack_mcp.settings import ConfigurationError, is_reference_to_itself, load_settings  # noqa: PLC0415

    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    if is_reference_to_itself(os.environ.get(KEY, "").strip()):
        del os.environ[KEY]  # a server that does not start says nothing in most clients; each call says what to do
    try:
        settings = load_settings(env_file, **fixed)
    except ConfigurationError as error:
        stop(error.problems)
    if sys.stdin.isatty():
        click.echo("errtrack-mcp speaks MCP over stdin and stdout: an MCP client starts it. Ctrl-C stops it.", err=True)
        if not has_key(settings):
            click.echo("There is no key: every tool call will say what to do.", err=True)
    warn_of_unknown_settings()
    logins = _stored_logins(settings) if settings.personal_api_key is None else None
    gc.freeze()
    gc.enable()
    try:
        anyio.run(serve, settings, app, logins)
    except ConfigurationError as error:
        stop(error.problems)


def _stored_logins(settings: "Settings") -> "StoredLogins":
    """Return where the key is looked for at the first call; imported only where none is set."""
    from errtrack_mcp.login.stored_logins import StoredLogins  # noqa: PLC0415

    return StoredLogins(settings)


def serve_http(
    env_file: Path | None,
    host: str,
    port: int,
    options: Mapping[str, str | bool | None],
    *,
    sse_only: bool,
    in_sandbox: bool,
) -> None:
    """Serve many clients until SIGINT or SIGTERM."""
    from errtrack_mcp.remote.lifecycle import refuse_public, serve  # noqa: PLC0415 - not needed over stdio
    from errtrack_mcp.settings import ConfigurationError, load_settings  # noqa: PLC0415

    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    try:
        settings = load_settings(env_file, **options, **fixed)
        warn_of_unknown_settings()
        refuse_public(settings, host)
        sock = open_socket(host, port)
        paths = "/sse" if sse_only else "/mcp (and /sse)"
        posthog = "the sandbox" if in_sandbox else settings.host
        announcement = f"errtrack-mcp serves http://{in_url(host)}:{sock.getsockname()[1]}{paths} for {posthog}"
        announce = partial(click.echo, announcement, err=True)
        gc.collect()
        gc.freeze()  # what is imported stays: collections need not walk it
        anyio.run(partial(serve, settings, sock, announce, sse_only=sse_only, upstream_app=app))
    except ConfigurationError as error:
        stop(error.problems)


def _end_at_interrupt() -> None:
    """Let SIGINT end the process at once: a thread waits for standard input, and an orderly end would wait for it.

    Where SIGINT is ignored, as in a shell's background jobs, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(INTERRUPTED))


def _shorten_the_start() -> None:
    """Leave out of the start what serving over stdio does not need. Without this it takes 1.5 times as long.

    The shares below are of the time from spawn to the answer of tools/list, measured in turns.
    """
    # 0.09: importing the SDK builds half a second of models that all stay, and collections would walk them again and
    # again.
    gc.disable()
    # 0.07: httpx and the SDK import these wherever they are installed: a command line program, colours, and a server
    # for HTTP.
    for unused in ("rich", "pygments", "uvicorn"):
        sys.modules[unused] = None  # type: ignore[assignment]
    # 0.15: importing any part of the SDK imports its client; 0.12: and an HTTP client for that.
    for seldom_used in ("mcp", "httpx2"):
        _load_at_first_use(seldom_used)
    # 0.01: pydantic looks through every installed distribution for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # 0.07: most of the SDK's models are never used, so each is built at its first use.
    from pydantic import BaseModel, TypeAdapter  # noqa: PLC0415 - after the plugins are off

    BaseModel.model_config["defer_build"] = True
    # 0.05: and so is each adapter of them. Six that the SDK makes of all its messages are for its client alone.
    TypeAdapter._defer_build = True  # type: ignore[method-assign, assignment]  # noqa: SLF001


def _load_at_first_use(name: str) -> None:
    """Let a module, when somebody imports it, stay empty until its first attribute is read.

    A package's parts are imported as ever. (importlib's LazyLoader would load a package for each of its parts.)
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None or name in sys.modules:
        return
    module = importlib.util.module_from_spec(spec)
    execute = spec.loader.exec_module

    def load(attribute: str) -> Any:
        del module.__dict__["__getattr__"]
        execute(module)
        return getattr(module, attribute)

    module.__dict__["__getattr__"] = load
    sys.modules[name] = module
