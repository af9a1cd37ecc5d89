"""Files of symbol sets, and the hashes of their contents."""

import hashlib

import pytest
import zstandard

from errtrack_mcp.builds.inject import with_injection
from errtrack_mcp.builds.map_edit import inserted, read_map, written
from errtrack_mcp.builds.pack import hash_of_content, hash_of_file, pack
from errtrack_mcp.symbolication.containers import Kind, unpack

ID = "0197f6a5-7f4e-5b0a-9d5f-3a6b1c2d4e5f"
SCRIPT, MAP = b"f();", b'{"mappings":"AAAA","names":[],"sources":["a.ts"],"version":3}'


def test_the_file_without_compression_is_the_one_of_the_format() -> None:
    """Its hash is known (docs/posthog-api.md, section 6.1)."""
    assert hash_of_file(pack(b"f();", b"{}", compressed=False)).startswith(
        "ba0cc5b6bfa2c7360ee32444589893983ef682915a83"
    )


@pytest.mark.parametrize("compressed", [True, False])
def test_what_is_packed_can_be_unpacked(compressed: bool) -> None:  # noqa: FBT001
    """By the reader, which knows nothing of the writer."""
    found = unpack(pack(SCRIPT, MAP, compressed=compressed))
    assert (found.kind, found.script, found.mapping) == (Kind.JAVASCRIPT, SCRIPT, MAP)


def test_compression_declares_the_size() -> None:
    """Older readers of PostHog's need it."""
    frame = pack(SCRIPT, MAP, compressed=True)[31:]
    assert zstandard.frame_content_size(frame) == len(SCRIPT) + len(MAP) + 16
    assert zstandard.ZstdDecompressor().decompress(frame)


def injected(release_id: str = "") -> tuple[bytes, bytes]:
    """Inject the pair."""
    edited = with_injection(SCRIPT.decode(), ID, release_id)
    assert edited.place
    return edited.script.encode(), written({**inserted(read_map(MAP), edited.place), "chunk_id": ID})


def test_the_hash_is_that_of_the_pair_before_the_injection() -> None:
    """So another release in the code is no other content; docs/posthog-api.md, section 6.1, has the rule."""
    for release_id in ("", "01a218f1-e56b-0000-b037-33486868263e", "01a218f1-e56b-0000-b037-334868682631"):
        for with_release, variant in ((True, b"with-release"), (False, b"chunk-id-only")):
            expected = hashlib.sha512(SCRIPT + b"\0" + MAP + b"\0" + variant).hexdigest()
            assert hash_of_content(*injected(release_id), ID, with_release=with_release) == expected


def test_a_pair_that_was_never_adjusted_counts_as_it_is() -> None:
    """Bundlers that inject by themselves put no mark into the map."""
    script, source_map = injected()[0], MAP
    assert hash_of_content(script, source_map, ID, with_release=False) == hash_of_content(
        SCRIPT, MAP, ID, with_release=False
    )
