"""The system's keyring, asked through a process of its own, within a time limit."""

import importlib.util
import os
import sys
from collections.abc import Iterable
from typing import Any

import anyio
from pydantic import SecretStr
from pydantic_core import from_json, to_json

from errtrack_mcp.python_module import command_of_module, run_to_its_end

SECONDS = 20.0  # for a call that waits for the key
SECONDS_TO_UNLOCK = 90.0  # while a person is there who can unlock it
BROKE = "the process that opens it broke"
_COMMAND = command_of_module("errtrack_mcp.login.keyring_process")


class KeyringUnusable(Exception):  # noqa: N818 - named after what it is
    """The keyring cannot be used; the message says why, as the end of a sentence about it."""


async def find_backend(seconds: float = SECONDS) -> str:
    """Return the name of the system's keyring. Raises KeyringUnusable where there is none."""
    return str((await _ask({"do": "look"}, seconds))["backend"])


async def get_keys(names: Iterable[str], seconds: float = SECONDS) -> dict[str, SecretStr | None]:
    """Return the keys that are kept under these names, None for those that are not there. Raises KeyringUnusable."""
    found = (await _ask({"do": "get", "names": list(names)}, seconds))["found"]
    return {name: None if value is None else SecretStr(value) for name, value in found.items()}


async def set_key(name: str, key: SecretStr, seconds: float = SECONDS_TO_UNLOCK) -> None:
    """Keep a key under a name. Raises KeyringUnusable."""
    await _ask({"do": "set", "name": name, "secret": key.get_secret_value()}, seconds)


async def delete_key(name: str, seconds: float = SECONDS_TO_UNLOCK) -> None:
    """Forget the key of a name; one that is not there is as good as forgotten. Raises KeyringUnusable."""
    await _ask({"do": "delete", "name": name}, seconds)


async def _ask(question: dict[str, Any], seconds: float) -> dict[str, Any]:
    if importlib.util.find_spec("keyring") is None:
        raise KeyringUnusable("the extra keyring is not installed")
    kept = {name: value for name, value in os.environ.items() if name != "POSTHOG_PERSONAL_API_KEY"}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        with anyio.fail_after(seconds):
            output, code = await run_to_its_end(_COMMAND, to_json(question), environment)
    except TimeoutError:
        raise KeyringUnusable(f"it gave no answer within {seconds:g} seconds; perhaps it is locked") from None
    except OSError:
        raise KeyringUnusable(BROKE) from None
    return _answer(output, code)


def _answer(output: bytes, code: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = from_json(output)
    except ValueError:
        raise KeyringUnusable(BROKE) from None
    if code != 0:
        raise KeyringUnusable(BROKE)
    if "unusable" in answer:
        raise KeyringUnusable(str(answer["unusable"]))
    return answer
