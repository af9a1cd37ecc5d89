"""The definitions that are served are what the functions say."""

import pytest
from scripts.definitions import written

from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.server.catalog import catalog
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.definition import FOLDER
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.settings import load_settings
from errtrack_mcp.tools.annotations import PANEL, READ, Tool

TOOLS = [tool for tools in EVERY_TOOLSET.values() for tool in tools]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_definition_that_is_served_is_what_the_function_says(tool: Tool) -> None:
    """A change shows in the file, where it is reviewed; `make docs` writes it."""
    assert (FOLDER / f"{tool.name}.json").read_text() == written(tool)


def test_no_definition_outlives_its_tool() -> None:
    """Every file belongs to a tool that exists."""
    assert {path.stem for path in FOLDER.iterdir()} == {tool.name for tool in TOOLS}


def test_a_tool_without_a_kept_definition_is_listed_as_its_function_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds one can try it at once; with a fixed project it takes no other, as those with a kept one."""

    async def read() -> ToolOutput:
        """Read."""
        return ToolOutput()

    made = Tool(read, "newcomer", "Newcomer", READ, meta=PANEL)
    monkeypatch.setattr(catalog, "toolsets_for", lambda **_: {"issues": [made]})
    whole = Catalog(load_settings(None, panels="1")).whole.tools["newcomer"]
    assert (whole.listed.description, whole.listed.meta, whole.argument_names) == ("Read.", PANEL, ["project_id"])
    assert Catalog(load_settings(None, POSTHOG_PROJECT_ID="7")).whole.tools["newcomer"].argument_names == []
