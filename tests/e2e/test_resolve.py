"""`errtrack-mcp resolve`: a trace from a file, a pipe or an issue, and its exit code."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from errtrack_mcp.sandbox.seed import RELEASES, chunk_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.containers import BUILD
from tests.support.installed import COMMAND, environment
from tests.support.invoked import invoke, show

TRACE = "TypeError: x\n    at u (https://shop.example/checkout.js:1:48)\n    at node:fs:1:2\n    at node:fs:3:4\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Save a minified trace."""
    path = tmp_path / "trace.txt"
    path.write_text(TRACE)
    return path


def test_a_local_build_needs_no_key(trace: Path) -> None:
    """The trace alone is on standard output."""
    ended = invoke("resolve", "--directory", str(BUILD), str(trace))
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[:2] == ["TypeError: x", "    at discountFor (source/order/discount.ts:8:41)"]
    assert ended.stdout.splitlines()[-1] == "    ... 2 frames of dependencies and the platform"
    assert ended.stderr == (
        "errtrack-mcp: 1 of 1 frame of the app is readable. "
        "2 further frames belong to dependencies, the bundler or the platform.\n"
    )


def test_a_pipe_that_stays_minified_ends_with_1() -> None:
    """With the reason on standard error."""
    ended = subprocess.run(
        [COMMAND, "resolve", "--sandbox", "-"],
        input=TRACE,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "    at u (https://shop.example/checkout.js:1:48)  [no_chunk_id]" in ended.stdout
    assert "no_chunk_id: Nothing says which map the frame needs." in ended.stderr


def test_an_issue_in_json() -> None:
    """The tool's whole answer."""
    ended = invoke("resolve", "--sandbox", "--json", "--issue", issue_id("fixed-by-upload"))
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["traces"][0]["frames"][0]["function"] == "discountFor"


@pytest.mark.parametrize(
    "known",
    [
        ("--ref", "no-such-ref", "--ref", chunk_id("unbound/main")),
        ("--project", RELEASES[2].project, "--version", RELEASES[2].version),
    ],
)
def test_the_map_is_found_by_refs_or_by_a_release(trace: Path, known: tuple[str, ...]) -> None:
    """By the name of the script in the file."""
    ended = invoke("resolve", "--sandbox", *known, str(trace))
    assert ended.returncode == 0
    assert "at discountFor (source/order/discount.ts:8:41)" in ended.stdout


@pytest.mark.parametrize("arguments", [(), ("--issue", "nonsense"), ("no-such-file",)])
def test_what_cannot_be_read_ends_with_2(arguments: tuple[str, ...]) -> None:
    """Nothing on standard output."""
    ended = invoke("resolve", "--sandbox", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr


def test_a_person_sees_colours(trace: Path) -> None:
    """The line that threw stands out."""
    shown = show("resolve", "--directory", str(BUILD), str(trace))
    assert shown.returncode == 0
    assert "\x1b[1m      >     8 |" in shown.raw
    assert "1 of 1 frame of the app is readable." in shown.text


def test_why_a_frame_stays_minified_is_said_with_what_fixes_it(trace: Path) -> None:
    """What is known of the frames stands behind the reason; of an issue, a command comes last."""
    issue = issue_id("cart-total")
    ended = invoke("resolve", "--sandbox", "--issue", issue)
    assert ended.returncode == 1
    assert f"What fixes it: errtrack-mcp diagnose --sandbox --issue {issue}" in ended.stderr
    assert re.search(r"This is the event [0-9a-f-]{36}, of \d{4}-\d\d-\d\dT", ended.stderr)
    release = ("--project", "checkout-api", "--version", "1.8.0")
    unbound = invoke("resolve", "--sandbox", *release, str(trace))
    assert unbound.returncode == 1
    assert re.search(r"no_chunk_id: .* \([^)]*release[^)]*\)$", unbound.stderr, re.MULTILINE), unbound.stderr
