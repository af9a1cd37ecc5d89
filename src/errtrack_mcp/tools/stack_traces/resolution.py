"""The way from frames to their maps: by the id that a frame brings along, by what the caller knows, by its address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.read_pair import script_of
from errtrack_mcp.symbolication.places import LookUp
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.stack_traces.choice import Candidate, Chosen, choose
from errtrack_mcp.tools.stack_traces.frames import NO_SUCH_LINE, NoMap, WantedFrame, cleaned
from errtrack_mcp.tools.stack_traces.release_files import ReleaseFiles, read_release_files
from errtrack_mcp.tools.stack_traces.sources import LocalScript, Source, UploadedFile
from errtrack_mcp.tools.symbol_set_reader import MAX_SECONDS

MAX_FILES = 10  # in one call
OF_ANOTHER_BUILD = "The build's script of that name has another chunk id."
NOT_IN_BUILD = "No script of the build has its chunk id, or a path that ends like its address."


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows of the maps: refs of symbol sets, and the release that they belong to."""

    refs: tuple[str, ...] = ()
    release: Release | None = None


@dataclass(frozen=True)
class LocalBuild:
    """A build on this machine: its scripts, and the root below which their maps may be."""

    directory: Path
    root: Path
    bundles: list[Bundle]


async def resolve(frames: Sequence[WantedFrame], api: Client, build: LocalBuild | None, known: Known) -> None:
    """Look every frame up that has a position, file by file, and note on each what was found or why nothing was.

    Raises ApiError where the project cannot be asked at all.
    """
    wanted = [frame for frame in frames if frame.waits]
    for frame in wanted:
        if frame.place() is None:
            frame.fail(NoMap("maps_cannot_help"))
    with anyio.move_on_after(MAX_SECONDS):
        if build is not None:
            await _resolve_in_build(wanted, build, known.refs)
        else:
            await _resolve_in_project(wanted, api, known)
    for frame in wanted:
        if frame.waits:
            frame.fail(NoMap("not_tried"))
    _excuse_bundler_code(frames)


def _excuse_bundler_code(frames: Sequence[WantedFrame]) -> None:
    """Note which frames are in code of the bundler: their map fits, since it has other positions of the same script."""
    fitting = {frame.ref or frame.url for frame in frames if frame.resolved and not frame.is_java}
    for frame in frames:
        if frame.reason == "map_does_not_fit" and not frame.detail and (frame.ref or frame.url) in fitting:
            frame.fail(NoMap("bundler_code"))


async def _resolve_in_build(frames: Sequence[WantedFrame], build: LocalBuild, refs: tuple[str, ...]) -> None:
    groups: dict[str, tuple[Source, list[WantedFrame]]] = {}
    for frame in frames:
        if not frame.waits:
            continue
        found = _scripts_of(frame, build.bundles, refs)
        if len(found) == 1:
            script = LocalScript(build.directory, build.root, found[0])
            groups.setdefault(script.name, (script, []))[1].append(frame)
        elif found:
            frame.fail(NoMap("ambiguous", ", ".join(bundle.path for bundle in found[:3])))
        elif _chunk_id(frame) and script_of(frame.url, "", build.bundles):
            frame.fail(NoMap("map_does_not_fit", OF_ANOTHER_BUILD))
        else:
            frame.fail(NoMap("no_chunk_id", NOT_IN_BUILD))
    await _look_up_each(list(groups.values()), MAX_FILES)


def _scripts_of(frame: WantedFrame, bundles: list[Bundle], refs: tuple[str, ...]) -> list[Bundle]:
    """Return the scripts of a build that a frame may mean.

    For a frame without a chunk id, refs decide between several, and where no name fits.
    """
    chunk_id = _chunk_id(frame)
    found = script_of(frame.url, chunk_id, bundles)
    if chunk_id:
        return found
    of_refs = [bundle for bundle in found or bundles if bundle.script and bundle.script.chunk_id in refs]
    if len(found) > 1:
        return of_refs or found
    return found or (of_refs if len(of_refs) == 1 else [])


def _chunk_id(frame: WantedFrame) -> str:
    """Return the chunk id that a frame brings along; a ref may also be the address of a script that has none."""
    return "" if "://" in frame.ref else frame.ref


