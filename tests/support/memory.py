"""The memory of a process, as Linux counts it."""

import re
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="The peak of memory is read from /proc, which this system has not."
)


def memory(pid: int) -> int:
    """Return the memory that a process has now, in bytes."""
    return _counted(pid, "VmRSS")


def peak_memory(pid: int) -> int:
    """Return the most memory that a process ever had, in bytes."""
    return _counted(pid, "VmHWM")


def _counted(pid: int, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
