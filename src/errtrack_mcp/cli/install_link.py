"""`errtrack-mcp install CLIENT --link`: a link for others to open, in place of a change of this machine's files."""

import click

from errtrack_mcp.client_config.address import checked
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.links import LINKS, PROGRAM, link_to_address, link_to_program


def print_link(slug: str, url: str | None, *, send_key: bool) -> int:
    """Print the link that adds this server to a client, or say why there is none, and return the exit code."""
    if slug not in LINKS:
        names = " and ".join(CLIENTS[name].name for name in LINKS)
        click.echo(
            f"{CLIENTS[slug].name} opens no such link; {names} do. Without --link its file is changed.", err=True
        )
        return 1
    if url is None:
        click.echo(link_to_program(slug))
        click.echo(f"Whoever opens it needs {PROGRAM} in their PATH, and logs in with: {PROGRAM} login", err=True)
        return 0
    try:
        click.echo(link_to_address(slug, checked(url), send_key=send_key))
    except RefusedError as error:
        click.echo(str(error), err=True)
        return 1
    return 0
