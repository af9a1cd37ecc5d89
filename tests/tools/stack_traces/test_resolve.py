"""Minified stack traces become readable: from symbol sets, from a local build, from an issue's event."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY, READ_KEY, chunk_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.bundler import bundle_failing_app
from tests.support.containers import BUILD, pair
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.npm import Node
from tests.support.uploading import upload
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

TOOL = "error-tracking-stack-traces-resolve"
URL = "https://shop.northwind.example/assets/checkout.js"
TRACE = f"""TypeError: Cannot read properties of undefined (reading 'discount')
    at u ({URL}:1:48)
    at i ({URL}:1:159)
    at n.submit ({URL}:1:239)
    at c ({URL}:1:302)
    at node:internal/main/run_main_module:28:49
"""
REF = chunk_id("unbound/main")
ORIGINALS = [
    ("discountFor", "source/order/discount.ts", 8),
    ("orderAmount", "source/order/amount.ts", 16),
    ("Checkout.submit", "source/checkout.ts", 7),
    ("onClick", "source/checkout.ts", 13),
]


def places(answer: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return function, source and line of each frame of the app in the first trace."""
    [first] = answer["traces"]
    return [(frame["function"], frame["source"], frame["line"]) for frame in first["frames"] if frame["in_app"]]


async def test_a_pasted_trace_is_resolved_with_a_symbol_set(connect: Connect, answer: Answer) -> None:
    """Every frame of the app gets its function, file and line; the platform's are folded; source code is shown."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=TRACE, refs=[REF])
    assert places(resolved) == ORIGINALS
    assert resolved["readable"] is True
    assert resolved["summary"].startswith("4 of 4 frames of the app are readable. 1 further frame belongs to ")
    assert "      >     8 |   const { percent } = customer.account!.discount;" in resolved["stack_trace"].splitlines()
    assert resolved["traces"][0]["frames"][0]["deployed"] == f"u {URL}:1:48"
    assert resolved["traces"][0]["error"].startswith("TypeError")


async def test_a_local_build_is_used_instead(connect: Connect, answer: Answer, tmp_path: Path) -> None:
    """Nothing is asked of the project."""
    shutil.copytree(BUILD, tmp_path / "dist" / "assets")
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=TRACE, directory="dist")
    assert places(resolved) == ORIGINALS


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("", "no_chunk_id"),  # looked for by its address
        ("no-such-ref", "never_uploaded"),
        (chunk_id("pending/main"), "upload_unfinished"),
        ("https://shop.northwind.example/assets/checkout.js", "never_uploaded"),
    ],
)
async def test_a_frame_that_stays_minified_says_why(connect: Connect, answer: Answer, ref: str, reason: str) -> None:
    """And is shown as it was sent."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=TRACE, refs=[ref] if ref else [])
    assert resolved["readable"] is False
    assert resolved["traces"][0]["frames"][0]["reason"] == reason
    assert reason in resolved["reasons"]
    assert f"    at u ({URL}:1:48)  [{reason}]" in resolved["stack_trace"]


async def test_a_script_without_an_address_asks_for_its_last_line(connect: Connect, answer: Answer) -> None:
    """Nothing says which symbol set it needs."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace="Error: x\n    at f (app.js:1:2)\n")
    assert "//# chunkId=" in resolved["reasons"]["no_chunk_id"]


async def test_a_position_beyond_the_map_does_not_fit(connect: Connect, answer: Answer) -> None:
    """It belongs to another build, also where the map has other positions of the trace."""
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=f"{TRACE}    at f ({URL}:900:2)\n", refs=[REF])
    assert resolved["readable"] is False
    assert resolved["traces"][0]["frames"][-1]["reason"] == "map_does_not_fit"
    assert "no such line" in resolved["traces"][0]["frames"][-1]["detail"]


async def test_an_error_while_a_real_bundle_is_loaded_is_readable(
    connect: Connect, answer: Answer, node: Node, tmp_path: Path
) -> None:
    """Between the app's frames is one in code that esbuild added: no map has source code for it."""
    script = bundle_failing_app(tmp_path)
    trace = node(script).stderr
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace=trace, directory=".")
    [failed] = [each for each in resolved["traces"] if each["frames"]]
    of_script = [frame for frame in failed["frames"] if str(script) in frame.get("deployed", frame["source"])]
    assert [(Path(frame["source"]).name, frame.get("reason", "")) for frame in of_script] == [
        ("cart.js", ""),
        ("app.js", "bundler_code"),
        ("main.js", ""),
    ]
    assert resolved["readable"] is True
    assert list(resolved["reasons"]) == ["bundler_code"]


@pytest.mark.parametrize("arguments", [{}, {"trace": "Error: x"}, {"trace": TRACE, "issue_id": "x"}])
async def test_what_cannot_be_resolved_is_refused(
    connect: Connect, refusal: Refusal, arguments: dict[str, object]
) -> None:
    """With what to give instead."""
    async with connect() as client:
        message = await refusal(client, TOOL, **arguments)
    assert "Give either trace or issue_id" in message or "No line of the text is a stack frame" in message


