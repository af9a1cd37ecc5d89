"""What hosts of MCP Apps read about tools."""

import json
from typing import Any

import pytest
from mcp_types import ToolAnnotations

from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.panels import listed_meta
from errtrack_mcp.settings import load_settings
from errtrack_mcp.tools.annotations import CREATE, DELETE, LOADED_AT_ONCE, PANEL, READ, UPDATE, Tool
from errtrack_mcp.views.page import URI
from tests.support.fixtures import Connect

MODEL_ALONE = {"visibility": ["model"]}


async def _newcomer() -> None:
    """Do something new."""


def made(annotations: ToolAnnotations, meta: dict[str, Any] | None = None) -> Tool:
    """Return a tool as a new file would define it."""
    return Tool(_newcomer, "newcomer", "Newcomer", annotations=annotations, meta=meta)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_hosts_find_the_panel_by_both_keys_and_changing_tools_are_for_the_model_alone(
    connect: Connect, mode: str
) -> None:
    """Some hosts read only the older key; no page, ours or one taken over, may change anything."""
    async with connect(mode=mode) as client:
        listed = (await client.list_tools()).tools
    assert {each.name for each in listed if each.meta == {"ui": {"resourceUri": URI}, "ui/resourceUri": URI}} >= {
        "error-tracking-symbol-sets-diagnose",
        "query-error-tracking-issue",
    }
    for each in listed:
        assert each.annotations is not None
        visibility = ((each.meta or {}).get("ui") or {}).get("visibility", ["model", "app"])
        assert ("app" in visibility) is each.annotations.read_only_hint


@pytest.mark.parametrize("annotations", [CREATE, UPDATE, DELETE, ToolAnnotations(destructive_hint=False)])
def test_a_new_tool_is_kept_from_pages_unless_it_says_that_it_only_reads(annotations: ToolAnnotations) -> None:
    """Nobody has to think of it."""
    assert listed_meta(made(annotations), panels=True) == {"ui": MODEL_ALONE}
    shown = listed_meta(made(annotations, PANEL), panels=True)
    assert shown == {"ui": {"resourceUri": URI, **MODEL_ALONE}, "ui/resourceUri": URI}


def test_a_new_tool_that_reads_has_a_panel_only_if_it_says_so() -> None:
    """And may be called by a page either way."""
    assert listed_meta(made(READ), panels=True) is None
    assert listed_meta(made(READ, PANEL), panels=True) == PANEL


@pytest.mark.anyio
async def test_a_panel_costs_at_most_110_bytes_of_the_list(connect: Connect) -> None:
    """For each tool that has one, one that is for the model alone included."""
    async with connect() as client:
        listed = (await client.list_tools()).tools
    costs = []
    for each in listed:
        definition = each.model_dump(mode="json", by_alias=True, exclude_none=True)
        whole = len(json.dumps(definition, separators=(",", ":")))
        others = {key: value for key, value in definition.pop("_meta", {}).items() if key not in PANEL}
        definition |= {"_meta": others} if others else {}
        if "resourceUri" in ((each.meta or {}).get("ui") or {}):
            costs.append(whole - len(json.dumps(definition, separators=(",", ":"))))
    assert len(costs) >= 7
    both = json.dumps({"_meta": listed_meta(made(UPDATE, PANEL), panels=True)}, separators=(",", ":"))
    assert max(*costs, len(both) - 1) <= 110


def test_the_operator_can_turn_panels_off() -> None:
    """Then no tool says a word of them, and what else one says stays."""
    offered = Catalog(load_settings(None, panels="0"), local=True).whole.tools.values()
    said = [each.listed.meta for each in offered if each.listed.meta is not None]
    assert said == [LOADED_AT_ONCE]
