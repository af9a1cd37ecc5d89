"""What a script states about itself, wherever in it, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from errtrack_mcp.builds import script
from errtrack_mcp.builds.inject import snippet
from errtrack_mcp.builds.script import Unread, read_script

RELEASE_ID = "01a218f1-e56b-0000-b037-33486868263e"


@pytest.mark.parametrize(
    ("text", "chunk_id"),
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
def test_the_last_line_that_begins_with_a_chunk_id_counts(root: Path, text: str, chunk_id: str) -> None:
    """A comment inside a line is none, and an id that no symbol set can have is none either."""
    (root / "a.js").write_bytes(text.encode())
    assert read_script(root / "a.js").chunk_id == chunk_id


@pytest.mark.parametrize("before", [(1 << 20) - shift for shift in (0, 1, 5, 12, 13, 40, 8192)])
def test_a_comment_is_found_wherever_a_block_ends(root: Path, before: int) -> None:
    """A block of 1 MB may end before, inside or after the comment, and more may follow it."""
    comment = b"\n//# chunkId=7e57\n  //# sourceMappingURL=a.js.map\n"
    for after in (b"", b"x" * 5_000, b"y" * (3 << 20)):
        (root / "a.js").write_bytes(b"z" * before + comment + after)
        found = read_script(root / "a.js")
        assert (found.chunk_id, found.map_url) == ("7e57", "a.js.map")


def test_an_id_counts_as_registered_only_by_code_at_the_top(root: Path) -> None:
    """The comment tells PostHog's CLI; the page needs code that names the same id."""
    code = 'try{(window._posthogChunkIds??={})[new Error().stack]="one"}catch{}'
    scripts = {
        f"{code};a()\n//# chunkId=one": True,
        f"{code};a()\n//# chunkId=two": False,
        "a()\n//# chunkId=one": False,
    }
    for text, registered in scripts.items():
        (root / "a.js").write_text(text)
        assert read_script(root / "a.js").registered is registered, text


@pytest.mark.parametrize("before", [100, (1 << 16) - 300, 1 << 16, (1 << 20) - 60, (1 << 20) - 200, 3 << 20])
def test_code_below_a_long_licence_counts_as_code_at_the_top(root: Path, before: int) -> None:
    """An injection leaves comments above it, however long, and wherever a block ends."""
    code = snippet("one", RELEASE_ID)
    (root / "a.js").write_text(f"/*{'x' * (before - 5)}*/\n{code}a();{'b();' * (1 << 18)}\n//# chunkId=one")
    read = read_script(root / "a.js")
    assert (read.registered, read.release_id) == (True, RELEASE_ID)
    (root / "a.js").write_text(f"/*{'x' * (before - 5)}*/\n{code}a();{'b();' * (1 << 18)}\n//# chunkId=two")
    assert not read_script(root / "a.js").registered


def test_a_script_beyond_the_bound_is_not_read_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be a disk's worth of text."""
    monkeypatch.setattr(script, "MAX_BYTES", 1000)
    (root / "a.js").write_text("a" * 1000)
    assert read_script(root / "a.js").size == 1000
    (root / "a.js").write_text("a" * 1001)
    with pytest.raises(Unread, match="larger than 128 MB"):
        read_script(root / "a.js")


READ = r"""
import re, sys
from pathlib import Path
from time import process_time
from errtrack_mcp.builds.script import read_script
def peak():
    return int(re.search("VmHWM: *\t *([0-9]+)", Path("/proc/self/status").read_text())[1])
Path("/proc/self/clear_refs").write_text("5")
idle = peak()
begun = process_time()
script = read_script(Path(sys.argv[1]))
print(script.chunk_id, script.size, process_time() - begun, peak() - idle)
"""


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
