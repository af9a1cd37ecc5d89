"""Serve the imitation of PostHog's REST API to any HTTP client."""

import sqlite3
from pathlib import Path

import anyio
import click

from errtrack_mcp.cli.options import in_url, open_socket, stop
from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.sandbox.eras import ERAS, NEWEST
from errtrack_mcp.sandbox.server import Contents, announcement, serve


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--public", is_flag=True, help="Allow an address that others can reach.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the data in this file.")
@click.option("--storage", type=click.Path(file_okay=False, path_type=Path), help="Keep uploaded files here.")
@click.option("--seed-releases", type=click.IntRange(0), default=0, help="So many releases more.")
@click.option("--seed-symbol-sets", type=click.IntRange(0), default=0, help="So many symbol sets more.")
@click.option("--seed-issues", type=click.IntRange(0), default=0, help="So many issues more.")
@click.option(
    "--era",
    type=click.Choice(list(ERAS)),
    default=NEWEST,
    show_default=True,
    help="Answer about issues as PostHog did then.",
)
@click.option("--list-lag", type=click.FloatRange(0), default=0, help="Seconds until queries see an issue's change.")
def command(
    port: int,
    host: str,
    data: Path | None,
    storage: Path | None,
    seed_releases: int,
    seed_symbol_sets: int,
    seed_issues: int,
    era: str,
    list_lag: float,
    *,
    public: bool,
) -> None:
    """Serve the imitation of PostHog's REST API to any HTTP client."""
    if not public and not is_loopback(host):
        stop([f"Listening on {host} opens the sandbox to others, who know its keys; add --public to allow that."])
    contents = Contents(data or ":memory:", storage, seed_releases, seed_symbol_sets, seed_issues)
    sock = open_socket(host, port)
    address = f"http://{in_url(host)}:{sock.getsockname()[1]}"
    try:
        anyio.run(serve, contents, sock, lambda: click.echo(announcement(address)), era, list_lag)
    except sqlite3.Error as error:
        stop([f"{data} cannot hold the sandbox's data: {error}. Name a new file, or one that it has made."])
