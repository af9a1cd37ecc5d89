"""Writes the definition of each tool into the file that the server reads, as the tool's function says it."""

import json

from errtrack_mcp.server.catalog.definition import FOLDER, made_definition
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.tools.annotations import Tool


def written(tool: Tool) -> str:
    """Return what the file of a tool holds."""
    return json.dumps(made_definition(tool), indent=2) + "\n"


def main() -> None:
    """Write all, and remove those of tools that are no more."""
    made = {FOLDER / f"{tool.name}.json": written(tool) for tools in EVERY_TOOLSET.values() for tool in tools}
    for path in FOLDER.glob("*.json"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
