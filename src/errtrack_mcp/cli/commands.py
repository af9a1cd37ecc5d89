"""The commands for people and scripts, besides serving; each imports what it needs when it runs."""

import sys
from pathlib import Path

import anyio
import click

from errtrack_mcp.cli.options import embedded_sandbox, env_file_option, json_option, run, stop
from errtrack_mcp.client_config.clients import CLIENTS


def _complete_tool(_context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    from errtrack_mcp.cli.tools import names_starting_with

    return names_starting_with(start)


@click.command()
@env_file_option
@json_option
def tools(env_file: Path | None, *, as_json: bool) -> None:
    """Show what an assistant would see, and what it weighs."""
    from errtrack_mcp.cli.tools import offer

    run(env_file, lambda settings: offer(settings, as_json=as_json))


@click.command()
@click.argument("tool", shell_complete=_complete_tool)
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "arguments", default="", help="All arguments as one JSON object.")
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Call on a project made up for this call; needs no key.")
@env_file_option
def call(tool: str, pairs: tuple[str, ...], arguments: str, env_file: Path | None, *, in_sandbox: bool) -> None:
    """Call one tool just as a client does: a table on a terminal, JSON in a pipe.

    Exits with 0 when it was done, 1 when it failed or was not done, 2 when it was called wrongly. A deletion needs its
    confirm, and on a terminal asks before it deletes.
    """
    from errtrack_mcp.cli.call import Asked, call

    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    asked = Asked(tool, pairs, arguments)
    run(env_file, lambda settings: call(settings, app, asked), fixed, needs_key=True)


@click.command()
@env_file_option
@json_option
def doctor(env_file: Path | None, *, as_json: bool) -> None:
    """Check what keeps a tool call from working, and say what to do about it.

    Exits with 0 only if a tool call would work. Changes nothing.
    """
    from errtrack_mcp.cli.doctor.report import examine

    sys.exit(anyio.run(lambda: examine(env_file, as_json=as_json)))


@click.command()
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--print", "print_only", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Take this server out again.")
@click.option("--yes", is_flag=True, help="Change it without asking.")
def install(client: str, *, print_only: bool, uninstall: bool, yes: bool) -> None:
    """Add this server to CLIENT's own configuration, after showing the difference.

    Everything else in the file stays as it is, and a backup beside it. The key stays in the environment: no option
    takes it.
    """
    from errtrack_mcp.cli.install import install

    sys.exit(install(client, print_only=print_only, uninstall=uninstall, agreed=yes))


@click.command()
@env_file_option
@json_option
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Diagnose a made-up project; needs no key and no network.")
@click.option("--release-id", help="Only the symbol sets of this release.")
@click.option("--project", help="Only those of the release of this app ...")
@click.option("--version", help="... and this version.")
@click.option(
    "--expiring-within-days",
    type=click.IntRange(0, 30),
    default=7,
    show_default=True,
    help="Count what retention removes so soon.",
)
@click.argument("ref", required=False)
def diagnose(env_file: Path | None, *, as_json: bool, in_sandbox: bool, **given: str | int | None) -> None:
    """Tell why stack traces are minified: for REF (a chunk id or URL), a release, or the whole project.

    Exits with 0 when they are readable, 1 when not, 2 when that could not be told. Symbol sets that were never loaded
    do not count against a release or project: most scripts never throw an error.
    """
    from errtrack_mcp.cli.diagnose import diagnose

    app, fixed = embedded_sandbox() if in_sandbox else (None, {})
    if empty := [name for name, value in given.items() if value == ""]:
        stop([f"{', '.join(empty)} must not be empty: leave it out to diagnose the whole project."])
    arguments = {name: value for name, value in given.items() if value is not None}
    run(env_file, lambda settings: diagnose(settings, app, arguments, as_json=as_json), fixed, needs_key=True)


@click.command("build-check")
@env_file_option
@json_option
@click.option("--exclude", multiple=True, help="Leave out scripts whose path below DIRECTORY fits this glob.")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def build_check(env_file: Path | None, as_json: bool, exclude: tuple[str, ...], directory: Path) -> None:  # noqa: FBT001
    """Tell whether errors from the build in DIRECTORY will be readable: exit 0 yes, 1 no, 2 could not tell."""
    from errtrack_mcp.cli.build_check import run_build_check
    from errtrack_mcp.settings import ConfigurationError, load_settings

    try:
        settings = load_settings(env_file)
    except ConfigurationError as error:
        stop(error.problems)
    sys.exit(run_build_check(settings, directory, exclude, as_json=as_json))


COMMANDS = [tools, call, diagnose, build_check, doctor, install]