@pytest.mark.parametrize("key", [FULL_KEY, READ_KEY], ids=["with query:read", "without"])
async def test_an_event_that_stayed_minified_is_resolved(connect: Connect, answer: Answer, key: str) -> None:
    """PostHog leaves yesterday's errors as they were; the map came later."""
    async with connect(POSTHOG_PERSONAL_API_KEY=key) as client:
        resolved = await answer(client, TOOL, issue_id=issue_id("fixed-by-upload"))
    assert places(resolved) == ORIGINALS
    assert resolved["traces"][0]["frames"][0]["ref"] == chunk_id("unbound/search")


async def test_an_event_that_is_readable_already_stays_so(connect: Connect, answer: Answer) -> None:
    """Its frames are those of the source code; nothing is downloaded."""
    async with connect() as client:
        resolved = await answer(client, TOOL, issue_id=issue_id("readable-after-upload"))
    assert resolved["readable"] is True
    assert places(resolved) == ORIGINALS


async def test_what_no_map_can_help_is_said(connect: Connect, answer: Answer) -> None:
    """An error without a position."""
    async with connect() as client:
        resolved = await answer(client, TOOL, issue_id=issue_id("no-position"))
    assert resolved["readable"] is None
    assert list(resolved["reasons"]) == ["maps_cannot_help"]


async def test_one_event_of_an_issue_can_be_chosen(connect: Connect, answer: Answer, refusal: Refusal) -> None:
    """By its uuid; one that is not there is said to be missing."""
    async with connect() as client:
        listed = await answer(
            client, "query-error-tracking-issue-events", issue_id=issue_id("fixed-by-upload"), limit=3
        )
        uuid = listed["results"][-1]["uuid"]
        resolved = await answer(client, TOOL, issue_id=issue_id("fixed-by-upload"), event_uuid=uuid)
        message = await refusal(
            client, TOOL, issue_id=issue_id("fixed-by-upload"), event_uuid="00000000-0000-4000-8000-000000000000"
        )
    assert places(resolved) == ORIGINALS
    assert (resolved["event_uuid"], resolved["timestamp"]) == (uuid, listed["results"][-1]["timestamp"])
    assert "not among the 20 newest" in message


@pytest.mark.attack("source code that leaks")
async def test_source_code_is_in_no_answer_that_did_not_ask(connect: Connect, answer: Answer) -> None:
    """A symbol set's file stays where it is."""
    async with connect() as client:
        for tool, arguments in (
            ("error-tracking-issues-diagnose", {"issue_id": issue_id("fixed-by-upload")}),
            ("query-error-tracking-issue-events", {"issue_id": issue_id("fixed-by-upload")}),
            ("error-tracking-symbol-sets-diagnose", {"ref": chunk_id("unbound/search")}),
        ):
            assert "customer.account" not in str(await answer(client, tool, **arguments))


async def test_the_longest_trace_has_an_answer_of_bounded_size(
    connect: Connect, answer: Answer, sandbox: Upstream
) -> None:
    """2,000 frames in a map with lines of code as long as lines may be, and names too: what is left out is said."""
    source_map = {"version": 3, "sources": ["s" * 5_000], "sourcesContent": ["x" * 5_000], "mappings": "AAAA"}
    upload(sandbox.url, "long", pair(b"f();", json.dumps({**source_map, "names": []}).encode()))
    trace = "\n".join(["Error: x", *[f"    at {'f' * 40} (https://shop.example/app.js:1:1)"] * 1_999])
    async with connect() as client:
        resolved = await answer(client, TOOL, trace=trace, refs=["long"])
    assert len(json.dumps(resolved)) < 150_000
    assert resolved["readable"] is None
    assert len(resolved["traces"][0]["frames"]) == 100
    assert resolved["stack_trace"].count(" | ") == 66
    assert "1,899 further frames were left out" in resolved["summary"]
    assert "Not every frame has its source code here" in resolved["summary"]


@pytest.mark.attack("hostile stack traces")
async def test_invisible_characters_of_a_trace_and_of_a_map_are_escaped(
    connect: Connect, answer: Answer, tmp_path: Path
) -> None:
    """Neither reaches a terminal or a model as it is."""
    source_map = {"version": 3, "sources": ["a\x1b[31m.ts"], "sourcesContent": ["\tf(); // \u202e\x1b[2J"], "names": []}
    (tmp_path / "app.js").write_text("f();\n")
    (tmp_path / "app.js.map").write_text(json.dumps({**source_map, "mappings": "AAAA"}))
    async with connect(build_root=str(tmp_path)) as client:
        resolved = await answer(client, TOOL, trace="Error: \x1b[2J\n    at f\u200b (app.js:1:1)\n", directory=".")
    assert "    f(); // \\u202e\\u001b[2J" in resolved["stack_trace"]
    assert resolved["traces"][0]["frames"][0]["source"] == "a\\u001b[31m.ts"
    assert all(part.isprintable() for part in resolved["stack_trace"].splitlines())
