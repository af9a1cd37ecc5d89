"""The command, and serving; each subcommand imports what it needs when it runs, so that none waits for another's."""

import gc
import io
import os
import sys
from pathlib import Path

import anyio
import click

from errtrack_mcp import __version__
from errtrack_mcp.api.posthog import SCOPES, key_page
from errtrack_mcp.cli.commands import COMMANDS
from errtrack_mcp.cli.options import (
    KEY_HELP,
    embedded_sandbox,
    env_file_option,
    in_url,
    open_socket,
    stop,
    warn_of_unknown_settings,
)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="errtrack-mcp")
@env_file_option
@click.pass_context
def main(context: click.Context, env_file: Path | None) -> None:
    """PostHog error tracking for AI assistants, over MCP.

    Without a command it serves over stdio, which is how an MCP client starts it. The key comes from
    POSTHOG_PERSONAL_API_KEY.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that knows no UTF-8 must not end a command
    if context.invoked_subcommand is None:
        _serve(env_file, in_sandbox=False)
    elif env_file is not None:
        stop(["--env-file belongs after the command, as in: errtrack-mcp serve --env-file FILE."])


@main.command()
@env_file_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Serve a made-up project; needs no key and no network.")
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http", "sse"]),
    default="stdio",
    show_default=True,
    help="stdio for one client, http for many (with SSE beside it), sse for the older transport alone.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, over http or sse.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
@click.option("--public", is_flag=True, help="Allow an address that others can reach.")
@click.option("--allowed-hosts", "served_hosts", help="Host headers to answer to, separated by commas.")
@click.option("--allowed-origins", "served_origins", help="Web origins whose pages may call, separated by commas.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log over http or sse is written.")
def serve(
    env_file: Path | None,
    in_sandbox: bool,  # noqa: FBT001
    transport: str,
    host: str,
    port: int,
    **options: str | bool | None,
) -> None:
    """Serve one client over standard input and output, or many over HTTP."""
    if transport == "stdio":
        _serve(env_file, in_sandbox=in_sandbox)
    else:
        given = {name: str(value) for name, value in options.items() if value}
        _serve_http(env_file, (host, port, transport == "sse"), given, in_sandbox=in_sandbox)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the data in this file.")
@click.option("--storage", type=click.Path(file_okay=False, path_type=Path), help="Keep uploaded files here.")
@click.option("--seed-releases", type=click.IntRange(0), default=0, help="So many releases more.")
@click.option("--seed-symbol-sets", type=click.IntRange(0), default=0, help="So many symbol sets more.")
def sandbox(port: int, host: str, data: Path | None, storage: Path | None, **seeded: int) -> None:
    """Serve the stand-in for PostHog's REST API to any HTTP client."""
    import sqlite3

    from errtrack_mcp.sandbox.server import Contents, announcement, serve

    contents = Contents(data or ":memory:", storage, seeded["seed_releases"], seeded["seed_symbol_sets"])
    sock = open_socket(host, port)
    address = f"http://{in_url(host)}:{sock.getsockname()[1]}"
    try:
        anyio.run(serve, contents, sock, lambda: click.echo(announcement(address)))
    except sqlite3.Error as error:
        stop([f"{data} cannot hold the sandbox's data: {error}. Name a new file, or one that it has made."])


@main.command()
def demo() -> None:
    """Show the main job: a real client, the real server, the sandbox."""
    from errtrack_mcp.cli.demo import run_demo

    anyio.run(run_demo)


def _serve(env_file: Path | None, *, in_sandbox: bool) -> None:
    _spare_the_start()
    from errtrack_mcp.settings import ConfigurationError, load_settings

    if sys.stdin.isatty():
        click.echo(
            "errtrack-mcp speaks MCP over stdin and stdout: an MCP client starts it. Ctrl-C stops it.",
            err=True,
        )
    app = None
    fixed: dict[str, str | None] = {}
    if in_sandbox:
        app, fixed = embedded_sandbox()
    try:
        settings = load_settings(env_file, **fixed)
    except ConfigurationError as error:
        stop(error.problems)
    if settings.personal_api_key is None:
        stop(["POSTHOG_PERSONAL_API_KEY is not set.", KEY_HELP.format(page=key_page(settings.host), scopes=SCOPES)])
    from errtrack_mcp.server.app import serve_stdio

    warn_of_unknown_settings()
    gc.freeze()
    gc.enable()
    try:
        anyio.run(serve_stdio, settings, app)
    except ConfigurationError as error:
        stop(error.problems)


def _serve_http(
    env_file: Path | None, place: tuple[str, int, bool], options: dict[str, str], *, in_sandbox: bool
) -> None:
    from functools import partial

    from errtrack_mcp.remote.lifecycle import refuse_public, serve
    from errtrack_mcp.settings import ConfigurationError, load_settings

    app = None
    fixed: dict[str, str | None] = {}
    if in_sandbox:
        app, fixed = embedded_sandbox()
    host, port, sse_only = place
    try:
        settings = load_settings(env_file, **options, **fixed)
        warn_of_unknown_settings()
        refuse_public(settings, host)
        sock = open_socket(host, port)
        paths = "/sse" if sse_only else "/mcp (and /sse)"
        announcement = f"errtrack-mcp serves http://{in_url(host)}:{sock.getsockname()[1]}{paths}"
        gc.collect()
        gc.freeze()  # what is imported stays: collections need not walk it
        announce = partial(click.echo, announcement, err=True)
        anyio.run(partial(serve, settings, sock, announce, sse_only=sse_only, upstream_app=app))
    except ConfigurationError as error:
        stop(error.problems)


def _spare_the_start() -> None:
    """Leave out of the start what serving does not need (docs/benchmarks.md has what each saves).

    Importing the SDK builds half a second of models that all stay: the garbage collector would walk them again and
    again and find nothing, and most of them are never used, so each waits for its first use. Pydantic would look
    through every installed distribution for plugins; whoever wants one sets PYDANTIC_DISABLE_PLUGINS themselves.
    Three packages are imported wherever they are installed and done without where they are not: rich and pygments,
    to colour what a server never prints, and uvicorn, which no one serves with over stdio.
    """
    gc.disable()
    for unused in ("rich", "pygments", "uvicorn"):
        sys.modules[unused] = None  # type: ignore[assignment]
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from pydantic import BaseModel

    BaseModel.model_config["defer_build"] = True


for command in COMMANDS:
    main.add_command(command)
