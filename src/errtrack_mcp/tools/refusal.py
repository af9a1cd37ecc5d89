"""The error by which a tool refuses a call."""

from typing import Literal, get_args

from mcp.server.mcpserver.exceptions import ToolError

# Each is explained in docs/errors.md.
RefusalCode = Literal[
    "cannot_ask",
    "hash_taken",
    "incomplete",
    "invalid_arguments",
    "no_build_root",
    "no_file",
    "no_such_directory",
    "not_found",
    "outside_build_root",
]
REFUSAL_CODES: frozenset[str] = frozenset(get_args(RefusalCode))


class Refusal(ToolError):  # noqa: N818 - named after what happened
    """A tool did not do what it was asked: a stable `code`, and a `message` that says what to do.

    Raises ValueError for a code that is not in the list: nobody could look it up.
    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        if code not in REFUSAL_CODES:
            raise ValueError(f"{code!r} is no code of a refusal: add it to RefusalCode and docs/errors.md")
        self.code = code
        self.message = message
