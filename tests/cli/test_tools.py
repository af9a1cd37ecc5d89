"""What the tools command says of each tool."""

import json

import anyio
import pytest

from errtrack_mcp.cli.tools import show_tools
from errtrack_mcp.settings import load_settings

KINDS = {
    "error-tracking-releases-list": "reads",
    "error-tracking-build-check": "reads",
    "error-tracking-releases-create": "creates",
    "error-tracking-releases-ensure": "creates",
    "error-tracking-releases-partial-update": "changes",
    "error-tracking-symbol-sets-prune": "deletes",
    "error-tracking-releases-destroy": "deletes",
}


def test_a_tool_reads_creates_changes_or_deletes(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever decides what to offer sees what it could do; the toolset is the name that the settings take."""
    anyio.run(lambda: show_tools(load_settings(None), as_json=True))
    tools = json.loads(capsys.readouterr().out)["tools"]
    assert {tool["name"]: tool["kind"] for tool in tools if tool["name"] in KINDS} == KINDS
    toolsets = {tool["name"]: tool["toolset"] for tool in tools}
    assert toolsets["error-tracking-build-check"] == "builds"
    assert toolsets["error-tracking-symbol-sets-prune"] == "symbol-sets"


def test_a_line_says_what_a_tool_does_in_its_first_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is for an assistant."""
    anyio.run(lambda: show_tools(load_settings(None), as_json=False))
    lines = dict(line.split("\t")[::4] for line in capsys.readouterr().out.splitlines())
    assert lines["error-tracking-releases-create"] == "Create a release, even beside one of that version"
    assert not [said for said in lines.values() if ". " in said or said.endswith(".")]
