"""The worker process: one file in, one answer out, then it ends: `python -m errtrack_mcp.symbolication.worker`.

A hostile file may take memory and time or crash the process: then only this one ends. It is started without an
environment, so it holds no key; source code is in its memory alone, and goes with it.
"""

import sys
from typing import BinaryIO

from pydantic import TypeAdapter

from errtrack_mcp.symbolication.containers import Container, Kind, UnusableFile, unpack
from errtrack_mcp.symbolication.lookup import look_up
from errtrack_mcp.symbolication.places import Question, Reply

MAX_MEMORY_BYTES = 4 << 30  # of addresses; a payload of 400 MB needs about half


def main() -> None:
    """Read a line of JSON (a Question) and the file from standard input; write a Reply as JSON."""
    _limit_memory()
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    stdout.write(TypeAdapter(Reply).dump_json(answer(stdin)))


def answer(stream: BinaryIO) -> Reply:
    """Answer one question; a file that cannot be used is an answer as well."""
    question = TypeAdapter(Question).validate_json(stream.readline())
    file, script = stream.read(question.file_bytes), stream.read()
    try:
        container = Container(Kind.JAVASCRIPT, file, script) if question.plain_map else unpack(file)
        return Reply(look_up(container, question.places, question.lines_around))
    except UnusableFile as error:
        return Reply(unusable=str(error))


def _limit_memory() -> None:
    """Let the process fail rather than the machine, where the system has such a limit."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    if sys.platform == "linux":  # macOS takes the call and does nothing
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    main()
