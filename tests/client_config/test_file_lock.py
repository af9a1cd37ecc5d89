"""A lock between processes: who holds it, and who waits how long."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.file_lock import locked

HOLD = """
import sys
from pathlib import Path
from threading import Timer
from errtrack_mcp.client_config.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "file.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_that_another_process_holds_is_refused_after_a_time(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    """With what to do; one that ends leaves no lock behind, however it ends."""
    taken = pytest.raises(RefusedError, match=r"for 0\.1 seconds; nothing was written\. End that one")
    with taken, locked(tmp_path / "file.json", seconds=0.1):
        pytest.fail("had a lock that another process holds")
    holder.kill()
    holder.wait(10)
    with locked(tmp_path / "file.json"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".file.json.lock"]


def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    """It asks again and again."""
    assert holder.stdin is not None
    Timer(0.2, holder.stdin.close).start()
    with locked(tmp_path / "file.json"):
        pass


def test_a_place_for_no_lock_is_named(tmp_path: Path) -> None:
    """A folder stands there."""
    (tmp_path / ".file.json.lock").mkdir()
    with pytest.raises(RefusedError, match="cannot be opened: Is a directory"), locked(tmp_path / "file.json"):
        pytest.fail("had a lock that cannot be")
