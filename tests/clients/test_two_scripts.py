"""A trace through two scripts of a real bundler: each frame finds its own map, whatever the caller knows."""

from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp.sandbox.seed import RELEASES, release_id
from tests.support.bundler import Bundle, inject
from tests.support.containers import pair
from tests.support.fixtures import Answer, Connect
from tests.support.uploading import upload
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

TOOL = "error-tracking-stack-traces-resolve"
NUMBER = 9  # a release without symbol sets of its own
OPTIONS = [("--sourcemap",), ("--sourcemap=external",)]  # with the name of the map in the script, and without


def uploaded(project: Path, origin: str, bundle: Bundle, *options: str) -> tuple[str, dict[str, str]]:
    """Bundle two scripts, upload them for a release, and return a trace through both and their chunk ids."""
    lines, refs = ["Error: x"], {}
    for script in sorted(bundle(project, *options, "--minify-whitespace").glob("*.js")):
        refs[script.name] = inject(script)
        code = script.read_text()
        column = code.index("reduce" if script.name == "main.js" else "console.log") + 1
        lines.append(f"    at f (https://shop.example/assets/{script.name}:1:{column})")
        content = pair(script.read_bytes(), script.with_name(f"{script.name}.map").read_bytes())
        upload(origin, refs[script.name], content, release_id(NUMBER))
    return "\n".join(lines), refs


def sources(answered: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the source, or the reason why there is none, and the ref of each frame."""
    [only] = answered["traces"]
    return [(frame.get("reason") or frame["source"], frame.get("ref", "")) for frame in only["frames"]]


@pytest.mark.parametrize("options", OPTIONS, ids=["named", "nameless"])
async def test_each_frame_finds_its_own_map(  # noqa: PLR0913, PLR0917
    connect: Connect, answer: Answer, sandbox: Upstream, bundle: Bundle, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """By two refs in any order, by one of them, and by the release; without names nothing is called certain."""
    trace, refs = uploaded(tmp_path, sandbox.url, bundle, *options)
    app = {"project": RELEASES[NUMBER].project, "version": RELEASES[NUMBER].version}
    async with connect() as client:
        by_refs = await answer(client, TOOL, trace=trace, refs=[refs["main.js"], refs["admin.js"]])
        by_one = await answer(client, TOOL, trace=trace, refs=[refs["main.js"]])
        by_release = await answer(client, TOOL, trace=trace, **app)
    if options == OPTIONS[0]:
        both = [("../src/admin.ts", refs["admin.js"]), ("../src/cart.ts", refs["main.js"])]
        assert sources(by_refs) == sources(by_release) == both
        assert sources(by_one) == [("no_chunk_id", ""), both[1]]
    else:
        assert sources(by_refs) == sources(by_release) == [("ambiguous", ""), ("ambiguous", "")]
        assert sources(by_one) == [("unsure", refs["main.js"])] * 2
