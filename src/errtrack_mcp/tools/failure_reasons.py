"""Why symbolication fails: each reason, its meaning, its remedy (docs/posthog-api.md, section 8)."""

import json
import re
from typing import Any, NamedTuple

from pydantic_core import from_json

# For an assistant error-tracking-symbol-sets-upload does the same.
INJECT_AND_UPLOAD = "errtrack-mcp upload DIST, or posthog-cli sourcemap process --directory DIST"
UPLOAD_ALONE = "errtrack-mcp upload DIST, or posthog-cli sourcemap upload --directory DIST"

# A frame without chunk id finds an upload only once the injected files are live.
NOT_YOURS = "Leave scripts of other people aside."
UPLOAD = f"Upload the map with the build: {INJECT_AND_UPLOAD}, then deploy these files. {NOT_YOURS}"
REBUILD = f"Build again with source maps switched on, then: {INJECT_AND_UPLOAD}, then deploy these files."
REACH = (
    f"Upload the maps, so that PostHog does not need to fetch them: {INJECT_AND_UPLOAD}, then deploy these files. "
    f"{NOT_YOURS}"
)
INJECT = f"Inject chunk ids before deploying, and deploy the injected files: {INJECT_AND_UPLOAD}."
HERMES = "Upload the composed map of exactly this build again: posthog-cli hermes upload --directory DIST."
HERMES_INJECT = (
    "Inject chunk ids, then upload: posthog-cli hermes inject --directory DIST && "
    "posthog-cli hermes upload --directory DIST."
)
PROGUARD = "Upload the mapping of exactly this build again: posthog-cli proguard upload (--help names its options)."
APPLE = "Upload the dSYMs of exactly this build again: posthog-cli dsym upload (--help names its options)."
NATIVE = "Upload the debug information of exactly this build again with posthog-cli."

# (platform, variant): (meaning, remedy)
REASONS: dict[tuple[str, str], tuple[str, str]] = {
    ("JavaScript", "NoUrlOrChunkId"): ("the frame names neither a script URL nor a chunk id", INJECT),
    ("JavaScript", "NoSourceUrl"): ("the frame names no script URL", INJECT),
    ("JavaScript", "NoSourcemap"): ("the script names no source map", UPLOAD),
    ("JavaScript", "NoSourcemapUploaded"): ("no source map was uploaded for this chunk id", UPLOAD),
    ("JavaScript", "TokenNotFound"): (
        "the source map has nothing at this position: the deployed script is not the one that was mapped",
        "Deploy the very files that were injected and uploaded, from one build.",
    ),
    ("JavaScript", "Timeout"): ("PostHog fetched the script or its map and got no answer in time", REACH),
    ("JavaScript", "HttpStatus"): ("PostHog fetched the script or its map and got an HTTP error", REACH),
    ("JavaScript", "NetworkError"): ("PostHog could not reach the script or its map", REACH),
    ("JavaScript", "RedirectError"): (
        "PostHog fetched the script or its map and was redirected too often",
        REACH,
    ),
    ("JavaScript", "InvalidSourceMap"): ("the source map is not a valid one", REBUILD),
    ("JavaScript", "InvalidSourceUrl"): ("the script's URL cannot be parsed", INJECT),
    ("JavaScript", "InvalidSourceMapHeader"): ("the SourceMap header of the script is not readable", UPLOAD),
    ("JavaScript", "InvalidSourceMapUrl"): (
        "the script names a source map by an address that cannot be parsed",
        UPLOAD,
    ),
    ("JavaScript", "InvalidDataUrl"): (
        "the source map inside the script is not a readable data: URL",
        REBUILD,
    ),
    ("JavaScript", "JSDataError"): ("the uploaded container cannot be read", UPLOAD),
    ("JavaScript", "InvalidSourceAndMap"): ("the uploaded script and map cannot be read together", REBUILD),
    ("Hermes", "NoChunkId"): ("the frame names no chunk id", HERMES_INJECT),
    ("Hermes", "NoSourcemapUploaded"): ("no Hermes map was uploaded for this chunk id", HERMES),
    ("Hermes", "NoTokenForColumn"): ("the Hermes map has nothing at this position", HERMES),
    ("Hermes", "DataError"): ("the uploaded container cannot be read", HERMES),
    ("Hermes", "InvalidMap"): ("the Hermes map is not a valid one", HERMES),
    ("Proguard", "NoMapId"): ("the frame names no map id", PROGUARD),
    ("Proguard", "NoModuleProvided"): ("the frame names no module", PROGUARD),
    ("Proguard", "MissingMap"): ("no ProGuard mapping was uploaded for this map id", PROGUARD),
    ("Proguard", "NoOriginalFrames"): ("the mapping has nothing for this frame", PROGUARD),
    ("Proguard", "MissingClass"): ("the mapping does not know this class", PROGUARD),
    ("Proguard", "DataError"): ("the uploaded container cannot be read", PROGUARD),
    ("Proguard", "InvalidMapping"): ("the ProGuard mapping is not a valid one", PROGUARD),
    ("Proguard", "InvalidClass"): ("the class name cannot be read", PROGUARD),
    ("Apple", "NoDebugId"): ("the frame names no debug id", APPLE),
    ("Apple", "NoMatchingDebugImage"): ("no debug image of the event matches the frame", APPLE),
    ("Apple", "MissingDsym"): ("no dSYM was uploaded for this debug id", APPLE),
    ("Apple", "SymbolNotFound"): ("the dSYM has no symbol at this address", APPLE),
    ("Apple", "DataError"): ("the uploaded container cannot be read", APPLE),
    ("Apple", "InvalidAddress"): ("the address of the frame cannot be read", APPLE),
    ("Apple", "ParseError"): ("the dSYM cannot be parsed", APPLE),
    ("Native", "NoDebugId"): ("the frame names no debug id", NATIVE),
    ("Native", "NoMatchingDebugImage"): ("no debug image of the event matches the frame", NATIVE),
    ("Native", "MissingSymbolSet"): ("no debug information was uploaded for this debug id", NATIVE),
    ("Native", "SymbolNotFound"): ("the debug information has no symbol at this address", NATIVE),
    ("Native", "DataError"): ("the uploaded container cannot be read", NATIVE),
    ("Native", "InvalidAddress"): ("the address of the frame cannot be read", NATIVE),
    ("Native", "ParseError"): ("the debug information cannot be parsed", NATIVE),
    ("", "MissingChunkIdData"): ("no symbol set was uploaded for this chunk id", UPLOAD),
}
UNKNOWN = (
    "PostHog gives a reason that this server does not know: failure_reason quotes it",
    UPLOAD,
)
UNRECOGNISED = "unrecognised"
HTTP_STATUS = re.compile(r"\[?(\d{3})\b")


