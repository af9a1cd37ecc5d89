"""A position in a script of a local build, and where it comes from."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.server.app import build_server
from errtrack_mcp.tools import build_position
from tests.support.containers import BUILD
from tests.support.fixtures import Answer, Connect, MakeSettings, Refusal

pytestmark = pytest.mark.anyio

CHECK = "error-tracking-build-check"
THROWN = {"line": 1, "column": 48}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a directory with the small build in two of its folders."""
    for folder in ("new", "old"):
        shutil.copytree(BUILD, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize("script", ["new/checkout.js", "https://shop.example/static/new/checkout.js?v=3"])
async def test_a_position_is_resolved_without_a_key(
    settings: MakeSettings, answer: Answer, dist: Path, script: str
) -> None:
    """By the path or the address of its script; without source code, which nobody asked for."""
    keyless = settings(build_root=str(dist)).model_copy(update={"personal_api_key": None})
    pool = HttpTransport(keyless.host)
    async with Client(build_server(keyless, pool)) as client:
        found = await answer(client, CHECK, script=script, **THROWN)
    await pool.aclose()
    assert found["position"] == {
        "script": "new/checkout.js",
        "known": True,
        "function": "discountFor",
        "source": "source/order/discount.ts",
        "line": 8,
        "column": 41,
    }
    assert "customer.account" not in str(found)


async def test_a_position_is_resolved_while_the_project_cannot_be_asked(
    connect: Connect, answer: Answer, dist: Path
) -> None:
    """What this machine knows does not wait for PostHog."""
    with (dist / "new" / "checkout.js").open("a") as script:
        script.write("\n//# chunkId=0199a1")
    async with connect(POSTHOG_HOST="http://127.0.0.1:9", build_root=str(dist)) as client:
        found = await answer(client, CHECK, script="new/checkout.js", **THROWN)
    assert found["position"]["line"] == 8


async def test_a_position_that_the_map_does_not_know(connect: Connect, answer: Answer, dist: Path) -> None:
    """Behind the end of the script it is of another build; within it, the bundler may have added the code."""
    (dist / "new" / "checkout.js").write_text("help();run();\nmore();\n")
    async with connect(build_root=str(dist)) as client:
        behind = await answer(client, CHECK, script="new/checkout.js", line=900, column=1)
        within = await answer(client, CHECK, script="new/checkout.js", line=2, column=1)
    assert (behind["position"]["known"], within["position"]["known"]) == (False, False)
    assert "no such line: it is of another build" in behind["position"]["problem"]
    assert "another build than the deployed script, or" in within["position"]["problem"]


async def test_a_script_without_a_map_leaves_it_open(connect: Connect, answer: Answer, dist: Path) -> None:
    """And says why."""
    (dist / "new" / "checkout.js.map").unlink()
    async with connect(build_root=str(dist)) as client:
        found = await answer(client, CHECK, script="new/checkout.js", **THROWN)
    assert found["position"] == {"script": "new/checkout.js", "known": None, "problem": "its map is missing"}


async def test_without_the_extra_the_answer_says_so(
    connect: Connect, answer: Answer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the check is as ever."""
    monkeypatch.setattr(build_position, "is_installed", lambda: False)
    async with connect(build_root=str(dist)) as client:
        found = await answer(client, CHECK, script="new/checkout.js", **THROWN)
    assert found["position"]["known"] is None
    assert "errtrack-mcp[symbolicate]" in found["position"]["problem"]
    assert len(found["scripts"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"script": "checkout.js"}, "script, line and column go together"),
        (THROWN, "script, line and column go together"),
        ({"script": "other.js", **THROWN}, 'No script of the build has a path that ends like "other.js"'),
        ({"script": "checkout.js", **THROWN}, 'may be "new/checkout.js", "old/checkout.js"'),
    ],
)
async def test_an_unclear_position_is_refused(
    connect: Connect, refusal: Refusal, dist: Path, arguments: dict[str, Any], message: str
) -> None:
    """No script is guessed."""
    async with connect(build_root=str(dist)) as client:
        assert message in await refusal(client, CHECK, **arguments)
