"""Skills over MCP, the extension `io.modelcontextprotocol/skills` (SEP-2640): its requests and its answers.

It belongs to protocol 2026-07-28, where a client learns of it from the server's capabilities. To older clients a skill
is a resource like any other. Answers are plain dicts: a model for each would be built at every start.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND, Resource
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from errtrack_mcp.skills.skill import Skill

EXTENSION = "io.modelcontextprotocol/skills"
MARKDOWN = "text/markdown"

RequestContext = ServerRequestContext[Any, Any]
Answer = dict[str, Any]
Handler = Callable[[RequestContext, Any], Awaitable[Answer]]


def listed_skill(skill: Skill) -> Answer:
    """Return a skill as `skills/list` and `skills/get` do: its frontmatter, and every file with its digest and size."""
    content = skill.text.encode()
    file = {"uri": skill.uri, "digest": f"sha256:{sha256(content).hexdigest()}", "size": len(content)}
    return {"uri": skill.uri, "frontmatter": skill.frontmatter, "resources": [file]}


def skill_resource(skill: Skill) -> Resource:
    """Return the file of a skill as a client lists resources."""
    description = skill.frontmatter["description"]
    size = len(skill.text.encode())
    return Resource(uri=skill.uri, name=skill.name, description=description, mime_type=MARKDOWN, size=size)


def since_extensions(handler: Handler) -> Handler:
    """Return a handler that older protocol versions do not know, as they know no extensions."""

    async def answered(request: RequestContext, params: Any) -> Answer:
        if request.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(METHOD_NOT_FOUND, "Method not found", request.method)
        return await handler(request, params)

    return answered