class Failure(NamedTuple):
    """A failure reason, decoded.

    `kind` is PostHog's own name for it (such as "JavaScript NoSourcemap"), or "unrecognised"; `detail` is what came
    with it (a URL, a status), text that a stranger may have written; `status` is that of an HTTP error, such as "404".
    """

    kind: str
    meaning: str
    remedy: str
    detail: str
    status: str = ""

    @property
    def reason(self) -> str:
        """The kind, with the status of an HTTP error."""
        return f"{self.kind} {self.status}".strip()


def decode_failure(failure_reason: str) -> Failure:
    """Decode the JSON that the API keeps in a symbol set's `failure_reason`; plain prose is accepted as well."""
    try:
        tagged = from_json(failure_reason)  # json.loads would take as many levels as its stack has
    except ValueError:
        return Failure(UNRECOGNISED, *UNKNOWN, failure_reason)
    platform, variant, detail = _untag(tagged)
    known = REASONS.get((platform, variant))
    if known is None:
        return Failure(UNRECOGNISED, *UNKNOWN, failure_reason)
    status = HTTP_STATUS.match(detail) if variant == "HttpStatus" else None
    return Failure(f"{platform} {variant}".strip(), *known, detail, status[1] if status else "")


def _untag(tagged: Any) -> tuple[str, str, str]:
    """Take a tagged Rust enum apart, whether its variants carry something or not."""
    if not isinstance(tagged, dict) or len(tagged) != 1:
        return "", str(tagged), ""
    name, inner = next(iter(tagged.items()))
    if ("", name) in REASONS:
        return "", name, _words(inner)
    if isinstance(inner, dict) and len(inner) == 1:
        variant, detail = next(iter(inner.items()))
        return name, variant, _words(detail)
    return name, str(inner), ""


def _words(detail: Any) -> str:
    return detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
