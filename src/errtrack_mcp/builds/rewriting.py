"""Files of a build, replaced all together or not at all.

New contents are first written next to the originals. When all are there, each takes its original's place in one step.
The originals are kept under another name until the last one is in place, and are put back where anything fails.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from errtrack_mcp.builds.script import FOLDER, Unread, reason

NEW, OLD = "errtrack-new", "errtrack-old"
MAX_CONTENTS = 3  # that a file gets, one after the other
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS
_BY_FOLDER = {os.open, os.stat, os.link, os.unlink, os.rename} <= os.supports_dir_fd


@dataclass(slots=True)
class _Step:
    """One file with one of its new contents; `seen` is the state of the file when its content was read."""

    path: Path
    number: int
    seen: os.stat_result | None


@dataclass(slots=True)
class Rewriting:
    """Several files that are replaced together. Paths are absolute and free of links.

    Every method raises Unread, with the reason, and leaves the originals in place.
    """

    _steps: list[_Step] = field(default_factory=list)
    _added: Counter[Path] = field(default_factory=Counter)
    _replaced: dict[Path, None] = field(default_factory=dict)  # in the order in which they were

    def add(self, path: Path, content: bytes, *, seen: os.stat_result | None = None) -> None:
        """Write a new content next to its file; one file may get several, which take their turns.

        `seen` is the file's state when it was read: where it has changed since, nothing is replaced.
        """
        step = _Step(path, self._added[path], seen)
        try:
            with _Folder(path.parent) as folder:
                folder.remove(_new(step))
                mode = folder.stat(path.name).st_mode & 0o7777
                folder.write(_new(step), content, mode)
        except OSError as error:
            self.discard()
            raise Unread(f"{path.name!a} cannot be written: {reason(error)}") from None
        self._steps.append(step)
        self._added[path] += 1

    def replace(self) -> None:
        """Put every new content in its place, in the order in which they were added, then drop the originals."""
        try:
            for step in self._steps:
                self._replace(step)
        except OSError as error:
            self.restore()
            raise Unread(f"a file cannot be replaced: {reason(error)}") from None
        except BaseException:
            self.restore()
            raise
        for path in self._replaced:
            with suppress(OSError), _Folder(path.parent) as folder:
                folder.remove(_old(path))

    def _replace(self, step: _Step) -> None:
        path = step.path
        with _Folder(path.parent) as folder:
            if path not in self._replaced:
                if step.seen is not None and _changed(folder.stat(path.name), step.seen):
                    raise Unread(f"{path.name!a} has changed since it was read")
                folder.remove(_old(path))
                folder.keep(path.name, _old(path))
                self._replaced[path] = None
            folder.rename(_new(step), path.name)

    def restore(self) -> None:
        """Put the originals back, and drop what was written next to them.

        Raises Unread where an original cannot be put back: it stays next to its file.
        """
        lost = []
        for path in reversed(self._replaced):
            try:
                with _Folder(path.parent) as folder:
                    folder.rename(_old(path), path.name)
                    folder.remove(_old(path))  # two names of one file are both left by a rename
            except OSError as error:
                lost.append(f"{path.name!a} ({reason(error)})")
        self._replaced.clear()
        self.discard()
        if lost:
            named = ", ".join(lost[:5])
            raise Unread(f"{len(lost)} files are injected and cannot be put back, their originals are *.{OLD}: {named}")

    def discard(self) -> None:
        """Drop the new contents that are not in place."""
        for step in self._steps:
            with suppress(OSError), _Folder(step.path.parent) as folder:
                folder.remove(_new(step))
        self._steps.clear()
        self._added.clear()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other runs out of a directory; the lock ends with the process. Raises Unread where another run has it.

    Windows locks no folders: there it does nothing.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise Unread(f"the directory cannot be opened: {reason(error)}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unread("another run injects this directory at the moment") from None
        except OSError as error:
            raise Unread(f"the directory cannot be locked: {reason(error)}") from None
        yield
    finally:
        os.close(descriptor)


def leftovers(paths: Iterable[Path]) -> list[Path]:
    """Return what a run that was killed has left next to these files. Raises Unread."""
    by_folder: dict[Path, set[str]] = {}
    for path in paths:
        names = {_old(path), *(f".{path.name}.{number}.{NEW}" for number in range(MAX_CONTENTS))}
        by_folder.setdefault(path.parent, set()).update(names)
    found = []
    for path, names in by_folder.items():
        try:
            with _Folder(path) as folder:
                found += [path / name for name in sorted(names & folder.names())]
        except OSError as error:
            raise Unread(f"{path.name!a} cannot be read: {reason(error)}") from None
    return found


def remove(paths: Iterable[Path]) -> None:
    """Remove files. Raises Unread."""
    for path in paths:
        try:
            with _Folder(path.parent) as folder:
                folder.remove(path.name)
        except OSError as error:
            raise Unread(f"{path.name!a} cannot be removed: {reason(error)}") from None


def _new(step: _Step) -> str:
    return f".{step.path.name}.{step.number}.{NEW}"


def _old(path: Path) -> str:
    return f".{path.name}.{OLD}"


def _changed(now: os.stat_result, then: os.stat_result) -> bool:
    return (now.st_ino, now.st_size, now.st_mtime_ns) != (then.st_ino, then.st_size, then.st_mtime_ns)


class _Folder:
    """A folder that was opened without following links, where the platform can, so that it cannot be swapped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        if _BY_FOLDER:
            descriptor = os.open(self._path.anchor, FOLDER)
            try:
                for part in self._path.parts[1:]:
                    inner = os.open(part, FOLDER, dir_fd=descriptor)
                    os.close(descriptor)
                    descriptor = inner
            except OSError:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _named(self, name: str) -> str:
        return name if self._descriptor is not None else str(self._path / name)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(self._named(name), dir_fd=self._descriptor, follow_symlinks=False)

    def names(self) -> set[str]:
        """Return the names of everything in it."""
        # A descriptor that only names the folder cannot be read from.
        readable = os.open(".", os.O_RDONLY, dir_fd=self._descriptor) if self._descriptor is not None else None
        try:
            with os.scandir(self._path if readable is None else readable) as entries:
                return {entry.name for entry in entries}
        finally:
            if readable is not None:
                os.close(readable)

    def write(self, name: str, content: bytes, mode: int) -> None:
        """Write a file that is not there."""
        with os.fdopen(os.open(self._named(name), _FLAGS, mode, dir_fd=self._descriptor), "wb") as file:
            file.write(content)
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)

    def keep(self, name: str, other: str) -> None:
        """Give a file a second name; where the file system has no such thing, a copy."""
        try:
            os.link(
                self._named(name),
                self._named(other),
                src_dir_fd=self._descriptor,
                dst_dir_fd=self._descriptor,
                follow_symlinks=False,
            )
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):
            original = os.open(self._named(name), os.O_RDONLY | _NO_LINKS, dir_fd=self._descriptor)
            with os.fdopen(original, "rb") as file:
                self.write(other, file.read(), os.fstat(original).st_mode & 0o7777)

    def rename(self, name: str, other: str) -> None:
        os.replace(self._named(name), self._named(other), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._named(name), dir_fd=self._descriptor)
