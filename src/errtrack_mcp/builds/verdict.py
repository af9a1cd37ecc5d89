"""The state of each script's stack traces, and the commands that make them readable. Pure."""

import shlex
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.source_map import HARMLESS_BELOW, MapState


class Uploaded(StrEnum):
    """The project's symbol set for a chunk id."""

    FILE = "file"
    FAILED = "failed"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


class Outlook(NamedTuple):
    """A state in words: whether a stack trace will be readable (None: cannot be told), and the steps that it takes."""

    meaning: str
    readable: bool | None
    steps: frozenset[str] = frozenset()


REBUILD, INJECT, UPLOAD = "rebuild", "inject", "upload"
_ALL = frozenset({REBUILD, INJECT, UPLOAD})

# Worst first: the order of an answer.
OUTLOOKS: dict[str, Outlook] = {
    "no_map": Outlook("no source map that PostHog's CLI would find", readable=False, steps=_ALL),
    "inline_map": Outlook(
        "the map is inside the script, where PostHog's CLI does not look", readable=False, steps=_ALL
    ),
    "external_map": Outlook(
        "the map is named by a URL, and no file lies next to the script", readable=False, steps=_ALL
    ),
    "map_outside": Outlook("the map that it names lies outside the directory", readable=False, steps=_ALL),
    "empty_map": Outlook("the map maps nothing", readable=False, steps=_ALL),
    "bad_map": Outlook("the file next to it is not a source map in JSON", readable=False, steps=_ALL),
    "not_injected": Outlook("has a map, but no usable chunk id", readable=False, steps=frozenset({INJECT, UPLOAD})),
    "not_registered": Outlook(
        "has a chunk id comment, but no code at its top that reports the id with an error",
        readable=False,
        steps=frozenset({INJECT, UPLOAD}),
    ),
    "shared_id": Outlook(
        "shares its chunk id with a different script, and only one map can be stored for it",
        readable=False,
        steps=_ALL,
    ),
    "upload_failed": Outlook(
        "the project's symbol set for its chunk id has no file", readable=False, steps=frozenset({UPLOAD})
    ),
    "not_uploaded": Outlook(
        "has chunk id and map, but the project has no symbol set for it", readable=False, steps=frozenset({UPLOAD})
    ),
    "unread": Outlook("could not be looked into", readable=None),
    "map_unread": Outlook("its map could not be looked into", readable=None),
    "not_looked_up": Outlook("has a chunk id that was not looked up in the project", readable=None),
    "uploaded": Outlook("the project has a file for its chunk id", readable=True),
    "harmless": Outlook("empty, or small with a map of nothing: no traces to read", readable=True),
}
_BY_MAP = {
    MapState.MISSING: "no_map",
    MapState.INLINE: "inline_map",
    MapState.EXTERNAL: "external_map",
    MapState.OUTSIDE: "map_outside",
    MapState.EMPTY: "empty_map",
    MapState.NOT_JSON: "bad_map",
    MapState.NOT_A_MAP: "bad_map",
    MapState.TOO_LARGE: "map_unread",
    MapState.UNREADABLE: "map_unread",
}


_BY_UPLOAD = {
    Uploaded.FILE: "uploaded",
    Uploaded.UNKNOWN: "not_looked_up",
    Uploaded.FAILED: "upload_failed",
    Uploaded.NOTHING: "not_uploaded",
}
_SETTLED = frozenset({Uploaded.FILE, Uploaded.UNKNOWN})


def shared_ids(bundles: Iterable[Bundle]) -> frozenset[str]:
    """Return the chunk ids that scripts of different content carry; copies of one script may share theirs."""
    digests: dict[str, bytes] = {}
    shared = set()
    for bundle in bundles:
        if bundle.script and bundle.script.chunk_id:
            first = digests.setdefault(bundle.script.chunk_id, bundle.script.digest)
            if first != bundle.script.digest:
                shared.add(bundle.script.chunk_id)
    return frozenset(shared)


def judge(bundle: Bundle, uploaded: Mapping[str, Uploaded], shared: frozenset[str]) -> str:
    """Name the state of a script, a key of OUTLOOKS."""
    script = bundle.script
    if script is None or bundle.map is None:
        return "unread"
    if not script.size or (bundle.map is MapState.EMPTY and script.size < HARMLESS_BELOW):
        return "harmless"
    if not script.chunk_id:
        return _BY_MAP.get(bundle.map, "not_injected")
    if script.chunk_id in shared:
        return "shared_id"
    if not script.registered:
        return _BY_MAP.get(bundle.map, "not_registered")  # without a map there is nothing to inject
    found = uploaded.get(script.chunk_id, Uploaded.UNKNOWN)
    # What stands in the way of an upload says more than that there was none.
    return _BY_UPLOAD[found] if found in _SETTLED else _BY_MAP.get(bundle.map, _BY_UPLOAD[found])


def overall(states: Iterable[str], *, complete: bool) -> bool | None:
    """Say whether a build will be readable: False if any script surely is not, None if that cannot be told."""
    verdicts = {OUTLOOKS[state].readable for state in states}
    if False in verdicts:
        return False
    return True if verdicts == {True} and complete else None


def commands(states: Iterable[str], directory: str, target: str, *, excluding: Iterable[str]) -> list[str]:
    """Return the shell commands that make a build readable, in their order, or none.

    `target` is how the commands' environment names host and project; `excluding` holds globs as the CLI takes them.
    """
    steps = frozenset(step for state in states for step in OUTLOOKS[state].steps)
    options = "".join(f" --exclude {shlex.quote(glob)}" for glob in excluding)
    where = f"--directory {shlex.quote(directory)}{options}"
    verbs = [step for step in (INJECT, UPLOAD) if step in steps]
    if not verbs:
        return []
    return [f"export {target}", *(f"posthog-cli sourcemap {verb} {where}" for verb in verbs)]
