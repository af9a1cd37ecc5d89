"""The steps of the demo, on a screen that a test reads."""

import io
import re

import pytest
from rich.console import Console

from errtrack_mcp.cli.demo import Demo
from tests.support.fixtures import Connect

pytestmark = pytest.mark.anyio


async def test_a_call_that_fails_ends_the_demo_in_the_tools_own_words(connect: Connect) -> None:
    """A step that follows would show something that did not happen; the call is there to see."""
    screen = io.StringIO()
    async with connect() as client:
        with pytest.raises(RuntimeError, match="releases-retrieve failed: invalid_arguments: id "):
            await Demo(client, Console(file=screen, width=120)).call("error-tracking-releases-retrieve", id="x")
    assert screen.getvalue() == "→ error-tracking-releases-retrieve(id='x')\n"


async def test_each_kind_of_tool_and_each_reason_is_shown_once(connect: Connect) -> None:
    """Six examples are enough; a tool deletes where its name says so."""
    screen = io.StringIO()
    async with connect() as client:
        demo = Demo(client, Console(file=screen, width=500))
        await demo.tools()
        await demo.broken_symbol_sets()
    lines = screen.getvalue().splitlines()
    kinds = {name: kind for name, kind, *_ in (line.split() for line in lines if line.startswith("error-tracking-"))}
    kinds_of_releases = [kinds[f"error-tracking-releases-{verb}"] for verb in ("list", "create", "destroy")]
    assert kinds_of_releases == ["reads", "creates", "deletes"]
    [call] = [number for number, line in enumerate(lines) if line.startswith("→ ")]
    *shown, said = lines[call + 2 :]
    reasons = [re.split(" {2,}", line)[1] for line in shown]
    assert len(reasons) == len(set(reasons)) == 6
    assert said.endswith("one example of each of 6 reasons is shown.")
