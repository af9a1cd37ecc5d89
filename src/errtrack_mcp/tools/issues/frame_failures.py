"""Why one frame of a stored event is minified: the text that PostHog left on it, decoded. Pure.

The texts are English sentences, and all that PostHog says (docs/posthog-api.md, section 11.4). The ids and addresses in
them come from the event, so strangers may have written them.
"""

import re
from typing import Literal, NamedTuple

from errtrack_mcp.tools.failure_reasons import REASONS, UPLOAD

FailureKind = Literal[
    "no_id", "missing", "fetch_failed", "file_unusable", "map_does_not_fit", "maps_cannot_help", "unrecognised"
]
EXTENSIONS = ("chrome-extension:", "moz-extension:", "safari-extension:", "safari-web-extension:", "webkit-masked-url:")
NO_NAMES = frozenset({"", "?", "<anonymous>", "anonymous"})
SCRIPT_ERROR = re.compile(r"\s*script error\.?\s*", re.IGNORECASE)
MAX_FAILURE_LENGTH = 4_000  # as long as the client lets any text be
MAX_ID_LENGTH = 2_048

# What follows a text: an id to look up, the address of a script, or something that leads nowhere.
After = Literal["id", "url", ""]

# (beginning of the text, kind, PostHog's names for it, what follows). Where platforms share a text, the names are those
# whose remedy holds for each of them.
TEXTS: tuple[tuple[str, FailureKind, tuple[str, str], After], ...] = (
    ("No sourcemap uploaded for chunk id: ", "missing", ("JavaScript", "NoSourcemapUploaded"), "id"),
    ("No symbol set for chunk id: ", "missing", ("", "MissingChunkIdData"), "id"),
    ("No proguard map uploaded for id: ", "missing", ("Proguard", "MissingMap"), "id"),
    ("No dSYM uploaded for debug_id: ", "missing", ("Apple", "MissingDsym"), "id"),
    ("No debug symbols uploaded for debug_id: ", "missing", ("Native", "MissingSymbolSet"), "id"),
    ("Could not find sourcemap for source url: ", "no_id", ("JavaScript", "NoSourcemap"), "url"),
    ("This frame had no source url or chunk id", "no_id", ("JavaScript", "NoUrlOrChunkId"), ""),
    ("No source url found", "no_id", ("JavaScript", "NoSourceUrl"), ""),
    ("No chunk id sent with frame", "no_id", ("Hermes", "NoChunkId"), ""),
    ("No map ID sent with frame", "no_id", ("Proguard", "NoMapId"), ""),
    ("No module provided", "no_id", ("Proguard", "NoModuleProvided"), ""),
    ("No debug_id found for frame", "no_id", ("Native", "NoDebugId"), ""),
    ("No matching debug image found for frame", "no_id", ("Native", "NoMatchingDebugImage"), ""),
    ("Invalid source url: ", "no_id", ("JavaScript", "InvalidSourceUrl"), ""),
    ("HTTP error ", "fetch_failed", ("JavaScript", "HttpStatus"), "url"),
    ("Request timed out while fetching: ", "fetch_failed", ("JavaScript", "Timeout"), "url"),
    ("Network error ", "fetch_failed", ("JavaScript", "NetworkError"), "url"),
    ("Redirect error ", "fetch_failed", ("JavaScript", "RedirectError"), "url"),
    ("Could not parse source-map header from url ", "fetch_failed", ("JavaScript", "InvalidSourceMapHeader"), "url"),
    ("Could not parse source-map url ", "fetch_failed", ("JavaScript", "InvalidSourceMapUrl"), "url"),
    ("Invalid data url found at ", "fetch_failed", ("JavaScript", "InvalidDataUrl"), "url"),
    ("Invalid source map: ", "file_unusable", ("JavaScript", "InvalidSourceMap"), ""),
    ("JSDataError: ", "file_unusable", ("JavaScript", "JSDataError"), ""),
    ("Invalid Source and Map", "file_unusable", ("JavaScript", "InvalidSourceAndMap"), ""),
    ("Invalid map: ", "file_unusable", ("Hermes", "InvalidMap"), ""),
    ("Data error: ", "file_unusable", ("Native", "DataError"), ""),
    ("Invalid mapping", "file_unusable", ("Proguard", "InvalidMapping"), ""),
    ("Invalid class format", "file_unusable", ("Proguard", "InvalidClass"), ""),
    ("Failed to parse dSYM: ", "file_unusable", ("Apple", "ParseError"), ""),
    ("Failed to parse debug symbols: ", "file_unusable", ("Native", "ParseError"), ""),
    ("Token not found for frame: ", "map_does_not_fit", ("JavaScript", "TokenNotFound"), ""),
    ("No token for column ", "map_does_not_fit", ("Hermes", "NoTokenForColumn"), ""),
    ("Symbol not found at address: ", "map_does_not_fit", ("Native", "SymbolNotFound"), ""),
    ("No class matched", "map_does_not_fit", ("Proguard", "MissingClass"), ""),
    ("No original frames could be derived", "map_does_not_fit", ("Proguard", "NoOriginalFrames"), ""),
)
_ADDRESS = re.compile(r"https?://\S{1,2048}")
_HERMES_CHUNK = re.compile(r"\bon (?:chunk )?(\S{1,2048})\s*$")
NO_POSITION = (
    "the browser reported neither function nor position",
    "No map can help. Upgrade posthog-js, which no longer sends such errors, or suppress this issue.",
)
NO_STACK = (
    "the error came without a stack trace",
    "No map can help. Load the script with crossorigin=anonymous and a CORS header, and throw nothing but Errors.",
)
EXTENSION = (
    "the code belongs to a browser extension, not to this app",
    "No map can help. Suppress this issue, or ignore extensions in the SDK.",
)
UNRECOGNISED = (
    "PostHog gives a reason that this server does not know: failure quotes it",
    f"Read failure. If it says that a map is missing: {UPLOAD}",
)


