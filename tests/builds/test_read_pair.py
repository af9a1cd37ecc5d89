"""Which script of a build a frame means, and its bytes."""

from pathlib import Path

import pytest

from errtrack_mcp.builds.directory import BuildDirectory, Bundle
from errtrack_mcp.builds.read_pair import read_pair, read_whole, script_of
from errtrack_mcp.builds.script import MAX_BYTES, Script, Unread


def bundles(*paths: str) -> list[Bundle]:
    """Return scripts at these paths, each with its path as the chunk id."""
    return [Bundle(path, Script(size=1, chunk_id=f"id of {path}")) for path in paths]


@pytest.mark.parametrize(
    ("url", "chunk_id", "found"),
    [
        ("https://shop.example/assets/app.js?v=3#x", "", ["assets/app.js"]),
        ("https://shop.example/app.js", "", ["assets/app.js", "legacy/app.js"]),
        ("https://shop.example/legacy/app.js", "", ["legacy/app.js"]),
        (r"C:\srv\dist\legacy\app.js", "", ["legacy/app.js"]),
        ("https://shop.example/a%20b.js", "", ["a b.js"]),
        ("https://shop.example/other.js", "", []),
        ("", "", []),
        ("https://shop.example/other.js", "id of legacy/app.js", ["legacy/app.js"]),
        ("https://shop.example/assets/app.js", "id of nothing", []),
        ("https://shop.example/late/app.js", "id of nothing", ["late/app.js"]),
        ("https://shop.example/app.js", "id of nothing", ["late/app.js"]),
    ],
)
def test_a_script_is_found_by_its_chunk_id_or_the_end_of_its_address(url: str, chunk_id: str, found: list[str]) -> None:
    """Several that fit equally well are all returned: the caller must not guess."""
    build = bundles("assets/app.js", "legacy/app.js", "a b.js")
    if chunk_id:
        build.append(Bundle("late/app.js", Script(size=1)))  # not injected yet
    assert [bundle.path for bundle in script_of(url, chunk_id, build)] == found


def test_a_script_comes_with_the_map_that_it_names(tmp_path: Path) -> None:
    """Not with one outside the root."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app.js").write_text("f();\n//# sourceMappingURL=../maps/app.map")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "app.map").write_text("{}")
    [bundle] = BuildDirectory(tmp_path / "dist", tmp_path).bundles()
    assert read_pair(tmp_path / "dist", tmp_path, bundle).source_map == b"{}"
    with pytest.raises(Unread, match="outside"):
        read_pair(tmp_path / "dist", tmp_path / "dist", bundle)


def test_a_script_without_a_map_says_so(tmp_path: Path) -> None:
    """In one word for what it is."""
    (tmp_path / "app.js").write_text("f();\n")
    [bundle] = BuildDirectory(tmp_path, tmp_path).bundles()
    with pytest.raises(Unread, match="its map is missing"):
        read_pair(tmp_path, tmp_path, bundle)


def test_a_file_that_is_too_large_or_grows_is_not_read(tmp_path: Path) -> None:
    """A file of the kernel says that it has no bytes, and has some: as one that grows while it is read."""
    large = tmp_path / "app.js.map"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Unread, match="larger than"):
        read_whole(large)
    growing = Path("/proc/version")
    if not growing.exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(Unread, match="grows while it is read"):
        read_whole(growing)
