"""The bytes of a symbol set's file: what is read, and what is refused."""

import struct

import pytest
import zstandard

from errtrack_mcp.symbolication.containers import Container, Kind, UnusableFile, unpack
from tests.support.containers import MAGIC, container

PAYLOAD = bytes.fromhex("04000000000000006628293b02000000000000007b7d")
FRAME = bytes.fromhex("28b52ffd20169500005004006628293b02007b7d02006094016001")
PAIR = Container(Kind.JAVASCRIPT, script=b"f();", mapping=b"{}")


def streamed(payload: bytes) -> bytes:
    """Compress as a writer does that does not know the size beforehand."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(payload) + compressor.flush()


@pytest.mark.parametrize(
    "data",
    [
        container(PAYLOAD, version=1),
        container(PAYLOAD),
        container(FRAME, compression=b"\1"),
        container(streamed(PAYLOAD), compression=b"\1"),
        container(streamed(PAYLOAD[:9]) + streamed(PAYLOAD[9:]), compression=b"\1"),
    ],
    ids=["version 1", "not compressed", "zstd", "zstd without a size", "two zstd frames"],
)
def test_every_form_of_a_script_and_its_map_is_read(data: bytes) -> None:
    """The bytes of the first three are PostHog's own form."""
    assert unpack(data) == PAIR


def test_nul_bytes_are_text() -> None:
    """A script may hold them."""
    payload = struct.pack("<Q", 3) + b"a\0b" + struct.pack("<Q", 2) + b"{}"
    assert unpack(container(payload)).script == b"a\0b"


@pytest.mark.parametrize(("number", "kind"), [(3, Kind.HERMES), (4, Kind.PROGUARD), (5, Kind.DSYM), (6, Kind.ELF)])
def test_other_kinds_are_their_payload(number: int, kind: Kind) -> None:
    """They have no lengths inside."""
    assert unpack(container(b"{}", number)) == Container(kind, b"{}")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin"),
        (b"<!doctype html>", "does not begin"),
        (MAGIC, "within its header"),
        (MAGIC + b"\2\0\0\0\2\0\0\0", "ends in its header"),
        (container(PAYLOAD, version=3), "of version 3"),
        (container(PAYLOAD, 1), "of type 1"),
        (container(PAYLOAD, 99), "of type 99"),
        (container(PAYLOAD, compression=b"\2"), "not known"),
        (container(PAYLOAD[:-1]), "ends before its map does"),
        (container(PAYLOAD[:3]), "ends before its script does"),
        (container(b"\xff" * 8 + b"x"), "ends before its script does"),
        (container(PAYLOAD + b"x"), "1 bytes follow"),
        (container(struct.pack("<Q", 1) + b"\xff" + struct.pack("<Q", 0)), "UTF-8"),
        (container(b"\xff\xfe", 4), "UTF-8"),
        (container(FRAME[:-3], compression=b"\1"), "ends too early"),
        (container(b"", compression=b"\1"), "ends too early"),
        (container(b"not zstd at all", compression=b"\1"), "damaged"),
        (container(FRAME + b"tail", compression=b"\1"), "damaged"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(data: bytes, why: str) -> None:
    """Each way in which a file can be wrong has its own words."""
    with pytest.raises(UnusableFile, match=why):
        unpack(data)


@pytest.mark.attack("hostile symbol sets")
@pytest.mark.parametrize("frame", [streamed(b""), bytes.fromhex("502a4d1800000000")], ids=["empty", "skippable"])
def test_frames_of_nothing_are_not_read_to_their_end(frame: bytes) -> None:
    """A thread reads them, and nobody could end it; a hundred are read."""
    with pytest.raises(UnusableFile, match="more than 10,000 parts"):
        unpack(container(frame * 20_000, compression=b"\1"))
    assert unpack(container(frame * 100 + FRAME, compression=b"\1")) == PAIR


@pytest.mark.attack("hostile symbol sets")
def test_a_bomb_is_stopped_while_it_grows() -> None:
    """40 KB that would become 1 GB."""
    bomb = container(zstandard.ZstdCompressor().compress(bytes(1 << 30)), compression=b"\1")
    assert len(bomb) < 100_000
    with pytest.raises(UnusableFile, match="unpacks to more than 1,048,576 bytes"):
        unpack(bomb, most=1 << 20)
