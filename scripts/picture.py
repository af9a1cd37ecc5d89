"""docs/demo.svg: a picture of a real run of the demo, for the README."""

import io
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from mcp import Client
from rich.console import Console
from rich.terminal_theme import MONOKAI

from errtrack_mcp.cli.demo import Demo, running_sandbox, server
from errtrack_mcp.cli.demo_app import DeployedApp

PICTURE = Path(__file__).parent.parent / "docs" / "demo.svg"
WIDTH = 132


async def draw() -> None:
    """Run the part of the demo that says most, and keep what the terminal showed."""
    console = Console(record=True, width=WIDTH, force_terminal=True, highlight=False, file=io.StringIO())
    with TemporaryDirectory() as folder:
        app = DeployedApp(Path(folder))
        async with running_sandbox() as origin, Client(server(origin, app)) as client:
            shown = Demo(client, console)
            await shown.issue()
            await shown.upload(app, origin)
    svg = console.export_svg(title="errtrack-mcp demo", theme=MONOKAI)
    # rich names fonts on a foreign host; every system has one of its own for this.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))
    sys.stdout.write(f"Written: docs/{PICTURE.name}\n")


if __name__ == "__main__":
    anyio.run(draw)
