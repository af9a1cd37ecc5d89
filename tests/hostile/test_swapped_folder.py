"""A folder of a build that is swapped for a link while the build is read."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from errtrack_mcp.builds.directory import BuildDirectory
from errtrack_mcp.builds.script import Unread, read_script

pytestmark = [
    pytest.mark.attack("a folder swapped for a link"),
    pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="this system cannot open from folder to folder"),
]
OUTSIDE, INSIDE = "outside-secret", "inside"


@contextmanager
def swapping(folder: Path, link: Path, spare: Path) -> Iterator[None]:
    """Put the link in the folder's place and back, again and again."""
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            folder.rename(spare)
            link.rename(folder)
            folder.rename(link)
            spare.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    """Neither by reading one script again and again, nor by walking through the build."""
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    folder, link = root / "js", tmp_path / "link"
    for place, chunk_id in ((elsewhere, OUTSIDE), (folder, INSIDE)):
        place.mkdir(parents=True)
        (place / "app.js").write_text(f"a()\n//# chunkId={chunk_id}\n")
    link.symlink_to(elsewhere)
    seen = set()
    with swapping(folder, link, tmp_path / "spare"):
        for _ in range(2_000):
            try:
                seen.add(read_script(folder / "app.js").chunk_id)
            except Unread:
                continue
        for _ in range(300):
            bundles = BuildDirectory(root, root).bundles()
            seen |= {bundle.script.chunk_id for bundle in bundles if bundle.script}
    assert seen == {INSIDE}
