"""Which issue an event belongs to: a hash of what does not change between occurrences. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Any

from errtrack_mcp.sandbox.frames import Contents

Record = list[dict[str, Any]]


def fingerprint(exceptions: Sequence[dict[str, Any]]) -> tuple[str, Record]:
    """Return the fingerprint of resolved exceptions, and the record of what decided it.

    The type of each exception, and source, module and readable name of its frames of the app; those of a frame that
    is not readable count with their position, so an upload begins a new issue. Without a stack it is the message.
    """
    digest, record = hashlib.sha512(), Record()
    for number, exception in enumerate(exceptions):
        frames = exception.get("stacktrace", {}).get("frames")
        texts = {"Exception Type": exception["type"]} | ({} if frames else {"Exception Message": exception["value"]})
        _add(digest, texts)
        record.append({"type": "exception", "id": exception.get("id", str(number)), "pieces": list(texts)})
        for frame in _deciding(frames or []):
            pieces = _pieces(frame)
            _add(digest, pieces)
            record.append({"type": "frame", "raw_id": frame["raw_id"], "pieces": list(pieces)})
    return digest.hexdigest(), record


def _deciding(frames: list[Contents]) -> list[Contents]:
    """Return the frames of the app, only the readable ones where there are any; the first frame where none is."""
    if not any(frame["in_app"] for frame in frames):
        return frames[:1]
    none_resolved = not any(frame["resolved"] for frame in frames)
    return [frame for frame in frames if frame["in_app"] and (none_resolved or frame["resolved"])]


def _pieces(frame: Contents) -> dict[str, str]:
    names = {"Source file name": "source", "Module name": "module"}
    if "resolved_name" in frame:
        names["Resolved function name"] = "resolved_name"
    else:
        names |= {"Mangled function name": "mangled_name", "Line number": "line", "Column number": "column"}
        names["Language"] = "lang"
    return {label: str(frame[name]) for label, name in names.items() if frame.get(name) is not None}


def _add(digest: "hashlib._Hash", texts: dict[str, str]) -> None:
    for text in texts.values():
        digest.update(text.encode("utf-8", "replace"))
