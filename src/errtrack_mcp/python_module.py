"""How a module runs in a process of its own."""

import sys


def command_of_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module by this very Python.

    With `-P`, or Python would look for it in the current folder first. A client starts the server in the folder that is
    open, which may hold anybody's code.
    """
    return [sys.executable, "-P", "-m", module, *arguments]
