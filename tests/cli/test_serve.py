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
ADAPTERS = """
from errtrack_mcp.cli.serve import _shorten_the_start
_shorten_the_start()
import errtrack_mcp.server.app
from mcp_types import _types
adapters = [value for name, value in vars(_types).items() if name.endswith("_adapter")]
print([adapter.pydantic_complete for adapter in adapters])
print([type(adapter.validate_python({})).__name__ for adapter in adapters if "Result" in str(adapter)])
"""


def test_the_sdks_client_is_imported_at_its_first_use_alone() -> None:
    """A server needs none; whoever asks for one still gets it, and what does not exist still does not."""
    run = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["False False", "True AsyncClient Tool", "False"]


def test_adapters_of_the_sdks_client_are_built_at_their_first_use_alone() -> None:
    """A server uses none of the six; each still works."""
    run = subprocess.run([sys.executable, "-c", ADAPTERS], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[False, False, False, False, False, False]", "['EmptyResult', 'EmptyResult']"]
