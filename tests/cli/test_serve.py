"""What serving over stdio leaves out of its start."""

import subprocess
import sys

SERVED = """
import sys
from errtrack_mcp.cli.serve import _shorten_the_start
_shorten_the_start()
import mcp.server.lowlevel, mcp.server.mcpserver, errtrack_mcp.server.app
print("mcp.client" in sys.modules, "httpx2._client" in sys.modules)
from mcp import Client
import httpx2, mcp
print(mcp.Client is Client, httpx2.AsyncClient.__name__, mcp.types.Tool.__name__)
print(hasattr(mcp, "no such name"))
"""


def test_the_sdks_client_is_imported_at_its_first_use_alone() -> None:
    """A server needs none; whoever asks for one still gets it, and what does not exist still does not."""
    run = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["False False", "True AsyncClient Tool", "False"]
