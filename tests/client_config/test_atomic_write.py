"""A file that is replaced whole, or not at all."""

import os
import sys
from pathlib import Path

import pytest

from errtrack_mcp.client_config import atomic_write
from errtrack_mcp.client_config.atomic_write import RefusedError


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A link still leads to the file, whose permissions are what they were; nothing else is left behind."""
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    file.write_bytes(b"before")
    file.chmod(0o640)
    link.symlink_to(file)
    atomic_write.replace(link, b"before", b"after")
    assert file.read_bytes() == b"after"
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It may come to hold a key."""
    atomic_write.replace(tmp_path / "folder" / "new.json", None, b"{}")
    assert (tmp_path / "folder" / "new.json").stat().st_mode & 0o777 == 0o600


def test_a_private_file_becomes_private(tmp_path: Path) -> None:
    """Whatever others were allowed before."""
    file = tmp_path / "keys.json"
    file.write_bytes(b"before")
    file.chmod(0o644)
    atomic_write.replace(file, b"before", b"after", private=True)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_change_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """The file keeps what the other program wrote."""
    file = tmp_path / "file.json"
    file.write_bytes(b"theirs")
    with pytest.raises(RefusedError, match="has been changed meanwhile"):
        atomic_write.replace(file, b"before", b"after")
    assert file.read_bytes() == b"theirs"


def test_none_removes_the_file(tmp_path: Path) -> None:
    """What was not there before is not there afterwards."""
    file = tmp_path / "file.json"
    file.write_bytes(b"ours")
    atomic_write.replace(file, b"ours", None)
    assert atomic_write.read(file) is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """With the path, and what to do."""
    with pytest.raises(RefusedError, match="cannot be read"):
        atomic_write.read(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """Nobody may ever write into it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedError, match=r"it is no regular file\. Move it away"):
        atomic_write.read(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are another matter there")
@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_private_file_that_others_can_change_is_not_believed(tmp_path: Path, mode: int) -> None:
    """With what to type; any other file is read all the same."""
    file = tmp_path / "keys.json"
    file.write_bytes(b"theirs")
    file.chmod(mode)
    with pytest.raises(RefusedError, match=f"can be changed by other users, so it is not used.*: chmod 600 {file};"):
        atomic_write.read(file, private=True)
    assert atomic_write.read(file) == b"theirs"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such numbers")
def test_a_private_file_of_another_user_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is theirs to change; one of root is as good as our own."""
    file = tmp_path / "keys.json"
    file.write_bytes(b"theirs")
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    if file.stat().st_uid == 0:
        assert atomic_write.read(file, private=True) == b"theirs"
        os.chown(file, 4321, -1)
    with pytest.raises(RefusedError, match=r"belongs to another user, so it is not used\. Delete it"):
        atomic_write.read(file, private=True)
