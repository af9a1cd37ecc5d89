"""Files of symbol sets, as PostHog's tools write them, and a small build to put into them."""

import json
import struct
from pathlib import Path

import errtrack_mcp.sandbox

BUILD = Path(errtrack_mcp.sandbox.__file__).parent / "checkout_app"
MAGIC = b"posthog_error_tracking"


def container(payload: bytes, kind: int = 2, *, version: int = 2, compression: bytes = b"\0") -> bytes:
    """Return a file with this payload, as a writer of that version makes it."""
    return MAGIC + struct.pack("<II", version, kind) + (compression if version > 1 else b"") + payload


def pair(script: bytes, source_map: bytes) -> bytes:
    """Return a file with a script and its map."""
    return container(struct.pack("<Q", len(script)) + script + struct.pack("<Q", len(source_map)) + source_map)


def script_named(path: str, source: str = "") -> bytes:
    """Return the file of a script whose map names it: its first position comes from `source`, a file named after it."""
    source_map = {"version": 3, "file": path, "sources": [source or f"src/{path}"], "names": [], "mappings": "AAAA"}
    return pair(b"f();", json.dumps(source_map if path else {**source_map, "file": None}).encode())


def checkout() -> bytes:
    """Return the file of the sandbox's own small build."""
    return pair((BUILD / "checkout.js").read_bytes(), (BUILD / "checkout.js.map").read_bytes())
