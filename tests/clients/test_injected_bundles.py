"""Real bundles keep what they do and where they come from when they are injected."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from errtrack_mcp.builds.inject import snippet
from errtrack_mcp.builds.pack import hash_of_content
from errtrack_mcp.builds.script import read_script
from errtrack_mcp.builds.uploadable import Binding, Pair, rewrite
from tests.support.bundles import (
    BUNDLERS,
    Build,
    build,
    concatenate,
    examined,
    inject,
    mappings,
    run,
    run_in_page,
    sources,
)

RELEASE_ID, OTHER_RELEASE_ID = "01a218f1-e56b-0000-b037-33486868263e", "02a218f1-e56b-0000-b037-33486868263e"
EVENT = Binding(release=("shop", "1.0"), release_id=RELEASE_ID)
OTHER = Binding(release=("shop", "2.0"), release_id=OTHER_RELEASE_ID)
MADE = (*BUNDLERS, "index maps")

pytestmark = pytest.mark.usefixtures("node")


@pytest.fixture(scope="session", params=MADE)
def bundles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Bundle the app once in all ways of one bundler, and inject a copy."""
    project = tmp_path_factory.mktemp("bundles") / "project"
    if request.param == "index maps":
        app = build("esbuild", project / "esbuild")
        before = project / "out"
        main = app / "iife" / "main.js"
        concatenate(app / "cart" / "cart.js", main, before / "line" / "main.js", joined_by=";")
        concatenate(main, app / "license" / "main.js", before / "lines" / "main.js", joined_by="\n\n")
    else:
        before = build(request.param, project)
    made = Build(before, project / "injected")
    shutil.copytree(before, made.after)
    made.pairs = inject(made.after, EVENT)
    yield made
    shutil.rmtree(project)


def test_every_script_is_injected_under_the_id_of_its_text(bundles: Build) -> None:
    """The build check sees it registered, with its release."""
    scripts = [path.removesuffix(".map") for path in bundles.maps()]
    assert sorted(bundles.pairs) == scripts
    for path in scripts:
        before, after = read_script(bundles.before / path), read_script(bundles.after.resolve() / path)
        assert (after.chunk_id, after.registered, after.release_id) == (before.uuid, True, RELEASE_ID)
        assert after.map_url == before.map_url


def test_every_mapping_answers_the_same_source_at_its_new_place(bundles: Build) -> None:
    """Only what stands behind the code on its line moves, and nothing is mapped into the code."""
    maps, moves = bundles.maps(), 0
    read = mappings([folder / path for folder in (bundles.before, bundles.after) for path in maps])
    for path, before, after in zip(maps, read, read[len(maps) :], strict=False):
        script = (bundles.after / path.removesuffix(".map")).read_bytes().decode()
        code = snippet(bundles.pairs[path.removesuffix(".map")].chunk_id, RELEASE_ID)
        preamble = script[: script.index(code)]
        at, column = preamble.count("\n"), len(preamble.rpartition("\n")[2].encode("utf-16-le")) // 2
        moved = [
            [line, begins + len(code) * (line == at and begins >= column), *source] for line, begins, *source in before
        ]
        assert after == moved, path
        moves += moved != before
    assert moves >= len(maps) // 2


def test_an_injected_script_runs_as_before_and_reports_its_id(bundles: Build) -> None:
    """PostHog's SDK finds the script of a frame by the stack in which its name stands."""
    for path in bundles.programs():
        before, after = run(bundles.before / path), run(bundles.after / path)
        assert (after.output, after.exit_code) == (before.output, before.exit_code)
        assert before.exit_code == 7
        assert before.output.splitlines()[-1] == "later: 1"
        assert (before.ids, before.release) == ({}, "")
        assert after.release == RELEASE_ID
        by_id = {chunk_id: stack for stack, chunk_id in after.ids.items()}
        loaded = {
            pair.chunk_id: Path(name).name
            for name, pair in bundles.pairs.items()
            if Path(name).parent == Path(path).parent
        }
        assert by_id.keys() == loaded.keys()
        assert all(loaded[chunk_id] in stack.splitlines()[1] for chunk_id, stack in by_id.items())


def test_an_error_leads_to_the_same_line_of_its_source(bundles: Build) -> None:
    """Looked up in the moved map as the resolve tool does it."""
    for path in bundles.programs():
        before = sources(run(bundles.before / path).frames, bundles.before)
        after = sources(run(bundles.after / path).frames, bundles.after)
        assert after == before, path
        assert before[0][:2] == ("cart.js", 4)
        assert "throw new RangeError" in before[0][2]


def test_a_classic_script_reports_its_id_to_the_window(bundles: Build) -> None:
    """In a page there is no global object of Node."""
    paths = [path for path in bundles.programs() if path.endswith(".js")]
    before = run_in_page(bundles.before / path for path in paths)
    after = run_in_page(bundles.after / path for path in paths)
    for path, old, new in zip(paths, before, after, strict=True):
        assert new["written"] == old["written"]
        assert new["written"]
        [(stack, chunk_id)] = new["ids"].items()
        assert (chunk_id, new["release"]) == (bundles.pairs[path].chunk_id, RELEASE_ID)
        assert "https://shop.example/main.js" in stack


def test_a_second_run_changes_nothing(bundles: Build) -> None:
    """Not even where it is told to inject once more."""
    for pair in examined(bundles.after, EVENT):
        assert isinstance(pair, Pair)
        assert not pair.rewritten
        assert pair.chunk_id == bundles.pairs[pair.path].chunk_id
        script, source_map = pair.script.read_bytes(), pair.source_map.read_bytes()
        again = rewrite(pair._replace(rewritten=True), script, source_map, EVENT)
        assert (again.script, again.source_map) == (script, source_map)


def test_another_release_is_the_same_content(bundles: Build, tmp_path: Path) -> None:
    """That of the script before the injection, whatever its code names."""
    folder = tmp_path / "injected"
    shutil.copytree(bundles.after, folder)
    assert inject(folder, OTHER).keys() == bundles.pairs.keys()
    for path, pair in bundles.pairs.items():
        hashes = {
            hash_of_content(
                (where / path).read_bytes(), (where / f"{path}.map").read_bytes(), pair.chunk_id, with_release=True
            )
            for where in (bundles.before, bundles.after, folder)
        }
        assert len(hashes) == 1
        assert OTHER_RELEASE_ID in (folder / path).read_text()
        assert RELEASE_ID not in (folder / path).read_text()
