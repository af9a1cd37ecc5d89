"""A build directory, walked: every script in it, and what was not looked at."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from errtrack_mcp.builds.script import Script, Unread, read_script, reason
from errtrack_mcp.builds.source_map import MapState, find_map

SUFFIXES = (".js", ".mjs", ".cjs")
LEFT_OUT = frozenset({"node_modules", ".git"})
MAX_SCRIPTS = 5_000
MAX_ENTRIES = 200_000
DEEPEST = 64
MAX_SECONDS = 120.0


class Bundle(NamedTuple):
    """A script of the build, or a place that could not be looked into.

    `path` is relative to the directory; `unread` says why there is no `script`.
    """

    path: str
    script: Script | None = None
    map: MapState | None = None
    unread: str = ""


@dataclass(slots=True)
class BuildDirectory:
    """A directory to walk. Links are never followed; maps are looked for below `root`, which holds it.

    `path` and `root` are absolute and free of links; `exclude` and `include` hold globs over paths relative to the
    directory: a script that fits one of `exclude`, or none of `include` where there are any, is not read.
    The counts say, after the walk, what it did not look at.
    """

    path: Path
    root: Path
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    max_scripts: int = MAX_SCRIPTS
    max_entries: int = MAX_ENTRIES
    max_seconds: float = MAX_SECONDS
    left_out: int = field(default=0, init=False)
    excluded: int = field(default=0, init=False)
    too_deep: int = field(default=0, init=False)
    cut: str = field(default="", init=False)
    _entries: int = field(default=0, init=False)
    _scripts: int = field(default=0, init=False)

    def bundles(self) -> Iterator[Bundle]:
        """Read the scripts one by one, in a stable order."""
        deadline = time.monotonic() + self.max_seconds
        pending = [(self.path, 0)]
        while pending and not self.cut:
            folder, depth = pending.pop()
            try:
                entries = self._list(folder)
            except OSError as error:
                yield Bundle(self._shown(folder), unread=reason(error))
                continue
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            pending += [(Path(inner.path), depth + 1) for inner in reversed(folders) if self._enters(inner, depth)]
            for entry in entries:
                if time.monotonic() > deadline:
                    self.cut = f"reading took longer than {self.max_seconds:.0f} seconds; the rest was not seen"
                    return
                if not entry.is_dir(follow_symlinks=False):
                    yield from self._look(entry, deadline)

    def _list(self, folder: Path) -> list["os.DirEntry[str]"]:
        with os.scandir(folder) as found:
            room = self.max_entries - self._entries
            entries = list(islice(found, room + 1))
        if len(entries) > room:
            self.cut = f"the directory holds more than {self.max_entries} files and folders; the rest was not seen"
        self._entries += len(entries)
        return sorted(entries[:room], key=lambda entry: entry.name)

    def _enters(self, folder: "os.DirEntry[str]", depth: int) -> bool:
        if folder.name in LEFT_OUT:
            self.left_out += 1
            return False
        if depth >= DEEPEST:
            self.too_deep += 1
            return False
        return True

    def _look(self, entry: "os.DirEntry[str]", deadline: float) -> Iterator[Bundle]:
        """Read one script; a link gets a line where it hides something."""
        path = Path(entry.path)
        shown = self._shown(path)
        link = entry.is_symlink()
        if path.suffix not in SUFFIXES and not (link and _may_be_folder(entry)):
            return
        if not self._is_wanted(shown):
            self.excluded += 1
            return
        if link and self._seen_elsewhere(path):
            return
        if self._scripts >= self.max_scripts:
            self.cut = f"the directory holds more than {self.max_scripts} scripts; the rest was not seen"
            return
        self._scripts += 1
        if link:
            yield Bundle(shown, unread="a symbolic link to what is not read: outside, left out, excluded or nowhere")
            return
        yield self._read(path, shown, deadline)

    def _read(self, path: Path, shown: str, deadline: float) -> Bundle:
        try:
            script = read_script(path, deadline)
        except Unread as error:
            return Bundle(shown, unread=str(error))
        except OSError as error:
            return Bundle(shown, unread=reason(error))
        return Bundle(shown, script, find_map(path, script, self.root, deadline))

    def _seen_elsewhere(self, link: Path) -> bool:
        """Return whether the target of a link is read at its own place; a link that changes meanwhile has none."""
        try:
            real = Path(os.path.realpath(link))
        except OSError:
            return False
        if not real.is_relative_to(self.path) or not LEFT_OUT.isdisjoint(real.relative_to(self.path).parts):
            return False
        try:
            folder, script = real.is_dir(), real.is_file() and real.suffix in SUFFIXES
        except OSError:
            return False
        shown = self._shown(real) + ("/" if folder else "")
        return (folder or script) and self._is_wanted(shown)

    def _is_wanted(self, shown: str) -> bool:
        if any(fnmatchcase(shown, glob) for glob in self.exclude):
            return False
        return not self.include or any(fnmatchcase(shown, glob) for glob in self.include)

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def _may_be_folder(link: "os.DirEntry[str]") -> bool:
    """Return whether a link leads to a folder, as far as that may be known."""
    try:
        return link.is_dir()
    except OSError:
        return True
