"""What PostHog's own bundler plugins inject is recognized here, and what is injected here they recognize."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from errtrack_mcp.builds.inject import start_of_code, without_injection
from errtrack_mcp.builds.pack import hash_of_content
from errtrack_mcp.builds.script import read_script
from errtrack_mcp.builds.uploadable import KEEPS_RELEASE, Binding, Pair
from tests.support.bundles import copy_app, examined, inject, run, sources
from tests.support.npm import CLIENTS, Node, run_node

RELEASE_ID, OTHER_RELEASE_ID = "01a218f1-e56b-0000-b037-33486868263e", "02a218f1-e56b-0000-b037-33486868263e"
EVENT = Binding(release=("shop", "1.0"), release_id=RELEASE_ID)
OTHER = Binding(release=("shop", "2.0"), release_id=OTHER_RELEASE_ID)
SCRIPTS = ("rollup/main.cjs", "terser/main.cjs", "vite/main.mjs", "webpack/main.cjs")

pytestmark = pytest.mark.usefixtures("node")


@dataclass(frozen=True, slots=True)
class Bundled:
    """The same app bundled without PostHog's plugins and with them."""

    plain: Path
    injected: Path


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Bundled:
    """Bundle the app; PostHog's command, which the plugins ask for a release, is a script that has one."""
    project = tmp_path_factory.mktemp("plugins") / "project"
    copy_app(project)
    command = project / "posthog-cli"
    command.write_text(f'#!/bin/sh\nif [ "$1 $2" = "release resolve" ]; then echo {RELEASE_ID}; fi\n')
    command.chmod(0o755)
    done = run_node(CLIENTS / "build_with_posthog.mjs", str(project), str(command))
    assert done.returncode == 0, done.stderr
    return Bundled(project / "plain", (project / "injected").resolve())


def test_their_chunk_ids_are_kept_and_their_scripts_left(bundled: Bundled) -> None:
    """For the release that they name as for another, of which it is said that the scripts do not name it."""
    for binding, note in ((EVENT, ""), (OTHER, KEEPS_RELEASE)):
        pairs = {pair.path: pair for pair in examined(bundled.injected, binding)}
        assert sorted(pairs) == sorted(SCRIPTS)
        for path, pair in pairs.items():
            assert isinstance(pair, Pair)
            read = read_script(bundled.injected / path)
            assert (read.registered, read.release_id) == (True, RELEASE_ID)
            assert (pair.chunk_id, pair.rewritten, pair.note) == (read.chunk_id, False, note)


def test_what_they_injected_comes_out_again(bundled: Bundled) -> None:
    """Also where a minifier has written it anew. Webpack's plugin adds an empty line, which stays."""
    for path in SCRIPTS:
        plain, injected = ((folder / path).read_bytes().decode() for folder in (bundled.plain, bundled.injected))
        removed = without_injection(injected, read_script(bundled.injected / path).chunk_id)
        assert removed.place is not None
        if path.startswith("webpack"):
            at = start_of_code(plain)
            plain = f"{plain[:at]}\n{plain[at:]}"
        assert removed.script == plain


def test_the_content_hash_of_their_scripts_does_not_depend_on_the_release(bundled: Bundled) -> None:
    """Another build of the same code is the same content."""
    for path in SCRIPTS:
        script, source_map = ((bundled.injected / f"{path}{end}").read_bytes() for end in ("", ".map"))
        chunk_id = read_script(bundled.injected / path).chunk_id
        other = script.replace(RELEASE_ID.encode(), OTHER_RELEASE_ID.encode())
        assert other != script
        first, second = (hash_of_content(each, source_map, chunk_id, with_release=True) for each in (script, other))
        assert first == second


def test_their_scripts_run_and_lead_to_the_same_lines(bundled: Bundled) -> None:
    """Their maps count as ours do."""
    for path in SCRIPTS:
        plain, injected = run(bundled.plain / path), run(bundled.injected / path)
        assert (injected.output, injected.exit_code) == (plain.output, plain.exit_code)
        assert list(injected.ids.values()) == [read_script(bundled.injected / path).chunk_id]
        assert sources(injected.frames, bundled.injected) == sources(plain.frames, bundled.plain)


def test_what_is_injected_here_they_recognize(bundled: Bundled, node: Node, tmp_path: Path) -> None:
    """They find the id, and would give the script the same one, except where the bundler gave it one."""
    folder = tmp_path / "injected"
    shutil.copytree(bundled.plain, folder)
    pairs = inject(folder, EVENT)
    files = [*(bundled.plain / path for path in pairs), *(folder / path for path in pairs)]
    read = json.loads(node(CLIENTS / "read_with_posthog.mjs", *map(str, files)).stdout)
    for path, (_, given), (found, _) in zip(pairs, read, read[len(pairs) :], strict=False):
        debug_id = read_script(bundled.plain / path).debug_id
        assert found == pairs[path].chunk_id == (debug_id or given)
        assert bool(debug_id) is path.startswith("webpack")
