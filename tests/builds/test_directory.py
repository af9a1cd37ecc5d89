"""Reading a build directory: every script gets its line, whatever it is."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from errtrack_mcp.builds.directory import DEEPEST, BuildDirectory, Bundle
from errtrack_mcp.builds.source_map import MapState

MAP = json.dumps({"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"})


def walk(path: Path, root: Path | None = None, **options: int | tuple[str, ...]) -> dict[str, Bundle]:
    """Read a directory, and return its scripts by path."""
    build = BuildDirectory(path, root or path, **options)  # type: ignore[arg-type]
    return {bundle.path: bundle for bundle in build.bundles()}


@pytest.mark.parametrize(
    ("script", "files", "state"),
    [
        ("a()", {}, MapState.MISSING),
        ("a()", {"a.js.map": MAP}, MapState.PRESENT),
        ("a()\n//# sourceMappingURL=maps/a%20b.map", {"maps/a b.map": MAP}, MapState.PRESENT),
        ("a()\n//@ sourceMappingURL=old.map", {"old.map": MAP}, MapState.PRESENT),
        ("a()\n//# sourceMappingURL=gone.map", {}, MapState.MISSING),
        ("a()\n//# sourceMappingURL=gone.map", {"a.js.map": MAP}, MapState.PRESENT),
        ("a()\n//# sourceMappingURL=/assets/a.js.map", {"a.js.map": MAP}, MapState.PRESENT),
        ("a()\n//# sourceMappingURL=/assets/a.js.map", {}, MapState.OUTSIDE),
        ("a()\n//# sourceMappingURL=../../../etc/passwd", {}, MapState.OUTSIDE),
        ("a()\n//# sourceMappingURL=https://cdn.example/a.js.map", {}, MapState.EXTERNAL),
        ("a()\n//# sourceMappingURL=//cdn.example/a.js.map", {}, MapState.EXTERNAL),
        ("a()\n//# sourceMappingURL=https://cdn.example/a.js.map", {"a.js.map": MAP}, MapState.PRESENT),
        ("a()\n//# sourceMappingURL=data:application/json;base64,e30=", {}, MapState.INLINE),
        ("a()\n//# sourceMappingURL=%00", {}, MapState.MISSING),
        (f"a()\n//# sourceMappingURL={'x' * 3000}", {}, MapState.MISSING),
        ("a()\n//# sourceMappingURL=http://[", {}, MapState.EXTERNAL),
    ],
)
def test_a_map_is_looked_for_where_the_cli_looks(
    root: Path, script: str, files: dict[str, str], state: MapState
) -> None:
    """First where the script says, then next to it, never outside the root and never over the network."""
    (root / "a.js").write_text(script)
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    assert walk(root)["a.js"].map is state


def test_what_is_no_script_gets_its_line(root: Path) -> None:
    """A binary file, a socket, a pipe and a file that may not be read are named with the reason."""
    (root / "binary.js").write_bytes(b"\x7fELF\xff\xfe\x00")
    (root / "half.js").write_bytes("ä".encode()[:1])
    os.mkfifo(root / "pipe.js")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(root)
        listener.bind("socket.js")
        os.chdir(here)
    (root / "folder.js").mkdir()
    (root / "folder.js" / "inner.mjs").write_text("a()")
    found = walk(root)
    assert {path: bundle.unread for path, bundle in found.items()} == {
        "binary.js": "not text in UTF-8",
        "half.js": "not text in UTF-8",
        "pipe.js": "not a regular file",
        "socket.js": found["socket.js"].unread,
        "folder.js/inner.mjs": "",
    }
    assert found["socket.js"].unread


@contextmanager
def nobody() -> Iterator[None]:
    """Give up the rights of root for a while, where the tests have them."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_may_not_be_read_gets_its_line() -> None:
    """A script and a folder without permission are lines, not failures."""
    with TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        root.chmod(0o755)
        (root / "secret.js").write_text("a()")
        (root / "secret.js").chmod(0)
        (root / "closed").mkdir(mode=0)
        with nobody():
            found = walk(root)
        (root / "closed").chmod(0o755)
    assert {path: bundle.unread for path, bundle in found.items()} == {
        "secret.js": "permission denied",
        "closed": "permission denied",
    }


