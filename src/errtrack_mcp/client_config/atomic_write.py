"""A file, read whole and replaced whole: never half written, never over what another has written meanwhile."""

import os
import tempfile
from pathlib import Path

LARGEST = 1 << 20


class RefusedError(Exception):
    """A file is left as it is; the message says why, and what to do."""


def read(path: Path) -> bytes | None:
    """Return what a file holds, or None where there is none. Raises RefusedError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"{path} cannot be read: {error.strerror}. Fix that, and run this again.") from None
    if len(data) > LARGEST:
        raise RefusedError(f"{path} is larger than 1 MB, which no such file is; edit it by hand.")
    return data


def replace(path: Path, before: bytes | None, after: bytes | None, *, private: bool = False) -> None:
    """Let a file hold `after`, or be gone where that is None; a link stays a link.

    Permissions stay, or with `private` become those for its owner alone. Raises RefusedError where it no longer holds
    `before`, or cannot be written.
    """
    if read(path) != before:
        raise RefusedError(f"{path} has been changed meanwhile; nothing was written. Run this again.")
    target = path.resolve()
    try:
        if after is None:
            target.unlink(missing_ok=True)
        else:
            write(target, after, like=None if private else target)
    except OSError as error:
        raise RefusedError(f"{path} cannot be written: {error.strerror}. It is as it was.") from None


def write(path: Path, data: bytes, like: Path | None) -> None:
    """Write a file in one step, with the permissions of `like`, or for its owner alone where there is no such file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if like is not None and like.exists():
            Path(name).chmod(like.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
