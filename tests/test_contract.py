"""Every tool's definition: its hints, and that any client accepts its schema."""

from typing import Any

import pytest

from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.settings import load_settings

TOOLS = [offered.listed for offered in Catalog(load_settings(), local=True).whole.tools.values()]
EVERY_TOOL = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


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
    names = [tool.name for toolset in EVERY_TOOLSET.values() for tool in toolset]
    assert len(names) == len(set(names)) == len(TOOLS)
