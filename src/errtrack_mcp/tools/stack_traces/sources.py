"""Where the map of a frame is: in a symbol set of the project, or in a build on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from errtrack_mcp.api.client import Client
from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.read_pair import read_pair, script_of
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.symbolication.places import LookUp, Place
from errtrack_mcp.symbolication.process import FileUnusable, look_up, place_for_a_file
from errtrack_mcp.tools.failure_reasons import decode_failure
from errtrack_mcp.tools.stack_traces.frames import Reason, WantedFrame, cleaned
from errtrack_mcp.tools.symbol_set_counts import NO_FILE, state_of
from errtrack_mcp.tools.symbol_set_file import NoLookUp, look_up_in
from errtrack_mcp.tools.symbol_sets import find_symbol_set

MAX_FILES = 10  # in one call
LINES_AROUND = 2  # of source code, before and after


class NoMap(Exception):  # noqa: N818 - named after what it is
    """A frame's map that cannot be had: `reason` is its kind, the message says more."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class Source(Protocol):
    """One file with a map."""

    @property
    def name(self) -> str:
        """The ref, or the path of the script."""

    async def look_up(self, places: list[Place]) -> LookUp:
        """Look places up in the file. Raises NoMap and ApiError."""


@dataclass(frozen=True)
class UploadedFile:
    """The file of the symbol set with this ref."""

    api: Client
    name: str

    async def look_up(self, places: list[Place]) -> LookUp:
        """Look places up in the file. Raises NoMap and ApiError."""
        found = await find_symbol_set(self.api, self.name)
        if found is None:
            raise NoMap("never_uploaded")
        if state_of(found.row()) == NO_FILE:
            if found.failure_reason:
                raise NoMap("fetch_failed", decode_failure(found.failure_reason).meaning)
            raise NoMap("never_uploaded")
        try:
            return await look_up_in(self.api, found, places, lines_around=LINES_AROUND)
        except NoLookUp as error:
            raise NoMap(error.problem, str(error)) from None


@dataclass(frozen=True)
class LocalScript:
    """A script of a build on this machine, with its map."""

    directory: Path
    root: Path
    bundle: Bundle

    @property
    def name(self) -> str:
        """The path of the script below its directory."""
        return self.bundle.path

    async def look_up(self, places: list[Place]) -> LookUp:
        """Look places up in the map. Raises NoMap."""
        try:
            async with place_for_a_file():
                pair = await to_thread.run_sync(read_pair, self.directory, self.root, self.bundle)
                return await look_up(pair.source_map, places, script=pair.script, lines_around=LINES_AROUND)
        except (Unread, FileUnusable) as error:
            raise NoMap("file_unusable", str(error)) from None


@dataclass(frozen=True)
class LocalBuild:
    """A build on this machine: its scripts, and the root below which their maps may be."""

    directory: Path
    root: Path
    bundles: list[Bundle]


async def resolve(frames: Iterable[WantedFrame], api: Client, build: LocalBuild | None) -> None:
    """Look every frame up that has a position, file by file, and note on each what was found or why nothing was.

    Raises ApiError where the project cannot be asked at all.
    """
    by_source: dict[str, tuple[Source, list[WantedFrame]]] = {}
    for frame in frames:
        if frame.readable or frame.reason is not None:
            continue
        try:
            source = _source_of(frame, api, build)
            by_source.setdefault(source.name, (source, []))[1].append(frame)
        except NoMap as error:
            frame.reason, frame.detail = error.reason, str(error)
    for number, (source, wanted) in enumerate(by_source.values()):
        if number >= MAX_FILES:
            _fail(wanted, NoMap("not_tried"))
            continue
        try:
            await _resolve(source, wanted)
        except NoMap as error:
            _fail(wanted, error)


def _source_of(frame: WantedFrame, api: Client, build: LocalBuild | None) -> Source:
    """Return the file that a frame needs. Raises NoMap."""
    if frame.place() is None:
        raise NoMap("maps_cannot_help")
    if build is not None:
        found = script_of(frame.url, frame.ref, build.bundles)
        if len(found) > 1:
            raise NoMap("ambiguous", ", ".join(bundle.path for bundle in found[:3]))
        if found:
            return LocalScript(build.directory, build.root, found[0])
    ref = frame.ref or (frame.url if frame.url.startswith(("https://", "http://")) else "")
    if not ref or build is not None:
        raise NoMap("no_chunk_id")
    return UploadedFile(api, ref)


async def _resolve(source: Source, wanted: list[WantedFrame]) -> None:
    """Look the frames of one file up. Raises NoMap and ApiError."""
    with_place = [(frame, place) for frame in wanted if (place := frame.place())]
    found = await source.look_up([place for _, place in with_place])
    for (frame, _), originals in zip(with_place, found.originals, strict=True):
        frame.originals = tuple(map(cleaned, originals))
        if not originals:
            frame.reason = "map_does_not_fit"
        if isinstance(source, UploadedFile):
            frame.ref = source.name


def _fail(wanted: list[WantedFrame], error: NoMap) -> None:
    for frame in wanted:
        frame.reason, frame.detail = error.reason, str(error)
