"""Command lines of vendors that connect only with a model: one on this machine stands in, and asks for one call."""

from collections.abc import Iterator

import pytest

from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from tests.support.stand_in_model import SAID, StandInModel
from tests.support.upstream import serve
from tests.support.vendors import Person

TOOLS = {tool.name for tools in [*TOOLSETS.values(), *LOCAL_TOOLSETS.values()] for tool in tools}
DIRECT = {"NO_PROXY": "127.0.0.1"}


@pytest.fixture
def model() -> StandInModel:
    """Give a model that wants to see one release."""
    return StandInModel("error-tracking-releases-retrieve", {"id": release_id(0)})


@pytest.fixture
def address(model: StandInModel) -> Iterator[str]:
    """Serve it."""
    with serve(model.app()) as upstream:
        yield f"{upstream.url}/v1"


def assert_called(model: StandInModel, said: str) -> None:
    """Every tool was offered, and the one that was called has answered with what the sandbox holds."""
    assert SAID in said
    assert all(any(offered.endswith(tool) for offered in model.offered) for tool in TOOLS)
    [answer] = model.answers
    assert release_id(0) in answer


def test_copilot_cli_calls_a_tool(person: Person, model: StandInModel, address: str) -> None:
    """It fills in the reference to the key."""
    person.install("copilot")
    served = {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": address, "COPILOT_MODEL": "stand-in"}
    assert_called(model, person.use("copilot", "-p", "Show the release", "--allow-all-tools", **served, **DIRECT))


def test_cline_calls_a_tool(person: Person, model: StandInModel, address: str) -> None:
    """The server inherits the key, as the entry can refer to nothing."""
    person.install("cline")
    person.use("cline", "auth", "-p", "openai-compatible", "-k", "none", "-m", "stand-in", "-b", address, **DIRECT)
    assert_called(model, person.use("cline", "--json", "Show the release", **DIRECT))
