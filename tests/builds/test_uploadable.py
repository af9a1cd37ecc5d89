"""Which scripts can be uploaded, under which chunk id, and what is rewritten for it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from errtrack_mcp.builds.directory import BuildDirectory
from errtrack_mcp.builds.inject import snippet
from errtrack_mcp.builds.script import NAMESPACE
from errtrack_mcp.builds.uploadable import Binding, Pair, ReleaseMode, Rewrite, Skipped, examine, rewrite, settle

RELEASE_ID, OTHER_RELEASE_ID = "01a218f1-e56b-0000-b037-33486868263e", "02a218f1-e56b-0000-b037-33486868263e"
RELEASE = ("shop", "1.0")
EVENT = Binding(release=RELEASE, release_id=RELEASE_ID)
SYMBOL_SET = Binding(mode=ReleaseMode.SYMBOL_SET, release=RELEASE, release_id=RELEASE_ID)
CODE = '"use strict";f();'
MAP = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "aAAA,IAAI"}
FOREIGN_ID = "0197f6a5-7f4e-5b0a-9d5f-3a6b1c2d4e5f"
FOREIGN = (
    f'!function(){{try{{var e=window;(e._posthogChunkIds=e._posthogChunkIds||{{}})[1]="{FOREIGN_ID}"}}catch(e){{}}}}();'
)


def write(root: Path, name: str, code: str = CODE, source_map: object = MAP) -> None:
    """Write a script with its map."""
    (root / name).write_text(code)
    (root / f"{name}.map").write_text(json.dumps(source_map))


def examined(root: Path, binding: Binding = EVENT) -> dict[str, Pair | Skipped]:
    """Examine a build."""
    bundles = list(BuildDirectory(root, root).bundles())
    return {each.path: each for each in settle(examine(bundle, root, root, binding) for bundle in bundles)}


def inject(root: Path, binding: Binding = EVENT) -> dict[str, Rewrite]:
    """Inject everything that needs it, and return what was written."""
    written = {}
    for pair in examined(root, binding).values():
        assert isinstance(pair, Pair), pair
        if pair.rewritten:
            new = rewrite(pair, pair.script.read_bytes(), pair.source_map.read_bytes(), binding)
            pair.script.write_bytes(new.script)
            pair.source_map.write_bytes(new.source_map)
            written[pair.path] = new
    return written


def only(root: Path, binding: Binding = EVENT) -> Pair:
    """Return the one script of a build, which can be uploaded."""
    (pair,) = examined(root, binding).values()
    assert isinstance(pair, Pair), pair
    return pair


def state(root: Path, name: str = "a.js", binding: Binding = EVENT) -> str:
    """Return why a script is not uploaded."""
    skipped = examined(root, binding)[name]
    assert isinstance(skipped, Skipped), skipped
    return skipped.state


def test_the_chunk_id_is_the_one_that_posthogs_cli_makes(root: Path) -> None:
    """Of the text alone (docs/posthog-api.md, section 6.1, has this example)."""
    write(root, "a.js", "code();")
    pair = only(root)
    assert (pair.chunk_id, pair.rewritten) == ("1bf5417a-ec0f-5e20-9c5f-4f9085e56f72", True)


@pytest.mark.parametrize("where", ["script", "map"])
def test_a_debug_id_becomes_the_chunk_id(root: Path, where: str) -> None:
    """Another tool has made it; one that is no UUID does not count."""
    debug_id = str(UUID(int=7))
    if where == "script":
        write(root, "a.js", f"{CODE}\n//# debugId={debug_id}")
    else:
        write(root, "a.js", source_map={**MAP, "debugId": debug_id})
    assert only(root).chunk_id == debug_id
    write(root, "a.js", f"{CODE}\n//# debugId=nothing")
    assert only(root).chunk_id == str(uuid5(NAMESPACE, f"{CODE}\n//# debugId=nothing"))


@pytest.mark.parametrize("binding", [EVENT, SYMBOL_SET, Binding(), Binding(mode=ReleaseMode.SYMBOL_SET)])
def test_a_second_run_changes_nothing(root: Path, binding: Binding) -> None:
    """Whatever the release mode, with a release and without."""
    write(root, "a.js")
    before = only(root, binding)
    assert list(inject(root, binding)) == ["a.js"]
    again = only(root, binding)
    assert (again.rewritten, again.chunk_id) == (False, before.chunk_id)
    written = json.loads((root / "a.js.map").read_text())
    assert written["chunk_id"] == before.chunk_id
    release_id = RELEASE_ID if binding is SYMBOL_SET else ""
    assert written.get("release_id", "") == again.release_id == release_id
    reported = binding.release_id if binding.mode is ReleaseMode.EVENT else ""
    assert snippet(before.chunk_id, reported) in (root / "a.js").read_text()


def test_another_release_replaces_the_code_and_keeps_the_id(root: Path) -> None:
    """In mode event the content is the same, and positions do not move."""
    write(root, "a.js")
    inject(root, EVENT)
    second = Binding(release=("shop", "2.0"), release_id=OTHER_RELEASE_ID)
    pair = only(root, second)
    assert pair.rewritten
    new = inject(root, second)["a.js"]
    assert new.raw_map is None
    assert not only(root, Binding()).rewritten  # without a release the code stays
    write(root, "a.js")
    directly = inject(root, second)["a.js"]
    assert (new.script, new.source_map) == (directly.script, directly.source_map)


@pytest.mark.parametrize("first", [Binding(), SYMBOL_SET])
def test_code_that_gets_a_release_gets_another_id(root: Path, first: Binding) -> None:
    """It becomes longer, and the map that was uploaded for the first id no longer fits."""
    write(root, "a.js")
    inject(root, first)
    earlier = only(root, first).chunk_id
    pair = only(root, EVENT)
    assert pair.rewritten
    assert pair.chunk_id != earlier
    new = inject(root, EVENT)["a.js"]
    assert new.raw_map is not None
    assert earlier not in (root / "a.js").read_text()
    again = only(root, EVENT)
    assert (again.rewritten, again.chunk_id) == (False, pair.chunk_id)
    assert list(inject(root, Binding(release=("shop", "2.0"), release_id=OTHER_RELEASE_ID))) == ["a.js"]
    assert only(root, EVENT).chunk_id == pair.chunk_id


def test_another_release_in_mode_symbol_set_is_another_chunk(root: Path) -> None:
    """A symbol set belongs to one release for good."""
    write(root, "a.js")
    first = only(root, SYMBOL_SET).chunk_id
    inject(root, SYMBOL_SET)
    other = Binding(mode=ReleaseMode.SYMBOL_SET, release=("shop", "2.0"), release_id=OTHER_RELEASE_ID)
    second = only(root, other)
    assert second.rewritten
    assert second.chunk_id != first
    inject(root, other)
    assert (root / "a.js").read_text().count("chunkId=") == 1
    assert only(root, other).release_id == OTHER_RELEASE_ID


def test_what_another_tool_injected_is_recognized_and_left(root: Path) -> None:
    """Its id is kept; its code keeps the release that it names, and in mode symbol-set it is refused."""
    injected = f"{FOREIGN}{CODE}\n//# chunkId={FOREIGN_ID}"
    write(root, "a.js", injected)
    pair = only(root)
    assert (pair.chunk_id, pair.rewritten) == (FOREIGN_ID, False)
    assert "another tool" in pair.note
    assert only(root, Binding()).note == ""
    assert state(root, binding=SYMBOL_SET) == "other_injection"


@pytest.mark.parametrize("stop", ["script", "raw map", "raw map and script"])
def test_a_run_that_was_ended_between_two_files_is_completed(root: Path, stop: str) -> None:
    """The next one sees how far it came, and writes what a whole run would have written."""
    write(root, "a.js")
    first = Binding() if "raw" in stop else None
    if first:
        inject(root, first)
    pair = only(root)
    new = rewrite(pair, pair.script.read_bytes(), pair.source_map.read_bytes(), EVENT)
    if "raw" in stop:
        assert new.raw_map is not None
        pair.source_map.write_bytes(new.raw_map)
    if "script" in stop:
        pair.script.write_bytes(new.script)
    assert only(root).rewritten
    inject(root)
    assert (pair.script.read_bytes(), pair.source_map.read_bytes()) == (new.script, new.source_map)


def test_without_injection_only_what_carries_an_id_is_uploaded(root: Path) -> None:
    """Nothing is rewritten."""
    write(root, "a.js")
    write(root, "b.js", f"{FOREIGN}{CODE}\n//# chunkId={FOREIGN_ID}")
    found = examined(root, Binding(inject=False))
    assert isinstance(found["a.js"], Skipped)
    assert found["a.js"].state == "not_injected"
    assert isinstance(found["b.js"], Pair)
    assert not found["b.js"].rewritten


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda root: (root / "a.js.map").unlink(), "no_map"),
        (lambda root: (root / "a.js.map").write_text("{"), "bad_map"),
        (lambda root: (root / "a.js").write_bytes(b"\xff"), "unread"),
        (lambda root: (root / "a.js").write_text(""), "harmless"),
        (lambda root: write(root, "a.js", source_map={**MAP, "chunk_id": FOREIGN_ID}), "marked_map"),
        (lambda root: write(root, "a.js", source_map={**MAP, "file": "\ud800" + "x" * 99}), "damaged_map"),
    ],
)
def test_a_script_that_cannot_be_uploaded_says_why(root: Path, change: Change, why: str) -> None:
    """In the words of the build check where it has them."""
    write(root, "a.js")
    change(root)
    assert state(root) == why


@pytest.mark.parametrize(
    ("code", "mappings"),
    [
        ("f();", "!"),
        ("/*\n license\n\n*/\nf();", "AAAA;;;;!!!!"),
        ('// one\n// two\n"use strict";\nf();', "AAAA;;;!"),
        ('"use strict";f();', "AAAA,!"),
    ],
)
def test_damaged_positions_are_seen_where_the_code_will_stand(root: Path, code: str, mappings: str) -> None:
    """Behind comments and directives; those further down do not move."""
    write(root, "a.js", code, {**MAP, "mappings": mappings})
    assert state(root) == "damaged_map"
    write(root, "a.js", code, {**MAP, "mappings": "AAAA;AACA;AACA;AACA;AACA;!!!!"})
    assert only(root).rewritten


def test_damaged_positions_of_an_injected_script_are_seen_too(root: Path) -> None:
    """They would have to move for another release."""
    write(root, "a.js")
    inject(root, SYMBOL_SET)
    marked = json.loads((root / "a.js.map").read_text())
    (root / "a.js.map").write_text(json.dumps({**marked, "mappings": "!"}))
    assert state(root, binding=SYMBOL_SET._replace(release=("shop", "2.0"), release_id="")) == "damaged_map"


def test_a_script_without_any_code_is_left_alone(root: Path) -> None:
    """Nothing can be injected into a hashbang line, and no error can happen in it."""
    write(root, "a.js", "#!/usr/bin/env node")
    assert state(root) == "harmless"


def test_an_injected_script_without_its_map_is_not_uploaded(root: Path) -> None:
    """An id alone says nothing."""
    write(root, "a.js", f"{FOREIGN}{CODE}\n//# chunkId={FOREIGN_ID}")
    (root / "a.js.map").unlink()
    assert state(root) == "no_map"


def test_copies_are_uploaded_once_and_other_scripts_under_one_id_never(root: Path) -> None:
    """Only one file can be stored for an id."""
    injected = f"{FOREIGN}{CODE}\n//# chunkId={FOREIGN_ID}"
    write(root, "a.js", injected)
    write(root, "b.js", injected)
    sent, copy = examined(root).values()
    assert isinstance(sent, Pair)
    assert isinstance(copy, Pair)
    assert (sent.copy_of, copy.copy_of) == ("", "a.js")
    write(root, "b.js", injected.replace("f()", "g()"))
    assert state(root, "a.js") == state(root, "b.js") == "shared_id"


def test_two_scripts_that_share_a_map_are_not_both_injected(root: Path) -> None:
    """The map cannot follow both, and not one without the other."""
    write(root, "a.js")
    (root / "b.js").write_text("g();\n//# sourceMappingURL=a.js.map")
    assert state(root, "a.js") == state(root, "b.js") == "shared_map"


def test_a_copy_of_a_script_that_is_not_sent_is_sent_itself(root: Path) -> None:
    """The first of two copies shares its map, and so cannot be injected; the second has a map of its own."""
    write(root, "a.js")
    (root / "b.js").write_text("g();\n//# sourceMappingURL=a.js.map")
    write(root, "c.js")
    write(root, "d.js")
    assert state(root, "a.js") == "shared_map"
    copies = [each.copy_of for each in examined(root).values() if isinstance(each, Pair)]
    assert copies == ["", "c.js"]


REWRITE = r"""
import json, os
from pathlib import Path
from errtrack_mcp.builds.uploadable import Binding, Pair, rewrite
from tests.support.memory import peak_memory
script = ("/*\U0001f6d2*/" + "f(1);" * 4_600_000).encode()
source_map = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA" + ",KAAK" * 4_600_000}
source_map = json.dumps({**source_map, "sourcesContent": ["a" * 54_000_000]}).encode()
pair = Pair("a.js", Path("a.js"), Path("a.js.map"), (b"", b""), 0, "an-id", "", True)
Path("/proc/self/clear_refs").write_text("5")
idle = peak_memory(os.getpid())
rewrite(pair, script, source_map, Binding())
print((peak_memory(os.getpid()) - idle) >> 20)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Memory is measured through /proc.")
def test_a_pair_of_100_mb_is_rewritten_within_350_mb() -> None:
    """One character beyond the basic plane makes every character of a text four bytes long."""
    done = subprocess.run([sys.executable, "-c", REWRITE], capture_output=True, text=True, check=True)
    print(f"100 MB: {done.stdout.strip()} MB above idle")
    assert 0 < int(done.stdout) < 350


def test_of_two_copies_one_may_be_injected_already(root: Path) -> None:
    """A run that was killed between them is completed."""
    write(root, "a.js")
    write(root, "b.js")
    first = examined(root)["a.js"]
    assert isinstance(first, Pair)
    new = rewrite(first, first.script.read_bytes(), first.source_map.read_bytes(), EVENT)
    first.script.write_bytes(new.script)
    first.source_map.write_bytes(new.source_map)
    sent, copy = examined(root).values()
    assert isinstance(sent, Pair)
    assert isinstance(copy, Pair)
    assert (sent.rewritten, copy.rewritten, copy.copy_of) == (False, True, "a.js")


def test_a_number_beyond_all_floats_does_not_break_the_map(root: Path) -> None:
    """JSON has no word for infinity."""
    write(root, "a.js")
    text = (root / "a.js.map").read_text()
    (root / "a.js.map").write_text(text.replace("{", '{"x_made": 1e999, ', 1))
    inject(root)
    assert json.loads((root / "a.js.map").read_text())["x_made"] is None
