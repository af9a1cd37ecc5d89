"""What a model is shown before it searches for tools: Claude Code, asking a stand-in that notes what it was asked.

By default it keeps the definitions of MCP tools back, and shows their names and the server's instructions.
"""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from errtrack_mcp.server.app import INSTRUCTIONS
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from tests.support.upstream import serve
from tests.support.vendors import Person

NAMES = [tool.name for tools in EVERY_TOOLSET.values() for tool in tools]
LOADED_AT_ONCE = "error-tracking-issues-diagnose"
# It asks the model before servers that start slowly are there, unless it is told to wait.
PATIENT = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "MCP_CONNECTION_NONBLOCKING": "false",
    "MCP_CONNECT_TIMEOUT_MS": "60000",
}
STARTED: dict[str, Any] = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "none",
    "content": [],
    "stop_reason": None,
}
NO_TOKENS = {"input_tokens": 1, "output_tokens": 1}
ANSWER: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**STARTED, "usage": NO_TOKENS}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Done."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": NO_TOKENS},
    {"type": "message_stop"},
]


def test_claude_code_shows_the_instructions_all_names_and_one_definition(person: Person) -> None:
    """The tool that says why an issue is minified needs no search; the others are found by words that are shown."""
    asked: list[dict[str, Any]] = []

    async def answer(request: Request) -> Response:
        asked.append(await request.json())
        events = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in ANSWER)
        return PlainTextResponse(events, media_type="text/event-stream")

    person.install("claude-code")
    with serve(Starlette(routes=[Route("/v1/messages", answer, methods=["POST"])])) as model:
        here = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "made up", "NO_PROXY": "127.0.0.1"}
        assert "Done." in person.use("claude", "-p", "Why is my stack trace minified?", **here, **PATIENT)
    [request] = [request for request in asked if request.get("tools")]
    offered = {tool["name"] for tool in request["tools"] if not tool.get("defer_loading")}
    assert {name for name in offered if name.startswith("mcp__")} == {f"mcp__errtrack__{LOADED_AT_ONCE}"}
    shown = json.dumps([request["system"], request["messages"]])
    assert json.dumps(INSTRUCTIONS)[1:-1] in shown
    assert [name for name in NAMES if name != LOADED_AT_ONCE and f"mcp__errtrack__{name}" not in shown] == []
