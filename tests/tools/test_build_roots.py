"""Below which directories builds may be read."""

from pathlib import Path

import pytest

from errtrack_mcp.tools.build_roots import BuildRoots
from errtrack_mcp.tools.refusal import Refusal

pytestmark = pytest.mark.attack("paths out of the build root")


def test_a_directory_is_sought_below_each_root(tmp_path: Path) -> None:
    """A relative one below the first root that has it, an absolute one where it is, nothing is the first root."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second / "dist"):
        folder.mkdir(parents=True)
    roots = BuildRoots((first, second))
    assert roots.find("") == (first, first)
    assert roots.find("dist") == (second / "dist", second)
    assert roots.find(str(second / "dist")) == (second / "dist", second)


@pytest.mark.parametrize("directory", ["..", "../..", "/", "/etc", "dist/../../.."])
def test_nothing_outside_is_found(tmp_path: Path, directory: str) -> None:
    """By no path that climbs or begins elsewhere."""
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(Refusal) as refused:
        BuildRoots((root,)).find(directory)
    assert refused.value.code == "outside_build_root"


def test_a_link_that_leads_out_is_outside(tmp_path: Path) -> None:
    """What counts is where a path ends."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    with pytest.raises(Refusal, match="is not below"):
        BuildRoots((root,)).find("link")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """A file is no directory either, and a name that no file system takes is none."""
    (tmp_path / "file").write_text("")
    for name in ("absent", "file", "x" * 3_000):
        with pytest.raises(Refusal) as refused:
            BuildRoots((tmp_path,)).find(name)
        assert refused.value.code == "no_such_directory"


@pytest.mark.parametrize(("offers", "advice"), [(True, "Open one in it"), (False, "Set ERRTRACK_BUILD_ROOT")])
def test_without_a_root_it_says_how_to_get_one(offers: bool, advice: str) -> None:  # noqa: FBT001
    """A client that can offer roots is told apart from one that cannot."""
    with pytest.raises(Refusal, match=advice) as refused:
        BuildRoots((), client_can_offer=offers).find("")
    assert refused.value.code == "no_build_root"
