"""Places looked up in files of each kind."""

import json
from collections.abc import Sequence

import pytest

from errtrack_mcp.symbolication.containers import UnusableFile, unpack
from errtrack_mcp.symbolication.lookup import look_up
from errtrack_mcp.symbolication.places import LookUp, Original, Place
from tests.support.containers import BUILD, checkout, container, pair


def looked_up(file: bytes, places: Sequence[Place]) -> LookUp:
    """Look places up in a file, with a line of source code on each side."""
    return look_up(unpack(file), places, 1)


def test_a_place_that_the_map_does_not_know_has_no_original() -> None:
    """Beyond the end of the script, as far as the numbers of a frame may go."""
    found = looked_up(checkout(), [Place(900, 1), Place(2**31 - 1, 2**31 - 1)])
    assert (found.originals, found.beyond) == (((), ()), (0, 1))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_a_place_within_the_script_is_told_from_one_behind_its_end(line_end: str) -> None:
    """Lines end as in JavaScript; what the map knows is not behind the end."""
    source_map = b'{"version":3,"sources":["a.ts"],"names":[],"mappings":"QAAA"}'
    script = f"help();run();{line_end}more();".encode()
    found = looked_up(pair(script, source_map), [Place(1, 1), Place(1, 9), Place(2, 1), Place(3, 1)])
    assert [bool(originals) for originals in found.originals] == [False, True, False, False]
    assert found.beyond == (3,)


def test_the_chunk_id_is_that_of_the_last_line() -> None:
    """As PostHog's tool reads it."""
    script = b"f();\n//# chunkId=old\n//# chunkId=5c7a4b0e\n"
    source_map = b'{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}'
    found = looked_up(pair(script, source_map), [])
    assert (found.chunk_id, found.has_source_text) == ("5c7a4b0e", False)


@pytest.mark.parametrize(
    ("comment", "file", "paths"),
    [
        (b"//# sourceMappingURL=cart.js.map", None, ("cart.js",)),
        (
            b"//# sourceMappingURL=../maps/cart.js.map?v=2\n//# chunkId=5c7a",
            "assets/cart.js",
            ("assets/cart.js", "../maps/cart.js"),
        ),
        (b"//# sourceMappingURL=cart.js.map", "cart.js", ("cart.js",)),
        (b"//# sourceMappingURL=data:application/json;base64,e30.map", 7, ()),
        (b"//# sourceMappingURL=5c7a", "", ()),
        (b"", None, ()),
    ],
)
def test_a_file_names_its_script(comment: bytes, file: object, paths: tuple[str, ...]) -> None:
    """By the key of its map, and by the name of the map that the script was built with."""
    source_map = json.dumps({"version": 3, "file": file, "sources": ["a.ts"], "names": [], "mappings": "AAAA"})
    assert looked_up(pair(b"f();\n" + comment, source_map.encode()), []).script_paths == paths


def test_a_map_of_sections_is_read() -> None:
    """Some bundlers write one for each part."""
    source_map = json.loads((BUILD / "checkout.js.map").read_text())
    sections = json.dumps({"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": source_map}]})
    found = looked_up(pair((BUILD / "checkout.js").read_bytes(), sections.encode()), [Place(1, 48)])
    assert (found.sources, found.has_source_text) == (3, True)
    assert found.originals[0][0].line == 8


def test_hermes_and_proguard_are_looked_up() -> None:
    """A Hermes map has no script; a ProGuard mapping knows classes, and several methods where one was inlined."""
    hermes = looked_up(container((BUILD / "checkout.js.map").read_bytes(), 3), [Place(1, 48)])
    assert (hermes.kind, hermes.originals[0][0].line) == ("hermes", 8)
    mapping = b"com.shop.Cart -> a.b:\n    1:3:int total(int):41:43 -> a\n    4:4:void pay():50:50 -> a\n"
    proguard = looked_up(container(mapping, 4), [Place(2, function="a.b.a"), Place(9, function="x.y.z")])
    assert proguard.originals == ((Original("com.shop.Cart.total", "com.shop.Cart", 42),), ())


@pytest.mark.parametrize("prefix", [b")]}'\n", b")]}\r\n", b")]}', guarded\n"])
def test_a_first_line_that_keeps_scripts_from_running_a_map_is_passed_over(prefix: bytes) -> None:
    """Some servers put it before every JSON; the specification of source maps says to leave it out."""
    source_map = b'{"version":3,"sources":["a.ts"],"sourcesContent":["f();"],"names":[],"mappings":"AAAA"}'
    found = looked_up(pair(b"f();", prefix + source_map), [Place(1, 1)])
    assert (found.originals[0][0].source, found.sources) == ("a.ts", 1)


@pytest.mark.parametrize("source_map", [b")]}'", b")]}'\n", b")]}'{}"])
def test_such_a_line_alone_is_no_map(source_map: bytes) -> None:
    """Nor is one without an end."""
    with pytest.raises(UnusableFile, match="its map cannot be read"):
        looked_up(pair(b"f();", source_map), [])


def test_source_code_and_names_are_cut() -> None:
    """A map of one line of a million characters gives a short one."""
    source_map = {"version": 3, "sources": ["s" * 5_000], "sourcesContent": ["x" * 1_000_000], "mappings": "AAAA"}
    [[original]] = looked_up(pair(b"f();", json.dumps({**source_map, "names": []}).encode()), [Place(1, 1)]).originals
    assert original.code == "x" * 300 + "…"
    assert len(original.source) == 1_000
