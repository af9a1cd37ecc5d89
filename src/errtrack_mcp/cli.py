"""The commands a person types; each imports what it needs when it runs, so that none waits for another's imports."""

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import anyio
import click

from errtrack_mcp import __version__
from errtrack_mcp.install.clients import CLIENTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from errtrack_mcp.settings import Settings

Command = TypeVar("Command", bound=Callable[..., object])

KEY_HELP = """\
errtrack-mcp needs a PostHog personal API key.
  1. Create one at {host}/settings/user-api-keys with the scopes error_tracking:read and error_tracking:write
     (the first alone is enough with ERRTRACK_READ_ONLY=1).
  2. Set POSTHOG_PERSONAL_API_KEY to it where your client configures this server.
No account? errtrack-mcp demo shows it at work, and errtrack-mcp serve --sandbox serves a made-up project."""


def env_file_option(command: Command) -> Command:
    """Add `--env-file`."""
    return click.option(
        "--env-file",
        type=click.Path(path_type=Path),
        help="Read settings from this file too; the environment wins over it.",
    )(command)


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def _complete_tool(_context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    from errtrack_mcp.shell.offer import names_starting_with

    return names_starting_with(start)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="errtrack-mcp")
@env_file_option
@click.pass_context
def main(context: click.Context, env_file: Path | None) -> None:
    """PostHog error tracking for AI assistants, over MCP.

    Without a command it serves over stdio, which is how an MCP client starts it. The key comes from
    POSTHOG_PERSONAL_API_KEY.
    """
    if context.invoked_subcommand is None:
        _serve(env_file, in_sandbox=False)
    elif env_file is not None:
        _stop(["--env-file belongs after the command, as in: errtrack-mcp serve --env-file FILE."])


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
def sandbox(port: int, host: str, data: Path | None) -> None:
    """Serve the stand-in for PostHog's REST API to any HTTP client."""
    from errtrack_mcp.sandbox.server import announcement, serve

    def announce(true_port: int) -> None:
        click.echo(announcement(f"http://{host}:{true_port}"))

    anyio.run(serve, data or ":memory:", host, port, announce)


@main.command()
def demo() -> None:
    """Show the main job: a real client, the real server, the sandbox."""
    from errtrack_mcp.demo import run_demo

    anyio.run(run_demo)


@main.command()
@env_file_option
@json_option
def tools(env_file: Path | None, *, as_json: bool) -> None:
    """Show what an assistant would see, and what it weighs."""
    from errtrack_mcp.shell.offer import offer

    _run(env_file, lambda settings: offer(settings, as_json=as_json))


@main.command()
@click.argument("tool", shell_complete=_complete_tool)
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "arguments", default="", help="All arguments as one JSON object.")
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Call on a made-up project; needs no key and no network.")
@env_file_option
def call(tool: str, pairs: tuple[str, ...], arguments: str, env_file: Path | None, *, in_sandbox: bool) -> None:
    """Call one tool just as a client does: a table on a terminal, JSON in a pipe.

    Exits with 0 when it was done, 1 when it failed, 2 when the call or the settings are wrong. A deletion needs its
    confirm, and on a terminal asks before it deletes.
    """
    from errtrack_mcp.shell.call import Asked, call

    app, fixed = _embedded_sandbox() if in_sandbox else (None, {})
    asked = Asked(tool, pairs, arguments)
    _run(env_file, lambda settings: call(settings, app, asked), fixed, needs_key=True)


@main.command()
@env_file_option
@json_option
def doctor(env_file: Path | None, *, as_json: bool) -> None:
    """Check what keeps a tool call from working, and say what to do about it.

    Exits with 0 only if a tool call would work. Changes nothing.
    """
    from errtrack_mcp.shell.doctor.report import examine

    sys.exit(anyio.run(lambda: examine(env_file, as_json=as_json)))


@main.command()
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--print", "print_only", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Take this server out again.")
@click.option("--yes", is_flag=True, help="Change it without asking.")
def install(client: str, *, print_only: bool, uninstall: bool, yes: bool) -> None:
    """Add this server to CLIENT's own configuration, after showing the difference.

    Everything else in the file stays as it is, and a backup beside it. The key stays in the environment: no option
    takes it.
    """
    from errtrack_mcp.shell.install import install

    sys.exit(install(client, print_only=print_only, uninstall=uninstall, agreed=yes))


