"""The command and the server in this process: what they say, without the second that a start takes.

What only a process can show needs `installed.py` or `terminal.py`: signals, consent, what else lands on an output.
"""

import io
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from typing import TypeVar

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client

from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.main import main
from errtrack_mcp.settings import load_settings
from tests.support.installed import environment
from tests.support.terminal import Shown

NAME = "errtrack-mcp"
Value = TypeVar("Value")


@contextmanager
def variables_set(**variables: str) -> Iterator[None]:
    """Give this process the environment that the installed command would get."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def invoke(*arguments: str, **variables: str) -> "CompletedProcess[str]":
    """Run the command with nothing on standard input and its output in a pipe. Raises what it does not catch."""
    with variables_set(**variables):
        done = CliRunner().invoke(main, arguments, prog_name=NAME, catch_exceptions=False)
    return CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


class Screen(io.TextIOWrapper):
    """A terminal that nobody types at."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def show(*arguments: str, **variables: str) -> Shown:
    """Run the command where a person reads both outputs but cannot answer. Raises what it does not catch.

    The terminal has 200 columns, or as many as the variable COLUMNS says.
    """
    shown = io.BytesIO()
    screen = Screen(shown, encoding="utf-8", write_through=True)
    settings = {"TERM": "xterm-256color", "COLUMNS": "200", "LINES": "50", "NO_COLOR": "", **variables}
    outputs = redirect_stdout(screen), redirect_stderr(screen)
    with variables_set(**settings), outputs[0], outputs[1], pytest.raises(SystemExit) as ended:
        main(arguments, NAME)
    assert isinstance(ended.value.code, int)
    return Shown(shown.getvalue().decode(), ended.value.code)


def with_client(use: Callable[[Client], Awaitable[Value]], **variables: str) -> Value:
    """Connect a client in memory to our server, and return what `use` makes of it."""

    async def used() -> Value:
        async with connected(load_settings()) as client:
            return await use(client)

    with variables_set(**variables):
        return anyio.run(used)
