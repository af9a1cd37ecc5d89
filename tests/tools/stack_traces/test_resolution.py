"""The way from frames to their maps: what a frame brings along, what the caller knows, and what is not guessed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp.sandbox.seed import RELEASES, chunk_id, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.tools.stack_traces import resolution
from tests.support.capturing import FRAME, exception_event, send
from tests.support.containers import BUILD, checkout, container, pair, script_named
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.uploading import upload
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

TOOL = "error-tracking-stack-traces-resolve"
SHOP = "https://shop.example"
RELEASE = RELEASES[9]  # without symbol sets of its own
BY_NAME = {"project": RELEASE.project, "version": RELEASE.version}


def trace(*urls: str) -> str:
    """Return a trace with a frame in each of these scripts."""
    return "\n".join(["Error: x", *(f"    at f ({url}:1:1)" for url in urls)])


def frames(answered: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return source, ref and reason of each frame."""
    [only] = answered["traces"]
    return [(frame["source"], frame.get("ref", ""), frame.get("reason", "")) for frame in only["frames"]]


def built_as(script: Path, last_line: str) -> None:
    """Write the small build under another name, with a last line of its own."""
    script.write_text((BUILD / "checkout.js").read_text() + last_line)
    shutil.copy(BUILD / "checkout.js.map", f"{script}.map")


async def test_each_frame_finds_its_own_map(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """By the name of the script in the file, or by the address that the ref is; the order of refs does not matter."""
    upload(sandbox.url, "id-of-cart", script_named("assets/cart.js"))
    upload(sandbox.url, "id-of-vendor", script_named("assets/vendor.js"))
    upload(sandbox.url, f"{SHOP}/legacy.js", script_named(""))
    asked = trace(f"{SHOP}/assets/cart.js?v=1", f"{SHOP}/assets/vendor.js", f"{SHOP}/legacy.js", f"{SHOP}/other.js")
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=asked, refs=[f"{SHOP}/legacy.js", "id-of-vendor", "id-of-cart"])
    assert frames(resolved) == [
        ("src/assets/cart.js", "id-of-cart", ""),
        ("src/assets/vendor.js", "id-of-vendor", ""),
        ("src/", f"{SHOP}/legacy.js", ""),
        (f"{SHOP}/other.js", "", "no_chunk_id"),
    ]
    assert resolved["readable"] is False


async def test_a_ref_alone_is_used_for_what_it_may_be_of(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Not for another script than the one that it names; without a name for all frames, which is called unsure."""
    upload(sandbox.url, "named", script_named("cart.js"))
    upload(sandbox.url, "nameless", script_named("", "src/any.ts"))
    two = trace(f"{SHOP}/cart.js", f"{SHOP}/vendor.js")
    async with connect() as client:
        named = await answer(client, TOOL, trace=two, refs=["named"])
        nameless = await answer(client, TOOL, trace=two, refs=["nameless"])
        alone = await answer(client, TOOL, trace=trace("cart.js", "cart.js"), refs=["nameless"])
        renamed = await answer(client, TOOL, trace=trace("renamed.js"), refs=["named"])
    assert [reason for _, _, reason in frames(named)] == ["", "no_chunk_id"]
    assert frames(nameless) == [("src/any.ts", "nameless", "unsure")] * 2
    assert nameless["readable"] is None
    assert "[unsure]" in nameless["stack_trace"]
    assert frames(alone) == [("src/any.ts", "nameless", "")] * 2
    assert frames(renamed) == [("src/cart.js", "named", "unsure")]
    assert renamed["traces"][0]["frames"][0]["detail"] == "By its own name the file is of cart.js."


async def test_files_of_one_name_are_not_chosen_from(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Unless they give the same place: a build that was uploaded twice."""
    for ref, source in (("first", "a.ts"), ("again", "a.ts"), ("other", "b.ts")):
        upload(sandbox.url, ref, script_named("cart.js", source))
    async with connect() as client:
        same = await answer(client, TOOL, trace=trace("cart.js"), refs=["first", "again"])
        unlike = await answer(client, TOOL, trace=trace("cart.js"), refs=["first", "other"])
    assert frames(same) == [("a.ts", "first", "")]
    assert frames(unlike) == [("cart.js", "", "ambiguous")]
    assert "first, other" in unlike["traces"][0]["frames"][0]["detail"]


async def test_the_symbol_sets_of_a_release_are_looked_through(
    connect: Connect, answer: Answer, sandbox: Upstream
) -> None:
    """In few requests: two for the release, one for its symbol sets, two for each file; none for other addresses."""
    for name in ("cart.js", "vendor.js"):
        upload(sandbox.url, f"id-of-{name}", script_named(name), release_id(9))
    upload(sandbox.url, f"{SHOP}/else.js", script_named("else.js"), release_id(9))
    upload(sandbox.url, "unbound", script_named("cart.js", "wrong.ts"))
    sandbox.requests.clear()
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace("cart.js", "vendor.js", "gone.js"), **BY_NAME)
    assert frames(resolved) == [
        ("src/cart.js", "id-of-cart.js", ""),
        ("src/vendor.js", "id-of-vendor.js", ""),
        ("gone.js", "", "no_chunk_id"),
    ]
    assert len(sandbox.requests) <= 7


