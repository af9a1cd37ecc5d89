"""Where maps are: in a symbol set of the project, or in a build on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from errtrack_mcp.api.client import Client
from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.read_pair import read_pair
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.symbolication.places import LookUp, Place
from errtrack_mcp.symbolication.process import FileUnusable, look_up, place_for_a_file
from errtrack_mcp.tools.failure_reasons import decode_failure
from errtrack_mcp.tools.stack_traces.frames import NoMap
from errtrack_mcp.tools.symbol_set_counts import NO_FILE, state_of
from errtrack_mcp.tools.symbol_set_file import NoLookUp, look_up_in
from errtrack_mcp.tools.symbol_sets import SymbolSet, find_symbol_set

LINES_AROUND = 2  # of source code, before and after


class Source(Protocol):
    """One file with a map."""

    @property
    def name(self) -> str:
        """The ref, or the path of the script."""

    async def look_up(self, places: list[Place]) -> LookUp:
        """Look places up in the file. Raises NoMap and ApiError."""


@dataclass(frozen=True)
class UploadedFile:
    """The file of the symbol set with this ref; its row where that was read already."""

    api: Client
    name: str
    row: SymbolSet | None = None

    async def look_up(self, places: list[Place]) -> LookUp:
        """Look places up in the file. Raises NoMap and ApiError."""
        found = self.row or await find_symbol_set(self.api, self.name)
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
