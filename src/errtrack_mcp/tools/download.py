"""The link to a symbol set's file: a secret for an hour (docs/posthog-api.md, section 6)."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.models import OURS, ApiModel, ToolOutput
from errtrack_mcp.tools.annotations import READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.refusal import Refusal

NO_FILE = "Symbol set has no uploaded file."


class SignedUrl(ApiModel):
    """The response of the API."""

    url: str


class Download(ToolOutput):
    """A link that opens without a key."""

    url: str
    valid_for_seconds: int = Field(default=3600)
    warning: Annotated[str, OURS]
    next_step: Annotated[str, OURS]


async def download_symbol_set(api: Api, id: UUID) -> Download:  # noqa: A002 - PostHog's name for it
    """Get a link to a symbol set's file. It is a secret: anybody with the link can read the source code for an hour."""
    try:
        signed = await api.get("symbol_sets", str(id), "download", into=SignedUrl)
    except NotFound as error:
        if error.detail == NO_FILE:
            raise Refusal(
                "no_file", "This symbol set has no file. error-tracking-symbol-sets-diagnose with its ref tells why."
            ) from None
        raise
    return Download(
        url=signed.url,
        valid_for_seconds=3600,
        warning="Secret: do not paste this link into tickets, chats or logs.",
        next_step="Save it to a file, then: posthog-cli symbol-sets extract. Nothing there: the upload never finished.",
    )


TOOLS = [
    Tool(download_symbol_set, "error-tracking-symbol-sets-download-retrieve", "Get download link", annotations=READ),
]
