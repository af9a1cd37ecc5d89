"""Reading a build directory: every script gets its line, whatever it is."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from errtrack_mcp.builds.directory import DEEPEST, BuildDirectory, Bundle
from errtrack_mcp.builds.script import read_script
from errtrack_mcp.builds.source_map import MapState, look_into_map

MAP = json.dumps({"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"})


def walk(path: Path, root: Path | None = None, **options: int | tuple[str, ...]) -> dict[str, Bundle]:
    """Read a directory, and return its scripts by path."""
    build = BuildDirectory(path, root or path, **options)  # type: ignore[arg-type]
    return {bundle.path: bundle for bundle in build.bundles()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory whose own path is free of links."""
    return Path(os.path.realpath(tmp_path))


@pytest.mark.parametrize(
    ("script", "chunk_id"),
    [
        ("a()\n//# chunkId=one", "one"),
        ("a()\n//# chunkId=one\r\n//# sourceMappingURL=a.js.map\r\n", "one"),
        ("//# chunkId=one\na()\n//# chunkId= two \n", "two"),
        ("a() //# chunkId=inside", ""),
        ("a()\n  //# chunkId=indented", ""),
        ("a()\n//# chunkId=", ""),
        ("a()\n//# chunkId=two words", ""),
        ("a()\n//# chunkId=bad\x07", ""),
        ("a()\n//# chunkId=a\u3164b", ""),
        ("a()\n//# chunkId=a\ufe0fb", ""),
        (f"a()\n//# chunkId={'x' * 129}", ""),
        (f"a()\n//# chunkId={'x' * 128}", "x" * 128),
    ],
)
def test_the_last_line_that_begins_with_a_chunk_id_counts(root: Path, script: str, chunk_id: str) -> None:
    """A comment inside a line is none, and an id that no symbol set can have is none either."""
    (root / "a.js").write_bytes(script.encode())
    assert read_script(root / "a.js").chunk_id == chunk_id


@pytest.mark.parametrize("before", [(1 << 20) - shift for shift in (0, 1, 5, 12, 13, 40, 8192)])
def test_a_comment_is_found_wherever_a_block_ends(root: Path, before: int) -> None:
    """A block of 1 MB may end before, inside or after the comment, and more may follow it."""
    comment = b"\n//# chunkId=7e57\n  //# sourceMappingURL=a.js.map\n"
    for after in (b"", b"x" * 5_000, b"y" * (3 << 20)):
        (root / "a.js").write_bytes(b"z" * before + comment + after)
        script = read_script(root / "a.js")
        assert (script.chunk_id, script.map_url) == ("7e57", "a.js.map")


def test_an_id_counts_as_registered_only_by_code_at_the_top(root: Path) -> None:
    """The comment tells PostHog's CLI; the page needs code that names the same id."""
    code = 'try{(window._posthogChunkIds??={})[new Error().stack]="one"}catch{}'
    (root / "good.js").write_text(f"{code};a()\n//# chunkId=one")
    (root / "other.js").write_text(f"{code};a()\n//# chunkId=two")
    (root / "none.js").write_text("a()\n//# chunkId=one")
    assert {path: found.script and found.script.registered for path, found in walk(root).items()} == {
        "good.js": True,
        "other.js": False,
        "none.js": False,
    }


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


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (MAP, MapState.PRESENT),
        ("<html>not found</html>", MapState.NOT_JSON),
        ("", MapState.NOT_JSON),
        (MAP[:-5], MapState.NOT_JSON),
        ("[" * 100_000, MapState.NOT_A_MAP),
        ("[]", MapState.NOT_A_MAP),
        ('{"mappings": 7}', MapState.NOT_A_MAP),
        ("{}", MapState.EMPTY),
        ('{"version":3,"sources":[],"mappings":""}', MapState.EMPTY),
        ('{"version":3,"sources":[],"mappings":"AAAA"}', MapState.EMPTY),
        (f'{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{MAP}}}]}}', MapState.PRESENT),
        ('{"version":3,"sections":[]}', MapState.EMPTY),
    ],
)
def test_a_map_must_map_something(root: Path, content: str, state: MapState) -> None:
    """A file that is no JSON, no map, or a map of nothing is told apart from one that helps."""
    (root / "a.js.map").write_text(content)
    assert look_into_map(root / "a.js.map") is state


def test_a_map_beyond_the_bound_is_not_read(root: Path) -> None:
    """128 MB is what is read at most; a sparse file stands for a larger one."""
    with (root / "a.js.map").open("wb") as file:
        file.truncate((128 << 20) + 1)
    assert look_into_map(root / "a.js.map") is MapState.TOO_LARGE


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
    few = BuildDirectory(root, root, most_scripts=10)
    assert len(list(few.bundles())) == 10
    assert few.cut == "the directory holds more than 10 scripts; the rest was not seen"
    cut = BuildDirectory(root, root, most_entries=20)
    assert len(list(cut.bundles())) <= 20
    assert cut.cut == "the directory holds more than 20 files and folders; the rest was not seen"
    late = BuildDirectory(root, root, most_seconds=-1.0)
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


READ = r"""
import re, sys
from pathlib import Path
from time import perf_counter
from errtrack_mcp.builds.script import read_script
def peak():
    return int(re.search("VmHWM: *\t *([0-9]+)", Path("/proc/self/status").read_text())[1])
Path("/proc/self/clear_refs").write_text("5")
idle = peak()
begun = perf_counter()
script = read_script(Path(sys.argv[1]))
print(script.chunk_id, script.size, perf_counter() - begun, peak() - idle)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(),
    reason="Memory is measured through /proc.",
)
@pytest.mark.parametrize("filling", [b"x", b"//# chunkId=", b" ", b"\n", b"\n//# chunkId=two words"])
def test_a_bundle_of_100_mb_on_one_line_is_read_in_bounded_memory(root: Path, filling: bytes) -> None:
    """Less than 16 MB more than before, and seconds, even where the line repeats what is looked for."""
    path = root / "huge.js"
    with path.open("wb") as file:
        block = (filling * (1 << 20))[: 1 << 20]
        for _ in range(100):
            file.write(block)
        file.write(b"\n//# chunkId=at-the-end")
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    chunk_id, size, seconds, kilobytes = done.stdout.split()
    print(f"100 MB of {filling.decode()!r}: {float(seconds):.2f} s, {int(kilobytes) / 1024:.1f} MB above idle")
    assert (chunk_id, int(size)) == ("at-the-end", path.stat().st_size)
    assert 0 < int(kilobytes) < 16 * 1024
    assert float(seconds) < 10
