"""Python frameworks that others wrote, in an environment of their own; their versions are in frameworks.txt."""

import json

import pytest

from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from tests.support.frameworks import Framework
from tests.support.installed import COMMAND

TOOLS = {tool.name for tools in [*TOOLSETS.values(), *LOCAL_TOOLSETS.values()] for tool in tools}


@pytest.mark.parametrize("name", ["with_openai_agents", "with_langchain", "with_pydantic_ai"])
def test_it_lists_calls_and_previews(name: str, framework: Framework) -> None:
    """It offers every tool, gets two releases, and is told what a deletion would take before anything is deleted."""
    done = framework(name, COMMAND, "serve", "--sandbox")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report["tools"]) == TOOLS
    first, _ = report["listed"]["results"]
    assert report["preview"]["deleted"] is False
    assert report["preview"]["confirm"]
    assert first["version"] in json.dumps(report["preview"])


def test_openai_can_make_all_functions_strict_but_those_with_metadata(framework: Framework) -> None:
    """Metadata is any object, for which the strict form has no words: these functions stay as they are."""
    done = framework("with_openai_agents", COMMAND, "serve", "--sandbox")
    assert done.returncode == 0, done.stderr
    with_metadata = ("create", "ensure", "partial-update")
    assert json.loads(done.stdout)["not_strict"] == [f"error-tracking-releases-{name}" for name in with_metadata]
