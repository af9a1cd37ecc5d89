"""The server's side of the worker: asks one question about one file, within a time limit."""

import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import RunVar
from pydantic import TypeAdapter, ValidationError

from errtrack_mcp.python_module import command_of_module, run_to_its_end
from errtrack_mcp.symbolication.places import LookUp, Place, Question, Reply

SECONDS = 30.0
MAX_PLACES = 1_000
FILES_AT_ONCE = 2  # in one event loop, for all callers
EXTRA = ("symbolic", "zstandard")
GET_IT = "pip install 'errtrack-mcp[symbolicate]'; there is none for Windows and for Linux with musl"

_places: RunVar[anyio.CapacityLimiter] = RunVar("places for files")
_COMMAND = command_of_module("errtrack_mcp.symbolication.worker")
_REPLY = TypeAdapter(Reply)
_QUESTION = TypeAdapter(Question)


class FileUnusable(Exception):  # noqa: N818 - named after what it is
    """A file in which nothing can be looked up; the message says why, as the end of a sentence about `the file`."""


def is_installed() -> bool:
    """Return whether the extra `symbolicate` is there; there are no wheels of it for Windows and for musl."""
    return all(importlib.util.find_spec(name) is not None for name in EXTRA)


@asynccontextmanager
async def place_for_a_file() -> AsyncIterator[None]:
    """Wait until there is room for one more file; held from before it is fetched until it was looked into.

    A file takes up to 100 MB here, and its worker up to a few gigabytes.
    """
    try:
        places = _places.get()
    except LookupError:
        places = anyio.CapacityLimiter(FILES_AT_ONCE)
        _places.set(places)
    async with places:
        yield


async def look_up(
    file: bytes,
    places: Sequence[Place],
    *,
    lines_around: int = 2,
    script: bytes | None = None,
    seconds: float = SECONDS,
) -> LookUp:
    """Look places up in a symbol set's file, or with `script` in a plain source map that belongs to it.

    At most 1,000 places. Raises FileUnusable, also where the file takes longer than `seconds` or breaks the worker.
    """
    if len(places) > MAX_PLACES:
        raise FileUnusable(f"{len(places):,} places were asked for; {MAX_PLACES:,} is the most")
    question = Question(tuple(places), lines_around, len(file), plain_map=script is not None)
    asked = b"".join((_QUESTION.dump_json(question), b"\n", file, script or b""))
    with anyio.move_on_after(seconds) as limit:
        output, code = await run_to_its_end(_COMMAND, asked, worker_environment())
    if limit.cancelled_caught:
        raise FileUnusable(f"it took longer than {seconds:.0f} s to read")
    if code != 0:
        raise FileUnusable("reading it broke the process that did: it is damaged or made to do harm")
    try:
        reply = _REPLY.validate_json(output)
    except ValidationError:
        raise FileUnusable("it was read with a result that makes no sense") from None
    if reply.found is None:
        raise FileUnusable(reply.unusable)
    return reply.found


def worker_environment() -> dict[str, str]:
    """Return what Python needs to find its modules, and nothing else: no key."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
