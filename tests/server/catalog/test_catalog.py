"""One place decides what a caller may see, for tools, prompts and templates."""

import pytest
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate

from errtrack_mcp.server.catalog import catalog
from errtrack_mcp.server.catalog.catalog import Catalog, Narrowing
from errtrack_mcp.server.catalog.filters import Selection
from errtrack_mcp.server.resources import TEMPLATES, Template
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Connect

RETRIEVE = "error-tracking-releases-retrieve"


@pytest.fixture
def _another_template(monkeypatch: pytest.MonkeyPatch) -> None:
    added = Template(UriTemplate.parse("errtrack://apps/{release}/{id}"), "app", "App", "Read an app.", RETRIEVE)
    monkeypatch.setattr(catalog, "TEMPLATES", (*TEMPLATES, added))


@pytest.mark.anyio
@pytest.mark.usefixtures("_another_template")
async def test_a_template_of_another_shape_is_refused_with_its_tool(connect: Connect) -> None:
    """Whatever a template's address looks like, it is read only by those who may call its tool."""
    async with connect(exclude_tools=RETRIEVE) as client:
        listed = (await client.list_resource_templates()).resource_templates
        with pytest.raises(MCPError, match="not_found: There is no resource"):
            await client.read_resource("errtrack://apps/web/1")
    assert "app" not in [template.name for template in listed]


@pytest.mark.anyio
@pytest.mark.usefixtures("_another_template")
async def test_a_template_with_a_variable_that_its_tool_does_not_have_is_refused(connect: Connect) -> None:
    """Nothing of the address is ignored."""
    async with connect() as client:
        with pytest.raises(MCPError, match='invalid_arguments: There is no argument "release"'):
            await client.read_resource("errtrack://apps/web/1")


def test_every_template_names_a_tool_that_there_is() -> None:
    """A misspelt name would hide the template from everybody."""
    assert {template.tool for template in TEMPLATES} <= Catalog(load_settings()).whole.tools.keys()


def test_a_narrowing_never_widens() -> None:
    """What the operator left out stays out, whatever a caller asks for."""
    offered = Catalog(load_settings(None, toolsets="releases", read_only="1"))
    assert offered.narrowed(Narrowing(Selection(toolsets=frozenset({"symbol-sets"})))).tools == {}
    everything = offered.narrowed(Narrowing(Selection())).tools
    assert everything
    assert all(shown.listed.annotations.read_only_hint for shown in everything.values() if shown.listed.annotations)


def test_a_caller_with_a_fixed_project_is_not_offered_the_argument() -> None:
    """The schema says what the call takes."""
    offered = Catalog(load_settings())
    assert "project_id" in offered.whole.tools[RETRIEVE].argument_names
    assert "project_id" not in offered.narrowed(Narrowing(project_fixed=True)).tools[RETRIEVE].argument_names
