"""The file that is uploaded for a script with its map, and its content hash (docs/posthog-api.md, section 6.1)."""

import hashlib
import importlib.util
from typing import NamedTuple

from errtrack_mcp.builds.inject import without_injection
from errtrack_mcp.builds.map_edit import read_map, removed, written

MAX_FILE_BYTES = 100 << 20
_MAGIC = b"posthog_error_tracking"
_VERSION, _JAVASCRIPT = 2, 2
_PLAIN, _ZSTD = b"\0", b"\1"
_LEVEL = 3


class Packed(NamedTuple):
    """A file to upload, and the hash by which PostHog tells one content from another."""

    file: bytes
    content_hash: str


def pack(script: bytes, source_map: bytes, *, compressed: bool | None = None) -> bytes:
    """Return the file for a script and its map: compressed where zstd is installed, unless told otherwise."""
    payload = b"".join(len(part).to_bytes(8, "little") + part for part in (script, source_map))
    if compressed is None:
        compressed = importlib.util.find_spec("zstandard") is not None
    header = _MAGIC + _VERSION.to_bytes(4, "little") + _JAVASCRIPT.to_bytes(4, "little")
    return header + (_ZSTD + _zstd(payload) if compressed else _PLAIN + payload)


def hash_of_file(file: bytes) -> str:
    """Return the content hash of the release mode symbol-set: that of the whole file, compression included."""
    return hashlib.sha512(file).hexdigest()


def hash_of_content(script: bytes, source_map: bytes, chunk_id: str, *, with_release: bool) -> str:
    """Return the content hash of the release mode event: that of script and map as they were before the injection.

    Raises DamagedMap for a map whose positions cannot be moved back.
    """
    original = without_injection(script.decode(), chunk_id)
    digest, place = hashlib.sha512(original.script.encode()), original.place
    del original  # a text takes up to four times the memory of its bytes
    content = read_map(source_map)
    if place is not None and "chunk_id" in content:
        content = removed(content, place)
    content.pop("chunk_id", None)
    for part in (b"\0", written(content), b"\0", b"with-release" if with_release else b"chunk-id-only"):
        digest.update(part)
    return digest.hexdigest()


def _zstd(payload: bytes) -> bytes:
    """Compress a payload into one frame that declares its size."""
    import zstandard  # noqa: PLC0415 - of an extra

    return zstandard.ZstdCompressor(level=_LEVEL).compress(payload)
