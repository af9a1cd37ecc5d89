"""Command lines of vendors that connect only with a model: one on this machine stands in, and asks for one call."""

import re
from collections.abc import Iterator

import pytest
import yaml

from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from tests.support.installed import COMMAND
from tests.support.stand_in_model import SAID, StandInModel, continue_config
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
    assert {tool for tool in TOOLS if not any(offered.endswith(tool) for offered in model.offered)} == set()
    [answer] = model.answers
    assert release_id(0) in answer


def test_copilot_cli_calls_a_tool(person: Person, model: StandInModel, address: str) -> None:
    """It fills in the reference to the key."""
    person.install("copilot")
    served = {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": address, "COPILOT_MODEL": "stand-in"}
    assert_called(model, person.use("copilot", "-p", "Show the release", "--allow-all-tools", **served, **DIRECT))


@pytest.mark.slow  # on a busy machine it asks its model before the server has started, and without its tools
def test_cline_calls_a_tool(person: Person, model: StandInModel, address: str) -> None:
    """The server inherits the key, as the entry can refer to nothing."""
    person.install("cline")
    person.use("cline", "auth", "-p", "openai-compatible", "-k", "none", "-m", "stand-in", "-b", address, **DIRECT)
    assert_called(model, person.use("cline", "--json", "Show the release", **DIRECT))


def test_continue_calls_a_tool(person: Person, model: StandInModel, address: str) -> None:
    """It reads no other file than the one that `install` adds to; CONTINUE_GLOBAL_DIR moves it."""
    moved = {"CONTINUE_GLOBAL_DIR": str(person.here / "moved")}
    folder = person.here / "moved"
    (folder / "mcpServers").mkdir(parents=True)
    (folder / "config.yaml").write_text(continue_config(address))
    apart = {"name": "x", "version": "1.0.0", "schema": "v1", "mcpServers": [{"name": "errtrack", "command": COMMAND}]}
    (folder / "mcpServers" / "errtrack.yaml").write_text(yaml.safe_dump(apart))
    person.use("continue", "-p", "Show the release", "--auto", **DIRECT, **moved)
    assert not any(offered in TOOLS for offered in model.offered)
    person.install("continue", **moved)
    assert_called(model, person.use("continue", "-p", "Show the release", "--auto", **DIRECT, **moved))


def test_codex_exec_waits_for_the_tools_when_told_to(person: Person, model: StandInModel, address: str) -> None:
    """As `install` says. Without, it asks its model before a server has started, however fast that is."""
    provider = {"name": "here", "base_url": address, "wire_api": "responses"}
    served = [f"model_providers.here.{name}={value!r}" for name, value in provider.items()]
    options = [word for value in ("model='stand-in'", "model_provider='here'", *served) for word in ("-c", value)]
    waiting = re.search(r"codex (exec -c \S+)", person.run(COMMAND, "install", "codex", "--yes").stderr)
    assert waiting
    assert SAID in person.use("codex", *waiting[1].split(), *options, "--skip-git-repo-check", "Hello", **DIRECT)
    assert all(any(tool.replace("-", "_") in offered for offered in model.offered) for tool in TOOLS)
