"""The file of a symbol set: a header, then a script with its map, a map alone, or a mapping."""

from dataclasses import dataclass
from enum import Enum

import zstandard

MAGIC = b"posthog_error_tracking"
MAX_FILE_BYTES = 100 << 20
MAX_PAYLOAD_BYTES = 400 << 20
MAX_FRAMES = 10_000  # of zstd: empty ones take 9 bytes each, and 100 MB of them half a minute

_WINDOW = 1 << 27  # the largest that zstd's own command line takes without being asked
_STEP = 1 << 10  # even the densest kilobyte grows to no more than 32 MB
_HEADER = {1: 30, 2: 31}  # bytes, by version
_ZSTD = 1


class Kind(Enum):
    """What a file holds; the values are those of the header."""

    JAVASCRIPT = 2
    HERMES = 3
    PROGUARD = 4
    DSYM = 5
    ELF = 6


class UnusableFile(Exception):  # noqa: N818 - named after what it is
    """A file that is no symbol set, or that is too large; the message says which."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds: `mapping` is a source map, a ProGuard mapping, or a ZIP; only JavaScript has a `script`."""

    kind: Kind
    mapping: bytes
    script: bytes = b""


def unpack(data: bytes, *, most: int = MAX_PAYLOAD_BYTES) -> Container:
    """Read a container of version 1 or 2, compressed or not. Raises UnusableFile; `most` bounds the bytes unpacked."""
    if len(data) > MAX_FILE_BYTES:
        raise UnusableFile(f"it has {len(data):,} bytes; a symbol set has at most {MAX_FILE_BYTES:,}")
    if not data.startswith(MAGIC):
        raise UnusableFile("it does not begin as a symbol set does")
    if len(data) < min(_HEADER.values()):
        raise UnusableFile("it ends within its header")
    version = _number(data, len(MAGIC), 4)
    if version not in _HEADER:
        raise UnusableFile(f"it is of version {version}; versions 1 and 2 are known")
    try:
        kind = Kind(_number(data, len(MAGIC) + 4, 4))
    except ValueError:
        raise UnusableFile(f"it is of type {_number(data, len(MAGIC) + 4, 4)}, which is not known") from None
    payload = _payload(data, version, most)
    if kind is Kind.JAVASCRIPT:
        return _script_and_map(payload)
    if kind in {Kind.HERMES, Kind.PROGUARD}:
        _check_text(payload)
    return Container(kind, payload)


def _payload(data: bytes, version: int, most: int) -> bytes:
    start = _HEADER[version]
    compression = data[start - 1 : start] if version > 1 else b"\0"
    if compression == b"\0":
        if len(data) - start > most:
            raise UnusableFile(f"it unpacks to more than {most:,} bytes")
        return data[start:]
    if compression != bytes([_ZSTD]):
        raise UnusableFile("it is compressed in a way that is not known" if compression else "it ends in its header")
    return _decompressed(memoryview(data)[start:], most)


def _decompressed(data: memoryview, most: int) -> bytes:
    """Decompress all zstd frames; their declared sizes are not trusted, and may be missing."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    frame, unpacked, at = unpacker.decompressobj(), bytearray(), 0
    begun, frames = False, 0
    try:
        while at < len(data):
            piece = data[at : at + _STEP]
            unpacked += frame.decompress(piece)
            begun = True
            at += len(piece) - len(frame.unused_data)
            if len(unpacked) > most:
                raise UnusableFile(f"it unpacks to more than {most:,} bytes")
            if frame.eof:
                frames += 1
                if frames > MAX_FRAMES:
                    raise UnusableFile(f"its zstd data has more than {MAX_FRAMES:,} parts")
                frame, begun = unpacker.decompressobj(), False
    except zstandard.ZstdError:
        raise UnusableFile("its zstd data is damaged") from None
    if begun or not data:
        raise UnusableFile("its zstd data ends too early: the upload may not have been complete")
    return bytes(unpacked)


def _script_and_map(payload: bytes) -> Container:
    """Read two texts, each after its length in 8 bytes."""
    texts: list[bytes] = []
    at = 0
    for name in ("script", "map"):
        if len(payload) < at + 8 or len(payload) < (end := at + 8 + _number(payload, at, 8)):
            raise UnusableFile(f"it ends before its {name} does: the upload may not have been complete")
        texts.append(payload[at + 8 : end])
        _check_text(texts[-1])
        at = end
    if at != len(payload):
        raise UnusableFile(f"{len(payload) - at:,} bytes follow its end")
    return Container(Kind.JAVASCRIPT, script=texts[0], mapping=texts[1])


def _check_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise UnusableFile("it is not text in UTF-8") from None


def _number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")
