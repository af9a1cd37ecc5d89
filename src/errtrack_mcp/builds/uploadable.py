"""Which scripts of a build can be uploaded, under which chunk id, and which files have to be rewritten first."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid5

from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.inject import NoCode, Place, has_our_snippet, with_injection, without_injection
from errtrack_mcp.builds.map_edit import DamagedMap, SourceMap, inserted, read_map, removed, written
from errtrack_mcp.builds.read_pair import read_whole
from errtrack_mcp.builds.script import NAMESPACE, Script, Unread
from errtrack_mcp.builds.source_map import MapState, map_file
from errtrack_mcp.builds.verdict import OUTLOOKS, judge

UUID_LENGTH = 36


class ReleaseMode(StrEnum):
    """How PostHog learns an error's release: from the code at the top of a script, or from its symbol set."""

    EVENT = "event"
    SYMBOL_SET = "symbol-set"


class Binding(NamedTuple):
    """What a build is uploaded for: `release` is app and version, `release_id` is "" until it is known."""

    mode: ReleaseMode = ReleaseMode.EVENT
    inject: bool = True
    release: tuple[str, str] | None = None
    release_id: str = ""


class Pair(NamedTuple):
    """A script that can be uploaded with its map; `size` is that of both in bytes, `digests` those of both contents.

    `old_chunk_id` is the one that the script has now, and `rewritten` tells whether it has to be injected first.
    `text_uuid` is the chunk id that its present text would get. `release_id` is the one that its map names. `note` says
    what else is to be known of it. `copy_of` is the path of a script with the same text, which is sent in its place.
    """

    path: str
    script: Path
    source_map: Path
    digests: tuple[bytes, bytes]
    size: int
    chunk_id: str
    old_chunk_id: str = ""
    rewritten: bool = False
    text_uuid: str = ""
    release_id: str = ""
    note: str = ""
    copy_of: str = ""


class Skipped(NamedTuple):
    """A script that is not uploaded: `state` is a key of MEANINGS, `detail` says more where there is more."""

    path: str
    state: str
    detail: str = ""


MEANINGS = {name: outlook.meaning for name, outlook in OUTLOOKS.items()} | {
    "copy": "has the content of another script, which is uploaded",
    "damaged_map": "its map cannot follow the injection",
    "shared_map": "shares its map with another script, so that it cannot be injected",
    "marked_map": "its map was adjusted for code at the top that the script does not have; build again",
    "other_injection": "was injected by another tool for another release; build again",
}
UPLOADABLE = frozenset({"not_injected", "not_registered", "not_looked_up"})  # if there is a map
KEEPS_RELEASE = "was injected by another tool: the release that its code reports stays as it is"


def examine(bundle: Bundle, directory: Path, root: Path, binding: Binding) -> Pair | Skipped:
    """Decide about one script of a build in `directory`, whose maps may be anywhere below `root`."""
    state = judge(bundle, {}, frozenset())
    script = bundle.script
    if script is not None and state in UPLOADABLE and bundle.map is not MapState.PRESENT:
        state = judge(bundle._replace(script=script._replace(chunk_id="")), {}, frozenset())  # says what the map lacks
    if script is None or state not in UPLOADABLE:
        return Skipped(bundle.path, state, bundle.unread)
    try:
        return _examined(bundle.path, script, directory / bundle.path, root, binding)
    except Unread as error:
        return Skipped(bundle.path, "map_unread", str(error))
    except DamagedMap as error:
        return Skipped(bundle.path, "damaged_map", str(error))
    except UnicodeDecodeError:
        return Skipped(bundle.path, "unread", "it has changed since it was read")
    except NoCode:
        return Skipped(bundle.path, "harmless", "it holds no code")


def _examined(name: str, script: Script, path: Path, root: Path, binding: Binding) -> Pair | Skipped:
    """Read a script and its map, and try the injection: a map that cannot follow it is to be known in the plan."""
    found = map_file(path, script, root)
    if isinstance(found, MapState):
        return Skipped(name, "map_unread", found.value)
    content = read_whole(found)
    source_map = read_map(content)
    pair = Pair(
        path=name,
        script=path,
        source_map=found,
        digests=(script.digest, hashlib.sha256(content).digest()),
        size=script.size + len(content),
        chunk_id=script.chunk_id,
        old_chunk_id=script.chunk_id,
        text_uuid=script.uuid,
        release_id=_text(source_map, "release_id"),
    )
    del content
    if not binding.inject:
        return pair if pair.chunk_id else Skipped(name, "not_injected")
    code = read_whole(path)
    decided = _decided(pair, script, code, source_map, binding)
    if isinstance(decided, Pair) and decided.rewritten:
        _, before, after = _injected(decided, code, binding)
        _moved(source_map, before, after)
    return decided


