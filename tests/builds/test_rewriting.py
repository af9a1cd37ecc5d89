"""Files that are replaced together or not at all."""

import os
from pathlib import Path

import pytest

from errtrack_mcp.builds.read_pair import read_with_state
from errtrack_mcp.builds.rewriting import Rewriting, locked
from errtrack_mcp.builds.script import Unread

OLD, NEW = b"old", b"new"


def make(root: Path, *names: str) -> list[Path]:
    """Write files."""
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(OLD)
    return paths


def everything(root: Path) -> dict[str, bytes]:
    """Return every file below a directory with its content."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_all_files_are_replaced_and_nothing_else_is_left(root: Path) -> None:
    """Permissions stay; a file that gets several contents has the last one."""
    script, source_map = make(root, "a.js", "maps/a.js.map")
    script.chmod(0o755)
    rewriting = Rewriting()
    rewriting.add(source_map, b"raw")
    rewriting.add(script, NEW)
    rewriting.add(source_map, NEW)
    assert everything(root)["a.js"] == OLD
    rewriting.replace()
    assert everything(root) == {"a.js": NEW, "maps/a.js.map": NEW}
    assert script.stat().st_mode & 0o7777 == 0o755


def test_a_failure_puts_the_originals_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that were in place already."""
    paths = make(root, "a.js", "b.js", "c.js")
    rewriting = Rewriting()
    for path in paths:
        rewriting.add(path, NEW)
    replace, done = os.replace, []

    def fails_at_the_third(source: str, target: str, **folders: int) -> None:
        done.append(target)
        if len(done) == 3:
            raise OSError(28, "No space left on device")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "replace", fails_at_the_third)
    with pytest.raises(Unread, match="no space left"):
        rewriting.replace()
    assert done[:3] == ["a.js", "b.js", "c.js"]
    assert everything(root) == {"a.js": OLD, "b.js": OLD, "c.js": OLD}


def test_a_file_that_has_changed_since_it_was_read_stops_everything(root: Path) -> None:
    """A bundler that still runs has written it again."""
    first, second = make(root, "a.js", "b.js")
    rewriting = Rewriting()
    for path in (first, second):
        content, state = read_with_state(path)
        assert content == OLD
        rewriting.add(path, NEW, seen=state)
    second.write_bytes(b"newer")
    with pytest.raises(Unread, match=r"'b\.js' has changed"):
        rewriting.replace()
    assert everything(root) == {"a.js": OLD, "b.js": b"newer"}


def test_a_folder_that_becomes_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    """What is written stays below the root."""
    (path,) = make(root, "inner/a.js")
    (outside,) = make(tmp_path / "outside", "a.js")
    (root / "inner").rename(root / "gone")
    (root / "inner").symlink_to(outside.parent)
    with pytest.raises(Unread):
        Rewriting().add(path, NEW)
    assert everything(tmp_path / "outside") == {"a.js": OLD}


def test_what_an_ended_run_left_behind_is_used_up(root: Path) -> None:
    """A second run writes over it."""
    (path,) = make(root, "a.js")
    (root / ".a.js.0.errtrack-new").write_bytes(b"half")
    (root / ".a.js.errtrack-old").write_bytes(b"older")
    rewriting = Rewriting()
    rewriting.add(path, NEW)
    rewriting.replace()
    assert everything(root) == {"a.js": NEW}


def test_without_hard_links_the_original_is_copied(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems know of none."""

    def no_links(*_arguments: object, **_more: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    first, second = make(root, "a.js", "b.js")
    rewriting = Rewriting()
    rewriting.add(first, NEW)
    _, state = read_with_state(second)
    rewriting.add(second, NEW, seen=state)
    second.write_bytes(b"newer")
    with pytest.raises(Unread):
        rewriting.replace()
    assert everything(root) == {"a.js": OLD, "b.js": b"newer"}


def test_two_runs_do_not_inject_one_folder_at_once(root: Path) -> None:
    """The second is refused, and the lock ends with the first."""
    with locked(root), pytest.raises(Unread, match="another run"), locked(root):
        pass
    with locked(root):
        pass


def test_an_original_that_cannot_be_put_back_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays next to its file."""
    (first, second) = make(root, "a.js", "b.js")
    rewriting = Rewriting()
    rewriting.add(first, NEW)
    _, state = read_with_state(second)
    rewriting.add(second, NEW, seen=state)
    second.write_bytes(b"newer")
    replace = os.replace

    def fails(source: str, target: str, **folders: int) -> None:
        if source.endswith("-old"):
            raise PermissionError(13, "Permission denied")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(Unread, match=r"cannot be put back.*'a\.js' \(permission denied\)"):
        rewriting.replace()
    assert everything(root) == {"a.js": NEW, ".a.js.errtrack-old": OLD, "b.js": b"newer"}


def test_a_link_in_place_of_a_backup_is_not_followed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing outside is overwritten."""
    (outside,) = make(tmp_path / "outside", "secret")
    (path,) = make(root, "a.js")
    rewriting = Rewriting()
    rewriting.add(path, NEW)
    link = os.link

    def planted(source: str, target: str, **more: object) -> None:
        (root / ".a.js.errtrack-old").symlink_to(outside)
        link(source, target, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", planted)
    with pytest.raises(Unread, match="exists"):
        rewriting.replace()
    assert (outside.read_bytes(), path.read_bytes()) == (OLD, OLD)