async def test_a_release_without_files_says_so(connect: Connect, answer: Answer) -> None:
    """In event release mode no symbol set is bound to one."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace("cart.js"), **BY_NAME)
    assert frames(resolved) == [("cart.js", "", "no_chunk_id")]
    assert "event release mode" in resolved["traces"][0]["frames"][0]["detail"]


async def test_what_was_not_looked_into_is_said(
    connect: Connect, answer: Answer, sandbox: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame whose map may be among the rest is not called unreadable for good."""
    monkeypatch.setattr(resolution, "MAX_FILES", 1)
    for name in ("cart.js", "vendor.js"):
        upload(sandbox.url, f"id-of-{name}", script_named(name), release_id(9))
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace("cart.js", "vendor.js"), **BY_NAME)
    assert frames(resolved) == [("cart.js", "", "not_tried"), ("src/vendor.js", "id-of-vendor.js", "")]
    assert resolved["traces"][0]["frames"][0]["detail"].endswith("only 1 were looked into.")


async def test_an_event_keeps_its_own_ids(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """A ref is for frames that bring none."""
    upload(sandbox.url, "other", script_named("checkout.js", "wrong.ts"))
    async with connect() as client:
        resolved = await answer(client, TOOL, issue_id=issue_id("fixed-by-upload"), refs=["other"])
    assert {ref for _, ref, _ in frames(resolved)} == {chunk_id("unbound/search")}


async def test_only_so_many_files_of_a_build_are_read(
    connect: Connect, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of the rest is true of a build as well."""
    monkeypatch.setattr(resolution, "MAX_FILES", 0)
    (tmp_path / "app.js").write_text("f();\n")
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=trace("app.js"), directory=".")
    assert frames(resolved) == [("app.js", "", "not_tried")]
    assert "symbol set" not in resolved["reasons"]["not_tried"]


async def test_only_the_first_files_are_fetched(
    connect: Connect, answer: Answer, sandbox: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not tried is said."""
    monkeypatch.setattr(resolution, "MAX_FILES", 2)
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace(*(f"{SHOP}/{number}.js" for number in range(4))))
    assert [reason for _, _, reason in frames(resolved)] == ["no_chunk_id", "no_chunk_id", "not_tried", "not_tried"]
    assert len(sandbox.requests) == 4  # each script by its address and by that of its map


async def test_a_call_ends_in_time(
    connect: Connect, answer: Answer, sandbox: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was found until then."""
    monkeypatch.setattr(resolution, "MAX_SECONDS", 0)
    upload(sandbox.url, "named", script_named("cart.js"))
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace("cart.js"), refs=["named"])
    assert frames(resolved) == [("cart.js", "", "not_tried")]
    assert resolved["readable"] is None


async def test_a_script_of_a_build_is_chosen_by_ref_where_names_do_not_decide(
    connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """By the chunk id in its last line."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.js").write_text(f"f();\n//# chunkId=id-of-{folder}")
        source_map = {"version": 3, "sources": [f"{folder}.ts"], "names": [], "mappings": "AAAA"}
        (tmp_path / folder / "app.js.map").write_text(json.dumps(source_map))
    async with connect(build_root=str(tmp_path)) as client:
        unclear = await answer(client, TOOL, trace=trace("app.js"), directory=".")
        chosen = await answer(client, TOOL, trace=trace("app.js"), directory=".", refs=["id-of-second"])
        renamed = await answer(client, TOOL, trace=trace("x.js"), directory=".", refs=["id-of-second"])
        unknown = await answer(client, TOOL, trace=trace("x.js"), directory=".", refs=["another"])
    assert frames(unclear) == [("app.js", "", "ambiguous")]
    assert [source for source, _, _ in frames(chosen) + frames(renamed)] == ["second.ts", "second.ts"]
    assert frames(unknown) == [("x.js", "", "no_chunk_id")]


@pytest.mark.parametrize(
    ("in_last_line", "reason"), [(chunk_id("unbound/search"), ""), ("", ""), ("another", "map_does_not_fit")]
)
async def test_a_build_with_another_chunk_id_is_not_used(
    connect: Connect, answer: Answer, tmp_path: Path, in_last_line: str, reason: str
) -> None:
    """Whatever its name: only a script that was never injected may be the one that a frame with an id means."""
    built_as(tmp_path / "unbound-search.js", f"\n//# chunkId={in_last_line}" if in_last_line else "")
    asked = {"issue_id": issue_id("fixed-by-upload"), "directory": ".", "refs": ["another"]}
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, **asked)
    assert {why for _, _, why in frames(resolved)} == {reason}
    assert resolved["readable"] is (not reason)
    if reason:
        assert resolved["traces"][0]["frames"][0]["detail"] == "The build's script of that name has another chunk id."


