"""What stands in for a model where a client does nothing without one: it calls one tool, once, and then says so."""

import json
from dataclasses import dataclass, field
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SAID = "The tool has answered."
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@dataclass
class StandInModel:
    """A model behind OpenAI's chat completions, that calls the offered tool whose name ends with `wanted`.

    Behind the newer Responses interface it calls none. `offered` holds the names of the tools that it was given last,
    `answers` what came back from the call.
    """

    wanted: str
    arguments: dict[str, Any] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """Return the app that answers as this model."""
        paths = ("/chat/completions", "/v1/chat/completions")
        routes = [Route(path, self._complete, methods=["POST"]) for path in paths]
        routes.append(Route("/v1/responses", self._respond, methods=["POST"]))
        return Starlette(routes=[*routes, Route("/{rest:path}", _models)])

    async def _complete(self, request: Request) -> Response:
        asked = await request.json()
        names = [tool["function"]["name"] for tool in asked.get("tools", ())]
        self.answers = [str(message["content"]) for message in asked["messages"] if message["role"] == "tool"]
        called = next((name for name in names if name.endswith(self.wanted)), None)
        if names:
            self.offered = names
        message: dict[str, Any] = {"role": "assistant", "content": SAID}
        if called and not self.answers:
            function = {"name": called, "arguments": json.dumps(self.arguments)}
            calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        reason = "tool_calls" if "tool_calls" in message else "stop"
        return _streamed(message, reason) if asked.get("stream") else _whole(message, reason)

    async def _respond(self, request: Request) -> Response:
        tools = (await request.json())["tools"]
        self.offered = [inner["name"] for tool in tools for inner in tool.get("tools", [tool]) if "name" in inner]
        item = {"type": "message", "role": "assistant", "id": "1", "content": [{"type": "output_text", "text": SAID}]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {"id": "1"}},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "1", "usage": usage}},
        ]
        lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
        return Response("".join(lines), media_type="text/event-stream")


async def _models(request: Request) -> Response:  # noqa: ARG001 - the same for every path
    return JSONResponse({"object": "list", "data": [{"id": "stand-in", "object": "model"}]})


def _body(kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": "1", "object": kind, "created": 0, "model": "stand-in", **fields}


def _whole(message: dict[str, Any], reason: str) -> Response:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return JSONResponse(_body("chat.completion", choices=[choice], usage=USAGE))


def _streamed(message: dict[str, Any], reason: str) -> Response:
    """Stream what there is to say; the last event counts the tokens and says nothing, as clients expect it."""
    choices = (
        {"index": 0, "delta": message, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": reason},
    )
    events = [_body("chat.completion.chunk", choices=[choice]) for choice in choices]
    events.append(_body("chat.completion.chunk", choices=[], usage=USAGE))
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Response("".join([*lines, "data: [DONE]\n\n"]), media_type="text/event-stream")


def continue_config(address: str) -> str:
    """Return a configuration of Continue that names this model alone."""
    served = {"name": "here", "provider": "openai", "model": "stand-in", "apiBase": address, "apiKey": "none"}
    return yaml.safe_dump({"name": "mine", "version": "1.0.0", "schema": "v1", "models": [served]})
