"""The process that opens the system's keyring: one question on standard input, its answer on standard output, in JSON.

Only this process imports `keyring`, which takes time and may wait for a person to unlock it.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
SERVICE = "errtrack-mcp"
RECOMMENDED = 1  # the priority below which a backend is there only so that there is one


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked: `get` secrets by their names, `set` one, `delete` one, or `look` whether there is a keyring.

    The answer has `backend`, and `found` for a get; or `unusable`, which says why in words.
    """
    try:
        import keyring  # noqa: PLC0415 - an extra
        import keyring.errors  # noqa: PLC0415
    except ImportError:
        return {"unusable": "the extra keyring is not installed"}
    try:
        backend = keyring.get_keyring()
        if backend.priority < RECOMMENDED:
            return {"unusable": "this system has none"}
        return {"backend": backend.name, **_done(backend, question)}
    except keyring.errors.KeyringLocked:
        return {"unusable": "it is locked"}
    except Exception as error:  # noqa: BLE001 - backends raise what the libraries below them raise
        return {"unusable": f"it failed ({type(error).__name__})"}


def _done(backend: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    if question["do"] == "get":
        return {"found": {name: backend.get_password(SERVICE, name) for name in question["names"]}}
    if question["do"] == "set":
        backend.set_password(SERVICE, question["name"], question["secret"])
        if backend.get_password(SERVICE, question["name"]) != question["secret"]:
            return {"unusable": "it did not keep what was put into it"}
    if question["do"] == "delete" and backend.get_password(SERVICE, question["name"]) is not None:
        backend.delete_password(SERVICE, question["name"])
    return {}


def main() -> None:
    """Answer one question.

    Whatever a backend writes to standard output is no answer, below Python too, and a process that it leaves behind
    must not keep the answer from ending: the answer goes to a copy that no other process is given.
    """
    question = from_json(sys.stdin.buffer.read())
    with os.fdopen(os.dup(STANDARD_OUTPUT), "wb") as output:
        os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
        output.write(to_json(answer(question)))


if __name__ == "__main__":
    main()
