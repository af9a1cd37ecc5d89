"""Stack frames as ingestion stores them, on an event and in a row (docs/posthog-api.md, section 7)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Contents = dict[str, Any]
SHOP = "https://shop.northwind.example/static/js"


@dataclass(frozen=True)
class Original:
    """What a map says about a position in a bundle, and the text of that line."""

    name: str
    source: str
    line: int
    column: int
    code: str = "return handle(event);"


@dataclass(frozen=True)
class Frame:
    """A frame of a seeded event, and what its row holds.

    `ref` is that of the row's symbol set, `original` what its map says about the position. The row holds the same
    contents, and is as old as the issue's last event.
    """

    contents: Contents
    ref: str | None = None
    original: Original | None = None
    context: Mapping[str, Any] | None = None


def script_frame(  # noqa: PLR0913 - a frame has these parts
    function: str,
    line: int,
    column: int,
    url: str,
    *,
    chunk: str | None = None,
    failure: str | None = None,
    original: Original | None = None,
    ref: str | None = None,
    resolved: bool = False,
    in_app: bool = True,
) -> Frame:
    """Make a frame of a script; one without a failure is resolved to its original."""
    parts = urlsplit(url)
    raw = {"filename": url, "function": function, "lineno": line, "colno": column, "in_app": in_app, "synthetic": False}
    raw |= {"chunk_id": chunk} if chunk else {}
    contents: Contents = {
        "raw_id": raw_id(function, line, column, url),
        "mangled_name": function,
        "line": line,
        "column": column,
        **({"source": parts.path} if parts.scheme in {"http", "https"} else {}),
        "in_app": in_app,
        "lang": "javascript",
        "resolved": resolved,
        **({"resolve_failure": failure} if failure else {}),
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {"raw_frame": raw},
    }
    if failure is None and original is not None:
        contents = resolve(contents, original)
    context = source_context(original) if failure is None and original is not None else None
    return Frame(contents, ref or chunk, original, context)


def compiled_frame(
    lang: str, function: str, raw: Mapping[str, Any], *, failure: str | None, ref: str | None = None, **more: Any
) -> Frame:
    """Make a frame of a mobile or native app from what its SDK sent."""
    contents: Contents = {
        "raw_id": raw_id(lang, function, *raw.values()),
        "mangled_name": function,
        **more,
        "in_app": True,
        "lang": lang,
        "resolved": failure is None,
        **({"resolve_failure": failure} if failure else {"resolved_name": function}),
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {"raw_frame": {"function": function, **raw}},
    }
    return Frame(contents, ref)


def interpreted_frame(lang: str, original: Original, module: str, *, in_app: bool = True, **more: Any) -> Frame:
    """Make a frame that needs no symbol set; its context has the nearest line first, as that of Python has."""
    contents: Contents = {
        "raw_id": raw_id(original.source, original.name, original.line, module),
        "mangled_name": original.name,
        "resolved_name": original.name,
        "line": original.line,
        "source": original.source,
        "module": module,
        "in_app": in_app,
        "lang": lang,
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
        **more,
    }
    return Frame(contents, context=source_context(original, nearest_first=lang == "python"))


def raw_id(*parts: object) -> str:
    """Name a raw frame by a hash of what its SDK sent, the chunk id left out, and its part."""
    return hashlib.sha512("".join(map(str, parts)).encode("utf-8", "replace")).hexdigest() + "/0"


def resolve(contents: Contents, original: Original) -> Contents:
    """Put the original names and position into a frame, and take the failure out."""
    readable = {
        "resolved_name": original.name,
        "source": original.source,
        "line": original.line,
        "column": original.column,
        "resolved": True,
        "in_app": "node_modules" not in original.source,
    }
    return {name: value for name, value in contents.items() if name != "resolve_failure"} | readable


def unresolve(contents: Contents, failure: str) -> Contents:
    """Put a frame of a script back to what its SDK sent, with the reason why it stays so."""
    raw = contents["junk_drawer"]["raw_frame"]
    sent = {name: value for name, value in contents.items() if name != "resolved_name"}
    position = {"source": urlsplit(raw["filename"]).path, "line": raw["lineno"], "column": raw["colno"]}
    return sent | position | {"in_app": raw["in_app"], "resolved": False, "resolve_failure": failure}


def source_context(original: Original, *, nearest_first: bool = False) -> dict[str, Any]:
    """Make the lines around a position, each with its number."""
    line = original.line
    before = [
        {"number": line - 2, "line": ""},
        {"number": line - 1, "line": f"// {original.name}: {original.source.rpartition('/')[2]}"},
    ]
    return {
        "before": before[::-1] if nearest_first else before,
        "line": {"number": line, "line": f"  {original.code}"},
        "after": [{"number": line + 1, "line": "}"}, {"number": line + 2, "line": ""}],
    }
