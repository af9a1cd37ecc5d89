"""A lock between processes on one file, so that what one reads is still true when it writes."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errtrack_mcp.client_config.atomic_write import RefusedError

SECONDS = 10.0
PAUSE = 0.02
TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}  # what platforms say of a lock that another process holds

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, seconds: float = SECONDS) -> Iterator[None]:
    """Keep other processes that ask for this lock away from a file; they wait. The file's folder must be there.

    The lock is on an empty file next to it, which stays: a lock on the file itself would end when it is replaced, and
    one on a file that goes with its lock would be two locks for those who wait. Raises RefusedError where it cannot
    be had within `seconds`.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RefusedError(f"{lock} cannot be opened: {error.strerror}. Fix that, and run this again.") from None
    try:
        _wait(descriptor, lock, seconds)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, lock: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return _take(descriptor)
        except OSError as error:
            if error.errno not in TAKEN:
                raise RefusedError(f"{lock} cannot be locked: {error.strerror}. Nothing was written.") from None
        if time.monotonic() > end:
            raise RefusedError(
                f"Another errtrack-mcp has held {lock} for {seconds:g} seconds; nothing was written. "
                "End that one, and run this again."
            )
        time.sleep(PAUSE)
