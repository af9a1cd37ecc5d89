"""A tool's definition as clients receive it.

They are kept in files, one a tool, which are reviewed with each change and which tests compare with what is made from
the function. To make all of them and their SDK's tools at each start is 0.14 of it, measured in turns.
"""

from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic_core import from_json

from errtrack_mcp.server.catalog.schemas import input_schema, output_schema
from errtrack_mcp.server.catalog.untrusted import NOTICE, PAGE
from errtrack_mcp.tools.annotations import Tool

FOLDER = Path(__file__).parent / "definitions"


def definition(tool: Tool) -> dict[str, Any]:
    """Return the definition that is kept of a tool; of one that is new, what is made from its function."""
    try:
        kept: dict[str, Any] = from_json((FOLDER / f"{tool.name}.json").read_bytes())
    except FileNotFoundError:
        return made_definition(tool)
    return kept


def made_definition(tool: Tool) -> dict[str, Any]:
    """Return what a function's signature, return type and docstring say."""
    answer = output_schema(returned_by(tool))
    added = {NOTICE: {"type": "string"}, PAGE: {"type": "string"}}
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.runnable.description,
        "annotations": tool.annotations.model_dump(by_alias=True, exclude_none=True),
        "inputSchema": input_schema(tool.runnable.parameters),
        "outputSchema": {**answer, "properties": {**added, **answer["properties"]}},
    }


@cache
def returned_by(tool: Tool) -> Any:
    """Return the model of a tool's answers."""
    return get_type_hints(tool.fn)["return"]
