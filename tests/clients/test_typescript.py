"""The TypeScript SDK's client, in both generations of it and over every transport."""

import json

import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.installed import COMMAND
from tests.support.npm import CLIENTS, Node

STDIO = ["stdio", COMMAND, "serve", "--sandbox"]
HTTP = ["http", "/mcp"]
SSE = ["sse", "/sse"]


@pytest.mark.parametrize(
    ("library", "target", "era", "protocol"),
    [
        ("sdk", STDIO, "legacy", None),
        ("sdk", HTTP, "legacy", "2025-11-25"),
        ("sdk", SSE, "legacy", None),
        ("client", STDIO, "legacy", "2025-11-25"),
        ("client", STDIO, "auto", "2026-07-28"),
        ("client", HTTP, "legacy", "2025-11-25"),
        ("client", HTTP, "auto", "2026-07-28"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_it_lists_calls_and_is_refused(  # noqa: PLR0913, PLR0917
    library: str, target: list[str], era: str, protocol: str | None, node: Node, origin: str
) -> None:
    """It validates each answer against the tool's output schema; a refusal says what to do."""
    transport, *rest = target
    where = rest if transport == "stdio" else [origin + rest[0], FULL_KEY]
    done = node(CLIENTS / "session.mjs", library, transport, era, *where)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["server"]["name"] == "errtrack-mcp"
    assert report["protocol"] == protocol
    assert "error-tracking-releases-list" in report["tools"]
    assert len(report["answer"]["results"]) == 2
    assert report["refusal"]["isError"] is True
    assert "limit" in report["refusal"]["text"]
