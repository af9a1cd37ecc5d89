"""The protocol's own conformance suite, for the last revision with sessions and the first without.

The suite wants tools, prompts and resources of its own to be served for most of its scenarios. We serve the product:
`expected-failures.json` names every check that fails for that reason, and nothing else may be in it. A scenario may
be green without having checked anything, so those that count here must have passed their checks.
"""

import json
import re
from pathlib import Path

import pytest

from tests.support.installed import free_port
from tests.support.npm import CLIENTS, Node
from tests.support.serving import serving

CONFORMANCE = "@modelcontextprotocol/conformance/dist/index.js"
EXPECTED = json.loads((CLIENTS / "expected-failures.json").read_text())
CHECKED = {
    "2025-11-25": {
        "server-initialize": 3,
        "ping": 2,
        "tools-list": 3,
        "resources-list": 2,
        "prompts-list": 2,
        "completion-complete": 2,
        "dns-rebinding-protection": 2,
    },
    "2026-07-28": {
        "server-stateless": 23,
        "tools-list": 4,
        "resources-list": 2,
        "prompts-list": 2,
        "completion-complete": 2,
        "sep-2164-resource-not-found": 4,
        "caching": 8,
        "http-header-validation": 14,
        "dns-rebinding-protection": 2,
    },
}


@pytest.mark.parametrize("revision", CHECKED)
def test_every_check_passes_that_needs_no_fixture_of_the_suite(revision: str, node: Node, tmp_path: Path) -> None:
    """What fails is exactly what is expected to, and what counts was really checked."""
    port = free_port()  # known beforehand, as the suite's own Origin has to be allowed
    origins = f"http://127.0.0.1:{port},http://localhost:{port}"
    with serving("--sandbox", "--allowed-origins", origins, port=port, ERRTRACK_SHARED_KEY="1") as replica:
        node(CONFORMANCE, "server", "--url", f"{replica.url}/mcp", "--requirements", revision, "-o", str(tmp_path))
    failed: dict[str, list[str]] = {}
    passed: dict[str, int] = {}
    for file in tmp_path.rglob("checks.json"):
        scenario = re.sub(r"^server-(.+)-\d{4}-\d\d-\d\dT.*", r"\1", file.parent.name)
        for check in json.loads(file.read_text()):
            if check["status"] == "FAILURE":
                failed.setdefault(scenario, []).append(check["id"])
            passed[scenario] = passed.get(scenario, 0) + (check["status"] == "SUCCESS")
    expected = {scenario: ids for reason in EXPECTED[revision].values() for scenario, ids in reason.items()}
    assert {scenario: sorted(ids) for scenario, ids in failed.items()} == expected
    assert {scenario: count for scenario in CHECKED[revision] if (count := passed.get(scenario, 0))} == CHECKED[
        revision
    ]
