"""One script: the chunk id and the source map that it names, read in bounded memory whatever its size."""

import codecs
import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import UUID

CHUNK_ID = b"//# chunkId="
DEBUG_ID = b"//# debugId="
MAP_URLS = (b"//# sourceMappingURL=", b"//@ sourceMappingURL=")
REGISTRY = b"_posthogChunkIds"
RELEASE = b"_posthogReleaseId"
NAMESPACE = UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")  # of the chunk ids that PostHog's CLI makes of a text
MAX_ID_LENGTH = 128
MAX_BYTES = 128 << 20  # of a script, and of its map
MAX_SECONDS = 8.0

_BLOCK = 1 << 20
# Without O_PATH a folder must be readable to be passed through.
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_MAX_VALUE_BYTES = 4096
_CARRIED = 2 * _MAX_VALUE_BYTES
_INDENT = 256
_MENTION = 1 << 16
_RELEASE_ID = re.compile(RELEASE + rb"""[^"'`]*+["'`]([0-9a-f-]{36})["'`]""")


class Unread(Exception):  # noqa: N818 - named after what happened
    """A file that could not be looked into; the message says why, without its path."""


class Script(NamedTuple):
    """The facts that a script states about itself.

    `chunk_id` is that of the last line that begins with `//# chunkId=`, or "" where there is none that can be used;
    `debug_id` likewise. `registered` tells whether code at the top reports the chunk id at run time, and `release_id`
    names the release that this code reports. `map_url` is cut at 4,096 bytes; `digest` tells one content from another;
    `uuid` is the chunk id that PostHog's CLI makes of the text (docs/posthog-api.md, section 6.1).
    """

    size: int
    digest: bytes = b""
    chunk_id: str = ""
    registered: bool = False
    map_url: str = ""
    debug_id: str = ""
    release_id: str = ""
    uuid: str = ""


@dataclass(slots=True)
class _Scan:
    """The facts found so far, and the end of the last block, in which a line may have begun.

    `mention` is what stands around the first mention of the registry: code at the top may stand below a long licence.
    """

    mention: bytes = b""
    carried: bytes = b""
    chunk_id: bytes = b""
    debug_id: bytes = b""
    map_url: bytes = b""
    size: int = 0
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    uuid_hash: "hashlib._Hash" = field(default_factory=lambda: hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False))

    def feed(self, block: bytes) -> None:
        window = self.carried + block
        # The first half of what is carried has been seen with everything that follows it.
        start = _MAX_VALUE_BYTES if len(self.carried) == _CARRIED else 0
        if found := _last_value(window, start, (CHUNK_ID,), indent=0):
            self.chunk_id = found
        if found := _last_value(window, start, (DEBUG_ID,), indent=0):
            self.debug_id = found
        if found := _last_value(window, start, MAP_URLS, indent=_INDENT):
            self.map_url = found
        if self.mention:
            self.mention += block[: max(0, _MENTION - len(self.mention))]
        elif (at := window.find(REGISTRY)) >= 0:
            self.mention = window[max(0, at - _MAX_VALUE_BYTES) :][:_MENTION]
        self.carried = window[-_CARRIED:]
        self.size += len(block)
        self.hash.update(block)
        self.uuid_hash.update(block)


def read_script(path: Path, deadline: float = inf) -> Script:
    """Read one script in blocks of 1 MB, until `deadline`, a moment of `time.monotonic`, or for 8 seconds at most.

    Raises Unread where it cannot be read in time, is no text in UTF-8, or is larger than 128 MB.
    """
    deadline = min(deadline, time.monotonic() + MAX_SECONDS)
    decoder = codecs.getincrementaldecoder("utf-8")()
    scan = _Scan()
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
                scan.feed(block)
                if scan.size > MAX_BYTES:
                    raise Unread("larger than 128 MB")
                if time.monotonic() > deadline:
                    raise Unread("reading it takes too long")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Unread("not text in UTF-8") from None
    chunk_id = _usable(scan.chunk_id)
    registered = _registers(scan.mention, chunk_id)
    return Script(
        size=scan.size,
        digest=scan.hash.digest(),
        chunk_id=chunk_id,
        registered=registered,
        map_url=scan.map_url.decode(errors="replace").strip(),
        debug_id=_usable(scan.debug_id),
        release_id=_reported_release(scan.mention) if registered else "",
        uuid=str(UUID(bytes=scan.uuid_hash.digest()[:16], version=5)),
    )


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file by an absolute path without links, and nothing that could block. Raises Unread."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = _open_without_links(path, flags) if os.open in os.supports_dir_fd else os.open(path, flags)
    except (OSError, ValueError) as error:
        raise Unread(reason(error)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unread("not a regular file")
    return os.fdopen(descriptor, "rb")


def _open_without_links(path: Path, flags: int) -> int:
    """Open a file from folder to folder: one that is swapped for a link meanwhile is not followed."""
    folder = os.open(path.anchor, FOLDER)
    try:
        for part in path.parts[1:-1]:
            inner = os.open(part, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(path.name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def reason(error: Exception) -> str:
    """Say in the system's own words why a file cannot be read."""
    return (error.strerror or "unreadable").lower() if isinstance(error, OSError) else "its name cannot be used"


def _last_value(window: bytes, start: int, needles: tuple[bytes, ...], *, indent: int) -> bytes:
    """Return what follows the last needle that begins a line, after at most `indent` blanks."""
    places = ((_last_at_line_start(window, start, needle, indent), len(needle)) for needle in needles)
    at, length = max(places)
    if at < 0:
        return b""
    value = window[at + length : at + length + _MAX_VALUE_BYTES]
    return value.partition(b"\n")[0].rstrip(b"\r")


def _last_at_line_start(window: bytes, start: int, needle: bytes, indent: int) -> int:
    end = len(window)
    while (at := window.rfind(needle, start, end)) >= 0:
        line = window.rfind(b"\n", 0, at) + 1
        first = window.find(needle, line)  # nothing later on the line can begin it
        if first >= start and first - line <= indent and not window[line:first].strip():
            return first
        end = line
    return -1


def _usable(value: bytes) -> str:
    """Return a chunk id that a symbol set can have, or nothing."""
    text = value.decode(errors="replace").strip()
    fine = (
        len(text) <= MAX_ID_LENGTH
        and text.isascii()
        and text.isprintable()
        and not any(character.isspace() for character in text)
    )
    return text if fine else ""


def _registers(mention: bytes, chunk_id: str) -> bool:
    """Return whether the code hands the id to the page's own registry, in whichever quotes."""
    literals = (quote + chunk_id.encode() + quote for quote in (b'"', b"'", b"`"))
    return bool(chunk_id) and any(literal in mention for literal in literals)


def _reported_release(mention: bytes) -> str:
    """Return the release that the code reports, or nothing."""
    found = _RELEASE_ID.search(mention)
    return found[1].decode() if found else ""
