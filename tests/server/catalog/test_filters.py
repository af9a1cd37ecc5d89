"""Which tools are on offer."""

import pytest

from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import TOOLSETS, toolsets_for
from errtrack_mcp.settings import ConfigurationError, load_settings

LIST = "error-tracking-releases-list"
DESTROY = "error-tracking-releases-destroy"
OVER_HTTP = toolsets_for(local=False, source_code_over_http=False)


def offered(**variables: str) -> list[str]:
    """Return the names of the tools that these settings offer."""
    return list(Catalog(load_settings(None, **variables)).whole.tools)


def test_everything_is_offered_by_default() -> None:
    """Without settings every tool of every toolset is on offer, but those that only an operator can let out."""
    assert offered() == [tool.name for tools in OVER_HTTP.values() for tool in tools]


def test_toolsets_and_tools_add_up() -> None:
    """What either names is offered, and nothing else."""
    assert offered(toolsets="releases") == [tool.name for tool in TOOLSETS["releases"]]
    assert offered(tools=LIST) == [LIST]
    both = offered(toolsets=" symbol-sets , ", tools=LIST)
    assert set(both) == {LIST, *(tool.name for tool in TOOLSETS["symbol-sets"])}


def test_exclusion_beats_inclusion() -> None:
    """A tool that is both named and excluded is not offered."""
    assert offered(tools=f"{LIST},{DESTROY}", exclude_tools=DESTROY) == [LIST]


def test_read_only_beats_everything() -> None:
    """A tool that writes is not offered, not even by name."""
    assert offered(read_only="1", tools=f"{LIST},{DESTROY}") == [LIST]
    reading = {tool.name for tools in OVER_HTTP.values() for tool in tools if is_read_only(tool)}
    assert set(offered(read_only="1")) == reading


@pytest.mark.parametrize("variable", ["toolsets", "tools", "exclude_tools"])
def test_an_unknown_name_is_an_error_that_lists_the_valid_ones(variable: str) -> None:
    """A misspelt name would otherwise silently offer the wrong tools."""
    with pytest.raises(ConfigurationError, match=r"no tool(set)? 'nonsense'. Valid: .*(releases|releases-list)"):
        offered(**{variable: "nonsense"})
