"""Every tool's definition: its snapshot, its hints, and that any client accepts its schema."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from errtrack_mcp.settings import load_settings

SNAPSHOTS = Path(__file__).parent / "snapshots"
TOOLS = [offered.listed for offered in Catalog(load_settings(), local=True).whole.tools.values()]
EVERY_TOOL = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


def definition(tool: Any) -> dict[str, Any]:
    """Return a definition as a client receives it."""
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "annotations": tool.annotations.model_dump(by_alias=True, exclude_none=True),
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
    }


@EVERY_TOOL
def test_the_definition_is_as_reviewed(tool: Any) -> None:
    """A definition changes only together with its snapshot; run with UPDATE_SNAPSHOTS=1 and review the difference."""
    path = SNAPSHOTS / f"{tool.name}.json"
    current = json.dumps(definition(tool), indent=2) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(current)
    assert path.read_text() == current


def test_no_snapshot_outlives_its_tool() -> None:
    """Every snapshot belongs to a tool that exists."""
    assert {path.stem for path in SNAPSHOTS.glob("*error-*.json")} == {tool.name for tool in TOOLS}


@EVERY_TOOL
def test_a_tool_says_what_it_is(tool: Any) -> None:
    """Each has PostHog's kind of name, a title, at most three short sentences and all four hints."""
    assert tool.name.startswith(("error-tracking-", "query-error-tracking-"))
    assert tool.title
    assert 1 <= tool.description.count(". ") + 1 <= 3
    assert len(tool.description) <= 200
    hints = tool.annotations.model_dump(by_alias=True)
    names = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    assert all(isinstance(hints[name], bool) for name in names)


@EVERY_TOOL
def test_any_client_accepts_the_input_schema(tool: Any) -> None:
    """The schema is flat, with one plain type for each argument, and lists what is required."""
    schema = tool.input_schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    for name, field in schema["properties"].items():
        assert isinstance(field["type"], str), name
        assert set(field) <= {
            "type", "description", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "items"
        }, name  # fmt: skip
        assert (field["type"] == "array") == (field.get("items", {}).get("type") == "string"), name
        assert field.get("default", "") is not None, name
    assert set(schema.get("required", ())) <= set(schema["properties"])


@EVERY_TOOL
def test_the_output_schema_says_something(tool: Any) -> None:
    """It is an object with named fields, of which some are always there."""
    schema = tool.output_schema
    assert schema["type"] == "object"
    assert schema["properties"]
    assert schema["required"]


def test_writing_is_told_by_the_hint() -> None:
    """Exactly the tools whose names say that they change something are not read-only."""
    writing = {tool.name for tool in TOOLS if not is_read_only(tool)}
    endings = ("-create", "-update", "-destroy", "-ensure", "-prune", "-upload")
    assert writing == {tool.name for tool in TOOLS if tool.name.endswith(endings)}


def test_a_name_stands_for_one_tool() -> None:
    """No name is used twice over all toolsets."""
    names = [tool.name for toolset in (TOOLSETS | LOCAL_TOOLSETS).values() for tool in toolset]
    assert len(names) == len(set(names)) == len(TOOLS)