class FrameFailure(NamedTuple):
    """Why a frame is minified.

    `id` is what to look up as a symbol set's ref, "" where the text holds none; `reason` is PostHog's own name, such as
    "JavaScript TokenNotFound"; `meaning` and `remedy` are ours.
    """

    kind: FailureKind
    reason: str
    meaning: str
    remedy: str
    id: str = ""


def decode_frame_failure(text: str, *, hermes: bool = False) -> FrameFailure:
    """Decode the `resolve_failure` of a frame; `hermes`: of an app in React Native, which has commands of its own."""
    text = text.strip()[:MAX_FAILURE_LENGTH]
    for beginning, kind, names, after in TEXTS:
        if text.startswith(beginning.strip()):
            if hermes and names == ("JavaScript", "NoSourcemapUploaded"):
                names = ("Hermes", "NoSourcemapUploaded")  # noqa: PLW2901 - both send the same text
            found = _id_in(text.removeprefix(beginning), after, names)
            return FrameFailure(kind, " ".join(names).strip(), *REASONS[names], found)
    return FrameFailure("unrecognised", "unrecognised", *UNRECOGNISED)


def beyond_maps(*, function: str, line: int | None, column: int | None, addresses: str) -> FrameFailure | None:
    """Return why no map can make a frame readable, or None where one may.

    `addresses` is every text that may name the frame's script.
    """
    if any(scheme in addresses for scheme in EXTENSIONS):
        return FrameFailure("maps_cannot_help", "extension", *EXTENSION)
    if function.strip() in NO_NAMES and not line and not column:
        return FrameFailure("maps_cannot_help", "no position", *NO_POSITION)
    return None


def without_stack(message: str) -> FrameFailure:
    """Return why an exception without frames stays as it is; `message` is the exception's."""
    reason = "script error" if SCRIPT_ERROR.fullmatch(message) else "no stack"
    return FrameFailure("maps_cannot_help", reason, *NO_STACK)


def _id_in(rest: str, after: After, names: tuple[str, str]) -> str:
    """Return the id or address that the rest of a text names."""
    if names == ("Hermes", "NoTokenForColumn"):
        named = _HERMES_CHUNK.search(rest)
        return named[1] if named else ""
    if after == "id":
        return rest.strip()[:MAX_ID_LENGTH]
    address = _ADDRESS.search(rest) if after == "url" else None
    return address[0] if address else ""
