"""What a tool says instead of doing what it was asked."""

from mcp.server.mcpserver.exceptions import ToolError


class Refusal(ToolError):  # noqa: N818 - named after what happened
    """A tool did not do what it was asked: a stable `code` of docs/errors.md, and a `message` that says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