async def test_a_frame_with_an_address_for_an_id_is_found_by_its_name(
    connect: Connect, answer: Answer, sandbox: Upstream, tmp_path: Path
) -> None:
    """PostHog names the address of a script that was never injected where others have a chunk id."""
    built_as(tmp_path / "checkout.js", "\n//# chunkId=another")
    event = exception_event(FRAME)
    event["properties"]["$exception_list"][0]["value"] = "never injected"
    send(sandbox.url, event).raise_for_status()
    async with connect(build_root=str(tmp_path)) as client:
        listed = await answer(client, "query-error-tracking-issues-list", search="never injected")
        resolved = await answer(client, TOOL, issue_id=listed["results"][0]["id"], directory=".")
    assert frames(resolved) == [("source/order/discount.ts", FRAME["filename"], "")]


HELPER = "help();run();\nmore();\n"  # only run() is of a source file: mappings begin in column 8


def helped(folder: Path, source: str = "run.ts") -> None:
    """Write a build with code of the bundler before that of a source file."""
    (folder / "app.js").write_text(HELPER)
    source_map = {"version": 3, "sources": [source], "names": [], "mappings": "QAAA"}
    (folder / "app.js.map").write_text(json.dumps(source_map))


@pytest.mark.parametrize(
    ("positions", "reasons"),
    [
        (("1:9", "1:1"), ["", "bundler_code"]),
        (("1:9", "2:1"), ["", "bundler_code"]),
        (("1:1",), ["map_does_not_fit"]),
        (("1:9", "900:1"), ["", "map_does_not_fit"]),  # the script has no such line
    ],
)
async def test_code_of_the_bundler_does_not_count_where_the_map_fits(
    connect: Connect, answer: Answer, tmp_path: Path, positions: tuple[str, ...], reasons: list[str]
) -> None:
    """That it fits is known by the other frames of the script; without one, both may be."""
    helped(tmp_path)
    lines = "\n".join(f"    at f ({SHOP}/app.js:{position})" for position in positions)
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=f"Error: x\n{lines}", directory=".")
    assert [reason for _, _, reason in frames(resolved)] == reasons
    assert resolved["readable"] is ("map_does_not_fit" not in reasons)
    assert list(resolved["reasons"]) == [reason for reason in reasons if reason]
    if "map_does_not_fit" in reasons:
        assert "Either the map is of another build" in resolved["reasons"]["map_does_not_fit"]
    assert ("no such line" in str(resolved)) is ("900:1" in positions)


