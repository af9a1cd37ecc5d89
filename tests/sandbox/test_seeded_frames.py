"""Frames by the SDK that sent them."""

from errtrack_mcp.sandbox.frames import Original
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.seeded_frames import (
    address_frame,
    built_frame,
    fetched_frame,
    hermes_frame,
    java_frame,
    not_uploaded_frame,
    server_frame,
)

ORIGINAL = Original("total", "src/cart.ts", 41, 18)


def test_a_row_points_to_what_ingestion_looked_up() -> None:
    """The chunk id, the address of a script or of its map, or the id of a mapping; for compiled code, nothing."""
    assert built_frame("a/b", "f", 1, ORIGINAL).ref == chunk_id("a/b")
    assert fetched_frame("x.js", "f", 1, "lost").ref == "https://shop.northwind.example/static/js/x.js"
    assert (
        fetched_frame("x.js", "f", 1, "lost", map_ref=True).ref == "https://shop.northwind.example/static/js/x.js.map"
    )
    assert hermes_frame("f", 1, "lost", "chunk").ref == "chunk"
    assert java_frame("f", 1, "lost", "map").ref == "map"
    assert address_frame("swift", "f", "0x1", "lost").ref is None


def test_readable_or_not() -> None:
    """A frame without a failure is resolved."""
    assert server_frame("1.9.3", "f", 1, ORIGINAL).contents["resolved"] is True
    missing = not_uploaded_frame("a/b", "f", 1, ORIGINAL).contents
    assert missing["resolve_failure"] == f"No sourcemap uploaded for chunk id: {chunk_id('a/b')}"