def _decided(pair: Pair, script: Script, code: bytes, source_map: SourceMap, binding: Binding) -> Pair | Skipped:
    marked = bool(_text(source_map, "chunk_id"))
    if not (script.chunk_id and script.registered):
        if marked:
            return Skipped(pair.path, "marked_map")
        return pair._replace(chunk_id=_new_id(script, source_map, binding), rewritten=True)
    ours = has_our_snippet(code.decode(), script.chunk_id, script.release_id)
    other_release = bool(binding.release) and (
        not binding.release_id
        or binding.release_id
        != (script.release_id if binding.mode is ReleaseMode.EVENT else _text(source_map, "release_id"))
    )
    if not other_release:
        return pair._replace(rewritten=ours and not marked)  # a run that was ended wrote the script and not the map
    if binding.mode is ReleaseMode.EVENT and not ours:
        return pair._replace(note=KEEPS_RELEASE)
    if binding.mode is ReleaseMode.EVENT:
        return pair._replace(rewritten=True, chunk_id=_id_with_release(script))
    if not ours:
        return Skipped(pair.path, "other_injection")
    return pair._replace(chunk_id=_new_id(script, source_map, binding), rewritten=True)


def _new_id(script: Script, source_map: SourceMap, binding: Binding) -> str:
    """Return the chunk id of a script: always the same for the same text, and in mode symbol-set for the same release.

    As PostHog's CLI does in mode event, an id of an older kind is kept where there is one.
    """
    if binding.mode is ReleaseMode.SYMBOL_SET:
        return str(uuid5(NAMESPACE, "\0".join((*(binding.release or ()), script.uuid))))
    debug_id = script.debug_id or _text(source_map, "debugId")
    return script.chunk_id or (debug_id if _is_uuid(debug_id) else script.uuid)


def _id_with_release(script: Script) -> str:
    """Return the chunk id of an injected script whose code is to report a release.

    Where it reports one, its id stays. Otherwise the code becomes longer, and the map that was uploaded for the id no
    longer fits.
    """
    return script.chunk_id if script.release_id else str(uuid5(NAMESPACE, f"{script.chunk_id}\0with-release"))


def settle(examined: Iterable[Pair | Skipped]) -> list[Pair | Skipped]:
    """Leave out copies, and scripts that cannot be told apart or that would have to share an adjusted map."""
    everything = list(examined)
    pairs = [each for each in everything if isinstance(each, Pair)]
    by_id: dict[str, Pair] = {}
    by_map: dict[Path, list[str]] = {}
    for pair in pairs:
        by_id.setdefault(pair.chunk_id, pair)
        by_map.setdefault(pair.source_map, []).append(pair.path)
    shared = {pair.chunk_id for pair in pairs if not _is_same_text(pair, by_id[pair.chunk_id])}
    sent: dict[str, str] = {}  # by chunk id, the path of the first script that can be sent

    def settled(each: Pair | Skipped) -> Pair | Skipped:
        if isinstance(each, Skipped):
            return each
        if each.chunk_id in shared:
            return Skipped(each.path, "shared_id", each.chunk_id)
        if each.rewritten and (others := [path for path in by_map[each.source_map] if path != each.path]):
            return Skipped(each.path, "shared_map", others[0])
        first = sent.setdefault(each.chunk_id, each.path)
        return each if first == each.path else each._replace(copy_of=first)

    return [settled(each) for each in everything]


def _is_same_text(one: Pair, other: Pair) -> bool:
    """Return whether two scripts with one chunk id have one text, although only one of them may be injected yet."""
    return one.digests[0] == other.digests[0] or one.chunk_id in {one.text_uuid, other.text_uuid}


class Rewrite(NamedTuple):
    """The new contents of a pair's files. `raw_map` is written before the script where the map has to move twice.

    After each of the writes a second run finds out how far this one came: code at the top that is ours, beside a map
    without the mark `chunk_id`, says that the map is still that of the script without it.
    """

    script: bytes
    source_map: bytes
    raw_map: bytes | None = None


def rewrite(pair: Pair, script: bytes, source_map: bytes, binding: Binding) -> Rewrite:
    """Inject a pair. Raises DamagedMap, and NoCode for a script without code."""
    new_script, before, after = _injected(pair, script, binding)
    raw, final = _moved(read_map(source_map), before, after)
    marks = {"chunk_id": pair.chunk_id}
    if binding.mode is ReleaseMode.SYMBOL_SET and binding.release_id:
        marks["release_id"] = binding.release_id
    return Rewrite(
        script=new_script,
        source_map=written({**final, **marks}),
        raw_map=None if raw is None else written(raw),
    )


def _injected(pair: Pair, script: bytes, binding: Binding) -> tuple[bytes, Place | None, Place | None]:
    """Inject a script; return also the place of the code that it had at its top, and of that which it has now."""
    base = without_injection(script.decode(), pair.old_chunk_id)
    release_id = binding.release_id if binding.mode is ReleaseMode.EVENT else ""
    injected = with_injection(base.script, pair.chunk_id, release_id)
    return injected.script.encode(), base.place, injected.place


def _moved(source_map: SourceMap, before: Place | None, after: Place | None) -> tuple[SourceMap | None, SourceMap]:
    """Let a map follow its script; return first the map of the script without any code, where the map moves twice."""
    base = removed(source_map, before) if before is not None and "chunk_id" in source_map else source_map
    moves_twice = base is not source_map and before != after
    base = {name: value for name, value in base.items() if name != "chunk_id"}
    return base if moves_twice else None, inserted(base, after) if after else base


def _text(source_map: SourceMap, name: str) -> str:
    value = source_map.get(name) or (source_map.get("chunkId") if name == "chunk_id" else None)
    return value if isinstance(value, str) else ""


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == UUID_LENGTH and bool(UUID(text))
    except ValueError:
        return False