async def test_code_of_the_bundler_does_not_count_among_dependencies_either(
    connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """Where no frame is of the app, those of dependencies count."""
    helped(tmp_path, "node_modules/lib/run.js")
    asked = f"Error: x\n    at f ({SHOP}/app.js:1:9)\n    at f ({SHOP}/app.js:1:1)"
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=asked, directory=".")
    assert [reason for _, _, reason in frames(resolved)] == ["", "bundler_code"]
    assert resolved["readable"] is True


async def test_a_map_that_may_be_of_another_script_excuses_nothing(
    connect: Connect, answer: Answer, sandbox: Upstream
) -> None:
    """And neither does a frame of another script."""
    source_map = {"version": 3, "file": "old.js", "sources": ["run.ts"], "names": [], "mappings": "QAAA"}
    upload(sandbox.url, "old", pair(HELPER.encode(), json.dumps(source_map).encode()))
    upload(sandbox.url, "cart", script_named("cart.js"))
    unsure = f"Error: x\n    at f ({SHOP}/app.js:1:9)\n    at f ({SHOP}/app.js:1:1)"
    apart = f"Error: x\n    at f ({SHOP}/cart.js:1:1)\n    at f ({SHOP}/old.js:1:1)"
    async with connect() as client:
        unsure_of_map = await answer(client, TOOL, trace=unsure, refs=["old"])
        two_scripts = await answer(client, TOOL, trace=apart, refs=["old", "cart"])
    assert [reason for _, _, reason in frames(unsure_of_map)] == ["unsure", "map_does_not_fit"]
    assert [reason for _, _, reason in frames(two_scripts)] == ["", "map_does_not_fit"]


async def test_a_class_that_a_mapping_does_not_know_is_no_code_of_a_bundler(
    connect: Connect, answer: Answer, sandbox: Upstream
) -> None:
    """A mapping is of the whole app, and of one build."""
    upload(sandbox.url, "com.shop@1", container(b"com.shop.Cart -> a.b:\n    1:3:int total(int):41:43 -> a", 4))
    asked = "Error\n    at a.b.a(SourceFile:2)\n    at z.z.z(SourceFile:2)"
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=asked, refs=["com.shop@1"])
    assert [reason for _, _, reason in frames(resolved)] == ["", "map_does_not_fit"]


async def test_what_a_build_lacks_is_said_of_the_build(connect: Connect, answer: Answer, tmp_path: Path) -> None:
    """Not of a symbol set, which nobody asked for."""
    (tmp_path / "app.js").write_text("f();\n")
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=trace("app.js", "x.js"), directory=".")
    assert frames(resolved) == [("app.js", "", "file_unusable"), ("x.js", "", "no_chunk_id")]
    without_map, without_script = resolved["traces"][0]["frames"]
    assert without_map["detail"] == "its map is missing"
    assert without_script["detail"].startswith("No script of the build")
    assert "symbol set" not in resolved["reasons"]["file_unusable"]


@pytest.mark.parametrize("arguments", [{"version": "1"}, {"project": "shop"}, {"directory": ".", **BY_NAME}])
async def test_what_does_not_go_together_is_refused(
    connect: Connect, refusal: Refusal, tmp_path: Path, arguments: dict[str, str]
) -> None:
    """Before anything is read."""
    async with connect(build_root=str(tmp_path)) as client:
        message = await refusal(client, TOOL, trace=trace("cart.js"), **arguments)
    assert "Give project and version together, or directory." in message


async def test_one_mapping_is_of_a_whole_java_app(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """However many classes a trace goes through; a JavaScript frame is not looked up in it."""
    classes = ("Cart -> a.b:\n    1:3:int total(int):41:43 -> a", "Pay -> a.c:\n    4:4:void pay():50:50 -> a")
    mapping = "\n".join(f"com.shop.{each}" for each in classes).encode()
    upload(sandbox.url, "com.shop@1", container(mapping, 4), release_id(9))
    upload(sandbox.url, "script", checkout(), release_id(9))
    asked = "Error\n    at a.b.a(SourceFile:2)\n    at a.c.a(Pay.java:4)\n    at f (checkout.js:1:48)"
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=asked, **BY_NAME)
    assert frames(resolved) == [
        ("com.shop.Cart", "com.shop@1", ""),
        ("com.shop.Pay", "com.shop@1", ""),
        ("source/order/discount.ts", "script", ""),
    ]