def test_no_link_is_followed_out(root: Path) -> None:
    """A link that leads away is named; one to a script that is read anyway adds nothing."""
    outside = root / "outside"
    outside.mkdir()
    (outside / "stolen.js").write_text("secret()\n//# chunkId=stolen")
    (outside / "stolen.js.map").write_text(MAP)
    dist = root / "dist"
    dist.mkdir()
    (dist / "real.js").write_text("a()")
    (dist / "alias.js").symlink_to("real.js")
    (dist / "away.js").symlink_to(outside / "stolen.js")
    (dist / "loop.js").symlink_to("loop.js")
    (dist / "folder").symlink_to(outside)
    (dist / "self").symlink_to(".")
    (dist / "real.js.map").symlink_to(outside / "stolen.js.map")
    found = walk(dist)
    assert set(found) == {"real.js", "away.js", "loop.js", "folder"}
    assert all("symbolic link" in found[name].unread for name in ("away.js", "loop.js", "folder"))
    assert found["real.js"].map is MapState.OUTSIDE
    assert walk(dist, root)["real.js"].map is MapState.PRESENT


def test_a_link_that_cannot_be_followed_gets_its_line() -> None:
    """To itself, or to where nobody may look: a line, and the rest is read."""
    with TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        root.chmod(0o755)
        (root / "a.js").write_text("a()")
        (root / "closed").mkdir(mode=0)
        (root / "me").symlink_to("me")
        (root / "shut").symlink_to("closed/inner")
        (root / "a.js.map").symlink_to("closed/a.js.map")
        with nobody():
            found = walk(root)
        (root / "closed").chmod(0o755)
    assert {path for path, bundle in found.items() if bundle.unread} == {"closed", "me", "shut", "a.js.map"}
    assert found["a.js"].script


def test_a_link_to_what_is_left_out_is_not_passed_over(root: Path) -> None:
    """What it leads to is inside the directory, and yet nobody reads it there."""
    for name in ("node_modules/p/app.js", "old/app.js", "live/app.js"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("a()")
    for link, target in (
        ("packaged.js", "node_modules/p/app.js"),
        ("packages", "node_modules/p"),
        ("before.js", "old/app.js"),
        ("previous", "old"),
        ("now.js", "live/app.js"),
        ("current", "live"),
    ):
        (root / link).symlink_to(target)
    build = BuildDirectory(root, root, ("old/*",))
    unread = {bundle.path for bundle in build.bundles() if bundle.unread}
    assert unread == {"packaged.js", "packages", "before.js", "previous"}


def test_a_huge_directory_is_cut_and_says_so(root: Path) -> None:
    """Neither files nor scripts nor levels are followed without end, and what is not seen is said."""
    for number in range(30):
        (root / f"{number:02}.js").write_text("a()")
    few = BuildDirectory(root, root, max_scripts=10)
    assert len(list(few.bundles())) == 10
    assert few.cut == "the directory holds more than 10 scripts; the rest was not seen"
    cut = BuildDirectory(root, root, max_entries=20)
    assert len(list(cut.bundles())) <= 20
    assert cut.cut == "the directory holds more than 20 files and folders; the rest was not seen"
    late = BuildDirectory(root, root, max_seconds=-1.0)
    assert list(late.bundles()) == []
    assert late.cut.startswith("reading took longer than")
    deep = root / "deep"
    for _ in range(DEEPEST + 20):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "lost.js").write_text("a()")
    build = BuildDirectory(root, root)
    assert len(list(build.bundles())) == 30
    assert build.too_deep == 1


def test_what_is_excluded_is_counted(root: Path) -> None:
    """Folders of packages are left out, and scripts by glob; both are counted."""
    for name in ("node_modules/p/index.js", "sw.js", "assets/legacy/old.js", "assets/app.js"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a()")
    build = BuildDirectory(root, root, ("sw.js", "*/legacy/*"))
    assert [bundle.path for bundle in build.bundles()] == ["assets/app.js"]
    assert (build.left_out, build.excluded) == (1, 2)
