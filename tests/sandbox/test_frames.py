"""Frames as ingestion stores them."""

from errtrack_mcp.sandbox.frames import Original, raw_id, resolve, script_frame, source_context, unresolve

ORIGINAL = Original("total", "src/cart.ts", 41, 18)
URL = "https://shop.example/static/a.js"


def test_two_builds_at_one_address_share_a_raw_id() -> None:
    """The chunk id is not a part of it; the position is."""
    ids = [script_frame("a", 1, 2, URL, chunk=chunk, failure="x").contents["raw_id"] for chunk in ("one", "two")]
    assert ids[0] == ids[1]
    assert raw_id("a", 1, 3, URL) != ids[0]
    assert ids[0].endswith("/0")


def test_a_frame_is_made_readable_and_back() -> None:
    """The position is that of the original, then that in the bundle again; the failure goes and comes."""
    sent = script_frame("a", 1, 2, URL, chunk="c", failure="lost").contents
    readable = resolve(sent, ORIGINAL)
    assert (readable["resolved_name"], readable["source"], readable["line"]) == ("total", "src/cart.ts", 41)
    assert "resolve_failure" not in readable
    assert unresolve(readable, "lost") == sent


def test_a_source_is_the_path_of_an_address() -> None:
    """What was not fetched over HTTP has none; the SDK's whole address stays in the junk drawer."""
    assert script_frame("a", 1, 2, URL, failure="x").contents["source"] == "/static/a.js"
    inline = script_frame("a", 1, 2, "<anonymous>", failure="x").contents
    assert "source" not in inline
    assert inline["junk_drawer"]["raw_frame"]["filename"] == "<anonymous>"


def test_code_of_others_is_not_of_the_app() -> None:
    """As ingestion tells by the original's folder."""
    frame = script_frame("a", 1, 2, URL, original=Original("a", "node_modules/react/index.js", 1, 1))
    assert frame.contents["in_app"] is False


def test_lines_are_numbered() -> None:
    """Those before come in their order, or the nearest first."""
    plain, nearest = source_context(ORIGINAL), source_context(ORIGINAL, nearest_first=True)
    assert [line["number"] for line in plain["before"]] == [39, 40]
    assert [line["number"] for line in nearest["before"]] == [40, 39]
    assert plain["line"]["number"] == 41
