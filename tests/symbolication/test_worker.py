"""What the worker makes of what it is sent."""

import io
import json

from errtrack_mcp.symbolication.worker import answer
from tests.support.containers import BUILD, checkout

PLACES = [{"line": 1, "column": 48}]


def ask(file: bytes, script: bytes = b"", **question: object) -> io.BytesIO:
    """Return a question as it comes over the pipe."""
    asked = {"places": PLACES, "lines_around": 1, "file_bytes": len(file), **question}
    return io.BytesIO(json.dumps(asked).encode() + b"\n" + file + script)


def test_a_file_is_answered_with_what_was_found() -> None:
    """A container, or a map with its script behind it."""
    script, source_map = ((BUILD / name).read_bytes() for name in ("checkout.js", "checkout.js.map"))
    for reply in (answer(ask(checkout())), answer(ask(source_map, script, plain_map=True))):
        assert reply.found is not None
        assert reply.found.originals[0][0].line == 8


def test_a_file_that_cannot_be_used_is_an_answer() -> None:
    """Not a crash."""
    reply = answer(ask(b"<html>"))
    assert (reply.found, reply.unusable) == (None, "it does not begin as a symbol set does")
