"""Frames of seeded issues, by how their app was built and which SDK sent them."""

from typing import Any

from errtrack_mcp.sandbox.frames import SHOP, Frame, Original, compiled_frame, script_frame
from errtrack_mcp.sandbox.seed import chunk_id

NOT_UPLOADED = "No sourcemap uploaded for chunk id: "


def built_frame(chunk: str, function: str, column: int, original: Original, failure: str | None = None) -> Frame:
    """Make a frame of a script that got its chunk id at build time."""
    ref = chunk_id(chunk)
    url = f"{SHOP}/{chunk.replace('/', '-')}.js"
    return script_frame(function, 1, column, url, chunk=ref, failure=failure, original=original)


def not_uploaded_frame(chunk: str, function: str, column: int, original: Original) -> Frame:
    """Make a frame of a script whose map was not there when the error happened."""
    return built_frame(chunk, function, column, original, NOT_UPLOADED + chunk_id(chunk))


def fetched_frame(  # noqa: PLR0913 - a script has these parts
    script: str, function: str, column: int, failure: str, *, base: str = SHOP, map_ref: bool = False
) -> Frame:
    """Make a frame of a script that ingestion went to fetch; the ref is its address, or that of its map."""
    url = f"{base}/{script}"
    return script_frame(function, 1, column, url, failure=failure, ref=f"{url}.map" if map_ref else url)


def server_frame(version: str, function: str, column: int, original: Original) -> Frame:
    """Make a readable frame of the server, whose script is no page's."""
    chunk = chunk_id(f"checkout-api/{version}/main")
    return script_frame(function, 1, column, "file:///srv/checkout-api/main.js", chunk=chunk, original=original)


def hermes_frame(function: str, column: int, failure: str, chunk: str | None = None, ref: str | None = None) -> Frame:
    """Make a frame of the React Native app."""
    return script_frame(
        function, 1, column, "app:///index.android.bundle", chunk=chunk, failure=failure, ref=ref or chunk
    )


def java_frame(
    function: str, line: int, failure: str, map_id: str | None = None, module: str | None = "a.b.c"
) -> Frame:
    """Make a frame of the Android app; `map_id` is the ref of its mapping."""
    raw: dict[str, Any] = {"filename": "SourceFile", "lineno": line, "module": module, "map_id": map_id}
    place = {"line": line, **({"module": module} if module else {})}
    return compiled_frame("java", function, raw, failure=failure, ref=map_id, **place)


def address_frame(lang: str, function: str, address: str, failure: str) -> Frame:
    """Make a frame of compiled code; its row names no symbol set."""
    return compiled_frame(lang, function, {"instruction_addr": address, "image_addr": "0x100000000"}, failure=failure)
