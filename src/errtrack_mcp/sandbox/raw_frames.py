"""Raw frames become stored ones, by what their map says or why there is none (docs/posthog-api.md, section 11.2)."""

import re
import sys
from typing import Any
from urllib.parse import urlsplit

from errtrack_mcp.sandbox.captured_events import RawFrame
from errtrack_mcp.sandbox.frames import Contents, raw_id
from errtrack_mcp.symbolication.places import Original

LONGEST_LINE_BY_HAND = 300  # a column beyond it, or lines that are longer, look minified
MAX_LINE_LENGTH = 300  # characters of a line of context
CUT = "...✂️"
NO_REFERENCE = "This frame had no source url or chunk id"

_POSITION = re.compile(r"(:[0-9]+){1,2}$")
_PACKAGES = re.compile(r"[/\\](dist|site)-packages[/\\]|[/\\][Ll]ib[/\\]python[0-9.]+[/\\]")


def reference(raw: RawFrame) -> str | None:
    """Return the ref of the symbol set that a frame needs: its chunk id, else in a browser the script's URL."""
    if raw.platform == "python" or raw.lineno is None or raw.colno is None:
        return None
    if raw.chunk_id or raw.platform == "node:javascript":
        return raw.chunk_id
    return _url(raw)


def missing_text(raw: RawFrame) -> str:
    """Word that there is no map for a frame."""
    if raw.chunk_id:
        return f"No sourcemap uploaded for chunk id: {raw.chunk_id}"
    return f"Could not find sourcemap for source url: {_url(raw)}"


def token_not_found(raw: RawFrame) -> str:
    """Word that the map does not know the position of a frame."""
    return f"Token not found for frame: {raw.function}:{raw.lineno}:{raw.colno}"


def stored_id(raw: RawFrame) -> str:
    """Name a raw frame; the chunk id does not count."""
    if raw.platform.endswith("javascript") and raw.platform != "node:javascript":
        return raw_id(raw.function, *_texts(raw.lineno, raw.colno, raw.filename))
    around = (*raw.pre_context, *raw.post_context)
    return raw_id(*_texts(raw.context_line, raw.filename), raw.function, *_texts(raw.lineno, raw.module), *around)


def as_stored(
    raw: RawFrame, original: Original | None = None, failure: str | None = None
) -> tuple[Contents, dict[str, Any] | None]:
    """Return a frame as it is stored, with its context: by its original, else by what its SDK sent."""
    if original is not None:
        return _mapped(raw, original)
    if raw.platform in {"python", "node:javascript"}:
        return _read_where_it_ran(raw, failure)
    return _as_sent(raw, failure), None


def _mapped(raw: RawFrame, original: Original) -> tuple[Contents, dict[str, Any] | None]:
    contents = _contents(raw, line=original.line, column=original.column, source=original.source)
    contents |= {"resolved_name": original.function} if original.function else {}
    in_app = "node_modules" not in original.source
    contents["in_app"] = in_app and (_in_app(raw) if raw.platform == "node:javascript" else True)
    contents["junk_drawer"] = _junk(raw)
    if not original.code:
        return contents, None
    return contents, _context(original.line, original.before, original.code, original.after)


def _read_where_it_ran(raw: RawFrame, failure: str | None) -> tuple[Contents, dict[str, Any] | None]:
    """Return a frame whose SDK sent the lines around it, which Node and Python can read; the nearest come first.

    A frame of Node without a map counts as resolved all the same unless those lines are long, which its SDK cuts.
    """
    context = None
    if raw.context_line is not None and raw.lineno is not None:
        context = _context(raw.lineno, raw.pre_context, raw.context_line, raw.post_context)
        context["before"].reverse()
    if failure is None:
        contents = _contents(raw, line=raw.lineno, source=raw.filename)
        contents |= {"code_variables": raw.code_variables} if raw.code_variables is not None else {}
        return contents | {"resolved_name": raw.function}, context
    around = [*raw.pre_context, *raw.post_context]
    minified = bool(around) and sum(map(len, around)) / len(around) > LONGEST_LINE_BY_HAND
    contents = _contents(raw, line=raw.lineno, column=raw.colno)
    return contents | _failed(raw, failure, resolved=not minified), context


def _as_sent(raw: RawFrame, failure: str | None) -> Contents:
    """Return a frame of a browser without a map."""
    url = _url(raw)
    contents = _contents(raw, line=raw.lineno, column=raw.colno, source=None if url is None else urlsplit(url).path)
    if raw.lineno is None or raw.colno is None:
        contents = {name: value for name, value in contents.items() if name not in {"line", "column"}}
        contents["in_app"] = raw.in_app and raw.filename != "<anonymous>"
        return contents | {"resolved_name": raw.function, "junk_drawer": _junk(raw)}
    if failure is None:
        return contents | _failed(raw, NO_REFERENCE, resolved=True)
    written_by_hand = reference(raw) == url and raw.colno <= LONGEST_LINE_BY_HAND and failure == missing_text(raw)
    return contents | _failed(raw, failure, resolved=written_by_hand)


def _contents(raw: RawFrame, **place: Any) -> Contents:
    contents: Contents = {
        "raw_id": stored_id(raw),
        "mangled_name": raw.function,
        **{name: value for name, value in place.items() if value is not None},
        "in_app": _in_app(raw),
        "lang": "python" if raw.platform == "python" else "javascript",
        "resolved": True,
        "synthetic": raw.synthetic,
        "suspicious": "posthog.com/static/" in (raw.filename or ""),
    }
    if raw.module is not None and raw.platform in {"python", "node:javascript"}:
        contents["module"] = raw.module
    return contents


def _failed(raw: RawFrame, failure: str, *, resolved: bool) -> Contents:
    name = {"resolved_name": raw.function} if resolved else {}
    return {"resolved": resolved, "resolve_failure": failure, "junk_drawer": _junk(raw)} | name


def _junk(raw: RawFrame) -> dict[str, Any]:
    return {"raw_frame": raw.model_dump(exclude={"platform"}, exclude_none=True)}


def _in_app(raw: RawFrame) -> bool:
    """Return whether a frame is of the app: never against its SDK's word, and not where it is of a library."""
    name = raw.filename or ""
    if raw.platform == "node:javascript":
        return raw.in_app and "node_modules" not in name and not name.startswith("node:")
    if raw.platform == "python":
        package = (raw.module or "").partition(".")[0]
        of_python = raw.abs_path is None or name.startswith("<")
        library = _PACKAGES.search(raw.abs_path or name) or (of_python and package in sys.stdlib_module_names)
        return raw.in_app and not library
    return raw.in_app


def _context(line: int, before: Any, code: str, after: Any) -> dict[str, Any]:
    first = line - len(before)
    return {
        "before": [_line(first + number, text) for number, text in enumerate(before)],
        "line": _line(line, code),
        "after": [_line(line + 1 + number, text) for number, text in enumerate(after)],
    }


def _line(number: int, text: str) -> dict[str, Any]:
    return {"number": max(number, 0), "line": text if len(text) <= MAX_LINE_LENGTH else text[:MAX_LINE_LENGTH] + CUT}


def _url(raw: RawFrame) -> str | None:
    """Return the address of a script, without a position behind it; None unless it is on the web."""
    name = raw.filename or ""
    return _POSITION.sub("", name) if name.startswith(("http://", "https://")) else None


def _texts(*values: object) -> list[str]:
    return ["" if value is None else str(value) for value in values]
