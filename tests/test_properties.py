"""Whatever a client sends, a tool answers: with a result that keeps to its schema, or with words."""

import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult, Tool

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id, seed
from errtrack_mcp.server.app import build_server
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.settings import load_settings
from tests.support.results import text_of
from tests.support.upstream import SwappableApp

pytestmark = pytest.mark.attack("arguments of every shape")

SETTINGS = load_settings(None, POSTHOG_HOST="http://localhost", POSTHOG_PERSONAL_API_KEY=FULL_KEY)
TOOLS = [offered.listed for offered in Catalog(SETTINGS, local=True).whole.tools.values()]
CASES_A_TOOL = 120
ERRORS_PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
CODES = set(re.findall(r"^\| `([a-z_]+)` \|", ERRORS_PAGE.read_text(), re.MULTILINE))
HOSTILE = ["", ".", "..", "a/b", "%2e%2e", "?token=x", "\x00", "\u202e", "null", "[1]", '{"a":1}', "\ud800", "x" * 3000]

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
strings = st.text(max_size=40) | st.sampled_from(HOSTILE)


def fitting(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of the type that a field asks for, inside and outside what it allows."""
    if "enum" in field:
        return st.sampled_from(field["enum"])
    if "UUID" in field.get("description", ""):
        return st.uuids().map(str) | st.sampled_from([release_id(index) for index in range(12)])
    if field["type"] == "integer":
        most = min(field.get("maximum", 1000), 1000)
        return st.integers(field["minimum"] - 2, most + 2) | st.integers(1, 50).map(str)
    if field["type"] == "object":
        return st.dictionaries(st.text(max_size=8), json_values, max_size=3)
    return strings


def arguments_for(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return arguments that mostly fit a schema, with wrong types and unknown names among them."""
    fields = schema["properties"]
    required = {name: fitting(fields[name]) for name in schema.get("required", ())}
    optional = {name: fitting(field) for name, field in fields.items() if name not in required}
    mostly_right = st.fixed_dictionaries(required, optional=optional)
    wild = st.dictionaries(st.sampled_from(list(fields)) | st.text(max_size=8), json_values | strings, max_size=4)
    return mostly_right | st.builds(lambda right, wrong: {**right, **wrong}, mostly_right, wild)


def check(schema: jsonschema.Draft202012Validator, result: CallToolResult) -> None:
    """Assert that an answer keeps to the tool's schema, or is an error in words."""
    text = text_of(result)
    if not result.is_error:
        schema.validate(result.structured_content)
        return
    assert text.partition(": ")[0] in CODES, text
    assert len(text) < 600
    assert not re.search(r"Traceback|pydantic|Error executing", text), text


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_input_breaks_a_tool(tool: Tool) -> None:
    """No arguments, however wrong, lead to anything but an answer that fits the schema or a tool error in words.

    Each case asks through one client, in front of a fresh sandbox.
    """
    jsonschema.Draft202012Validator.check_schema(tool.output_schema or {})
    schema = jsonschema.Draft202012Validator(tool.output_schema or {})
    project = SwappableApp()
    made = build_server(SETTINGS, HttpTransport(SETTINGS.host, project))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(made)) as client:

        @settings(
            max_examples=CASES_A_TOOL,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(arguments=arguments_for(tool.input_schema))
        def every_case(arguments: dict[str, Any]) -> None:
            with closing(Database()) as database:
                seed(database, datetime(2026, 9, 20, tzinfo=UTC))
                project.app = create_app(database, throttled=False)
                check(schema, portal.call(client.call_tool, tool.name, arguments))

        every_case()