@main.command("build-check")
@env_file_option
@json_option
@click.option("--exclude", multiple=True, help="Leave out scripts whose path below DIRECTORY fits this glob.")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def build_check(env_file: Path | None, as_json: bool, exclude: tuple[str, ...], directory: Path) -> None:  # noqa: FBT001
    """Tell whether errors from the build in DIRECTORY will be readable: exit 0 yes, 1 no, 2 could not tell."""
    from errtrack_mcp.build_check import run_build_check
    from errtrack_mcp.settings import ConfigurationError, load_settings

    try:
        settings = load_settings(env_file)
    except ConfigurationError as error:
        _stop(error.problems)
    sys.exit(run_build_check(settings, directory, exclude, as_json=as_json))


def _run(
    env_file: Path | None,
    command: Callable[["Settings"], Awaitable[int | None]],
    fixed: Mapping[str, str | None] | None = None,
    *,
    needs_key: bool = False,
) -> None:
    """Run a command with the settings, and exit with the code that it returns."""
    from errtrack_mcp.settings import ConfigurationError, load_settings

    try:
        settings = load_settings(env_file, **(fixed or {}))
        if needs_key and settings.personal_api_key is None:
            _stop(["POSTHOG_PERSONAL_API_KEY is not set.", KEY_HELP.format(host=settings.host)])
        code = anyio.run(command, settings)
    except ConfigurationError as error:
        _stop(error.problems)
    sys.exit(code or 0)


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
        app, fixed = _embedded_sandbox()
    try:
        settings = load_settings(env_file, **fixed)
    except ConfigurationError as error:
        _stop(error.problems)
    if settings.personal_api_key is None:
        _stop(["POSTHOG_PERSONAL_API_KEY is not set.", KEY_HELP.format(host=settings.host)])
    from errtrack_mcp.server import serve_stdio

    gc.freeze()
    gc.enable()
    try:
        anyio.run(serve_stdio, settings, app)
    except ConfigurationError as error:
        _stop(error.problems)


def _serve_http(
    env_file: Path | None, place: tuple[str, int, bool], options: dict[str, str], *, in_sandbox: bool
) -> None:
    from errtrack_mcp.remote.process import Place, serve
    from errtrack_mcp.settings import ConfigurationError, load_settings

    app = None
    fixed: dict[str, str | None] = {}
    if in_sandbox:
        app, fixed = _embedded_sandbox()

    def announce(port: int) -> None:
        paths = "/sse" if place[2] else "/mcp (and /sse)"
        click.echo(f"errtrack-mcp serves http://{place[0]}:{port}{paths}", err=True)

    try:
        settings = load_settings(env_file, **options, **fixed)
        gc.collect()
        gc.freeze()  # what is imported stays: collections need not walk it
        anyio.run(serve, settings, Place(*place), announce, app)
    except ConfigurationError as error:
        _stop(error.problems)


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


def _embedded_sandbox() -> tuple["ASGIApp", dict[str, str | None]]:
    """Make a sandbox in memory, and the settings that lead to it whatever the environment holds."""
    from errtrack_mcp.sandbox.app import create_app
    from errtrack_mcp.sandbox.database import Database
    from errtrack_mcp.sandbox.seed import FULL_KEY, seed

    database = Database()
    seed(database, datetime.now(UTC))
    fixed = {
        "POSTHOG_HOST": "http://localhost",
        "POSTHOG_PERSONAL_API_KEY": FULL_KEY,
        "POSTHOG_PROJECT_ID": None,
        "POSTHOG_ENVIRONMENT_ID": None,
    }
    return create_app(database), fixed


def _stop(problems: list[str]) -> NoReturn:
    """Say what to mend, and exit with 2."""
    for problem in problems:
        click.echo(f"errtrack-mcp: {problem}" if "\n" not in problem else problem, err=True)
    sys.exit(2)
