"""A file, read whole and replaced whole: never half written, never over what another has written meanwhile."""

import os
import stat
import tempfile
from pathlib import Path

LARGEST = 1 << 20
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class RefusedError(Exception):
    """A file is left as it is; the message says why, and what to do."""


def read(path: Path, *, private: bool = False) -> bytes | None:
    """Return what a file holds, or None where there is none.

    Raises RefusedError where it cannot be read, or is no regular file: a pipe would let us wait. With `private` also
    where another user than this one and root can change it, on POSIX, since what it says is believed.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise RefusedError(f"{path} cannot be read: it is no regular file. Move it away, and run this again.")
            if private and os.name == "posix":
                _refuse_others(path, state)
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"{path} cannot be read: {error.strerror}. Fix that, and run this again.") from None
    if len(data) > LARGEST:
        raise RefusedError(f"{path} is larger than 1 MB, which no such file is; edit it by hand.")
    return data


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_others(path: Path, state: os.stat_result) -> None:
    if state.st_uid not in {os.geteuid(), 0}:
        what, then = "belongs to another user", "Delete it, or run this as that user"
    elif state.st_mode & OTHERS_MAY_WRITE:
        what, then = "can be changed by other users", f"If all that it says is yours: chmod 600 {path}; else delete it"
    else:
        return
    raise RefusedError(f"{path} {what}, so it is not used. {then}.")


def replace(path: Path, before: bytes | None, after: bytes | None, *, private: bool = False) -> None:
    """Let a file hold `after`, or be gone where that is None; a link stays a link.

    Permissions stay, or with `private` become those for its owner alone. Raises RefusedError where it no longer holds
    `before`, cannot be written, or with `private` is one that others can change.
    """
    if read(path, private=private) != before:
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
