"""An upload from a shell: what a person or a CI job runs after a build."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic_core import to_json

from errtrack_mcp.builds.git import repository_above
from errtrack_mcp.cli.build_check import TOOL as BUILD_CHECK
from errtrack_mcp.cli.call import answer_of
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import env_file_option, json_option, run
from errtrack_mcp.cli.output import EXIT_CODES, lines_of_states, progress
from errtrack_mcp.settings import Settings
from errtrack_mcp.tools.uploads.models import HARMLESS, PLANNED, THERE
from errtrack_mcp.tools.uploads.upload import CALL_AGAIN

TOOL = "error-tracking-symbol-sets-upload"
EVERY_SCRIPT = 1_000_000  # max_tokens that no build reaches
GLOBS = ("include", "exclude")


@click.command(short_help="Upload a build's source maps.")
@env_file_option
@json_option
@click.option("--project", help="App name of the release. Default: the repository's, from git.")
@click.option("--version", help="Version of the release. Default: the commit, from git.")
@click.option("--build", help="Build number: the version becomes VERSION+BUILD.")
@click.option(
    "--release-mode",
    type=click.Choice(["event", "symbol-set"]),
    help="How errors get their release: from injected code (event, the default), or from the symbol set.",
)
@click.option("--include", multiple=True, help="Only scripts whose path below DIRECTORY fits this glob.")
@click.option("--exclude", multiple=True, help="Leave out scripts whose path below DIRECTORY fits this glob.")
@click.option("--no-inject", is_flag=True, help="Rewrite no file; upload scripts that carry a chunk id.")
@click.option("--force", is_flag=True, help="Replace other content under the same chunk ids, for good.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(
    env_file: Path | None,
    *,
    as_json: bool,
    no_inject: bool,
    dry_run: bool,
    directory: Path,
    **given: Any,
) -> None:
    """Inject chunk ids into the scripts in DIRECTORY, and upload them with their source maps.

    Exits with 0 when every script's map is there, 1 when one is not, 2 for wrong use.
    """
    arguments = {name: ",".join(value) if name in GLOBS else value for name, value in given.items() if value}
    if no_inject:
        arguments["inject"] = False

    whole = directory.resolve()

    async def upload_there(settings: Settings) -> int:
        return await upload(settings, whole, arguments, dry_run=dry_run, as_json=as_json)

    run(env_file, upload_there, needs_key=True)


async def upload(
    settings: Settings, directory: Path, arguments: Mapping[str, Any], *, dry_run: bool, as_json: bool
) -> int:
    """Plan, upload, print what became of it, and return the exit code: 0 all there, 1 something is not, 2 wrong use.

    Maps and git's files are read anywhere in the repository that holds the directory. Raises ConfigurationError for
    settings that cannot be used.
    """
    settings = settings.model_copy(update={"build_root": repository_above(directory) or directory})
    asked = {"directory": str(directory), "max_tokens": EVERY_SCRIPT, **arguments}
    async with connected(settings) as client:
        with progress("Reading the build.") as report:
            answer = await answer_of(client.call_tool(TOOL, asked, progress_callback=report))
        if answer is not None and answer.get("confirm") and not dry_run:
            with progress("Uploading.") as report:
                confirmed = {**asked, "confirm": answer["confirm"]}
                answer = await answer_of(client.call_tool(TOOL, confirmed, progress_callback=report))
    if answer is None:
        return EXIT_CODES[None]
    if as_json:
        click.echo(to_json(answer, indent=2))
    else:
        _print(answer)
    if not answer["uploaded"] and not dry_run:
        click.echo(f"errtrack-mcp: {answer['next_step'].replace(CALL_AGAIN, 'Run this again')}", err=True)
    fine = HARMLESS | THERE | (PLANNED if dry_run else frozenset())
    incomplete = any(note.startswith("Incomplete") for note in answer.get("notes", []))
    whole = not incomplete if dry_run else answer["uploaded"]
    return EXIT_CODES[whole and bool(answer["scripts"]) and all(each["state"] in fine for each in answer["scripts"])]


def _print(answer: Mapping[str, Any]) -> None:
    """Print a line of fields separated by tabs for each script, then the rest."""
    for script in answer["scripts"]:
        click.echo("\t".join(script.get(name, "") for name in ("state", "path", "chunk_id", "detail")))
    click.echo(answer["summary"])
    if release := answer.get("release"):
        made = "created" if release.get("created") else release.get("id") or "not there yet"
        click.echo(f"Release {release['version']} of {release['project']} ({made}).")
    for line in lines_of_states(answer["states"]):
        click.echo(line)
    for note in answer.get("notes", []):
        click.echo(note)
    if answer["uploaded"]:
        click.echo(answer["next_step"].replace(BUILD_CHECK, "errtrack-mcp build-check"))
    sys.stdout.flush()