async def _resolve_in_project(frames: Sequence[WantedFrame], api: Client, known: Known) -> None:
    own = _grouped(api, [(frame.ref, frame) for frame in frames if frame.waits and frame.ref])
    room = await _look_up_each(own, MAX_FILES)
    rest = [frame for frame in frames if frame.waits and not frame.ref]
    why_not = NoMap("no_chunk_id")
    if rest and (known.refs or known.release):
        listed = await read_release_files(api, known.release) if known.release else None
        sources = _sources_of(api, known.refs, listed, rest)
        candidates = [await _candidate(source, rest, given=source.name in known.refs) for source in sources[:room]]
        all_seen = len(sources) <= room and (listed is None or listed.complete)
        for number, decision in enumerate(choose(rest, candidates, all_seen=all_seen)):
            _apply(rest[number], number, decision)
        why_not = _why_not(listed, len(candidates), all_seen=all_seen)
        room = max(0, room - len(sources))
    addressed = [(frame.url, frame) for frame in rest if frame.waits and frame.url.startswith(("https://", "http://"))]
    await _look_up_each(_grouped(api, addressed), room, guessed=True)
    for frame in rest:
        if frame.waits:
            frame.fail(why_not)


def _grouped(api: Client, frames: Iterable[tuple[str, WantedFrame]]) -> list[tuple[Source, list[WantedFrame]]]:
    groups: dict[str, list[WantedFrame]] = {}
    for ref, frame in frames:
        groups.setdefault(ref, []).append(frame)
    return [(UploadedFile(api, ref), wanted) for ref, wanted in groups.items()]


def _sources_of(
    api: Client, refs: tuple[str, ...], listed: ReleaseFiles | None, frames: Sequence[WantedFrame]
) -> list[UploadedFile]:
    """Return the files to look into: those of refs, and of the release all but scripts with another address."""
    sources = [UploadedFile(api, ref) for ref in refs]
    for row in listed.symbol_sets if listed else ():
        unread = Candidate(row.ref, NoMap("not_tried"))
        if row.ref not in refs and (not unread.paths or any(unread.shares(frame) for frame in frames)):
            sources.append(UploadedFile(api, row.ref, row))
    return sources


async def _candidate(source: UploadedFile, frames: Sequence[WantedFrame], *, given: bool) -> Candidate:
    try:
        return Candidate(source.name, await _look_up(source, frames), given)
    except NoMap as error:
        return Candidate(source.name, error, given)


def _apply(frame: WantedFrame, number: int, decision: Chosen | NoMap | None) -> None:
    if isinstance(decision, NoMap):
        frame.fail(decision)
    elif decision is not None:
        frame.ref = decision.candidate.ref
        if isinstance(decision.candidate.looked_up, NoMap):
            frame.fail(decision.candidate.looked_up)
        else:
            _note(frame, decision.candidate.looked_up, number, decision.doubt)


def _why_not(listed: ReleaseFiles | None, looked_into: int, *, all_seen: bool) -> NoMap:
    """Return why a frame has no map among the files that were looked into."""
    if not all_seen:
        return NoMap("not_tried", f"Of the symbol sets that may have it, only {looked_into} were looked into.")
    if listed is not None and not listed.symbol_sets:
        return NoMap("no_chunk_id", "No file is bound to this release; in event release mode none ever is.")
    return NoMap("no_chunk_id", f"No file that was looked into ({looked_into}) is of this script.")


async def _look_up_each(groups: Sequence[tuple[Source, list[WantedFrame]]], room: int, *, guessed: bool = False) -> int:
    """Look the frames of each file up, in as many files as there is room for, and return the room that is left.

    Frames of a file that was `guessed` and is not there go on waiting. Raises ApiError.
    """
    for number, (source, frames) in enumerate(groups):
        try:
            if number >= room:
                raise NoMap("not_tried")  # noqa: TRY301 - as for every other reason
            found = await _look_up(source, frames)
        except NoMap as error:
            if not (guessed and error.reason == "never_uploaded"):
                for frame in frames:
                    frame.fail(error)
            continue
        for place, frame in enumerate(frames):
            if isinstance(source, UploadedFile):
                frame.ref = source.name
            _note(frame, found, place)
    return max(0, room - len(groups))


async def _look_up(source: Source, frames: Sequence[WantedFrame]) -> LookUp:
    """Look frames up that have a place. Raises NoMap and ApiError."""
    return await source.look_up([place for frame in frames if (place := frame.place())])


def _note(frame: WantedFrame, found: LookUp, number: int, doubt: str = "") -> None:
    frame.originals = tuple(map(cleaned, found.originals[number]))
    if not frame.originals:
        frame.fail(NoMap("map_does_not_fit", NO_SUCH_LINE if number in found.beyond else doubt))
    elif doubt:
        frame.fail(NoMap("unsure", doubt))
