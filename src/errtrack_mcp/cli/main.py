"""The command: a group that imports a subcommand when it is used, so that none waits for what another one needs."""

import io
import sys
from importlib import import_module
from pathlib import Path

import click

from errtrack_mcp import __version__
from errtrack_mcp.cli.options import env_file_option, stop

# Each is a module of this package that holds its click command as `command`.
COMMANDS = {
    "serve": "serve",
    "login": "login",
    "logout": "logout",
    "sandbox": "sandbox",
    "demo": "demo",
    "tools": "tools",
    "call": "call",
    "diagnose": "diagnose",
    "resolve": "resolve",
    "view": "view.command",
    "build-check": "build_check",
    "upload": "upload",
    "doctor": "doctor.report",
    "install": "install",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"errtrack_mcp.cli.{COMMANDS[cmd_name]}").command
        return found


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="errtrack-mcp")
@env_file_option
@click.pass_context
def main(context: click.Context, env_file: Path | None) -> None:
    """PostHog error tracking for AI assistants, over MCP.

    Without a command it serves over stdio, which is how an MCP client starts it. The key comes from
    POSTHOG_PERSONAL_API_KEY, else from an --env-file, else from errtrack-mcp login.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that knows no UTF-8 must not end a command
    if context.invoked_subcommand is None:
        from errtrack_mcp.cli.serve import command  # noqa: PLC0415 - as every command

        context.invoke(command, env_file=env_file)
    elif env_file is not None:
        stop(["--env-file belongs after the command, as in: errtrack-mcp serve --env-file FILE."])
