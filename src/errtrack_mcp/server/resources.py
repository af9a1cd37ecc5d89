"""The resources that a client can read: single releases and symbol sets, the meaning of each failure, and the panel.

A template is read by calling the tool that it names, so a caller who may not call the tool may not read the resource.
"""

from typing import NamedTuple

from mcp.shared.uri_template import UriTemplate
from mcp_types import Resource
from pydantic_core import to_json

from errtrack_mcp.tools.failure_reasons import REASONS
from errtrack_mcp.views.page import MIME_TYPE, URI

JSON = "application/json"
FAILURE_REASONS = Resource(
    uri="errtrack://reference/failure-reasons",
    name="failure-reasons",
    title="Failure reasons",
    description="Every reason for which symbolication fails: what it means, and what fixes it.",
    mime_type=JSON,
)
# Without `_meta`, a host lets the page reach nothing but the host itself.
PANEL = Resource(
    uri=URI,
    name="panel",
    title="Panel",
    description="The page that clients with MCP Apps show next to an answer.",
    mime_type=MIME_TYPE,
)


class Template(NamedTuple):
    """Resources of one kind: the variables of `uri` are the arguments of the tool that reads them."""

    uri: UriTemplate
    name: str
    title: str
    description: str
    tool: str


TEMPLATES = (
    Template(
        UriTemplate.parse("errtrack://releases/{id}"),
        "release",
        "Release",
        "Read one release by its id.",
        "error-tracking-releases-retrieve",
    ),
    Template(
        UriTemplate.parse("errtrack://symbol-sets/{id}"),
        "symbol-set",
        "Symbol set",
        "Read one symbol set by its id, with its release.",
        "error-tracking-symbol-sets-retrieve",
    ),
)


def failure_reasons() -> str:
    """Return every reason for which symbolication fails, its meaning and its fix, as JSON."""
    rows = [
        {"reason": f"{platform} {variant}".strip(), "meaning": meaning, "remedy": remedy}
        for (platform, variant), (meaning, remedy) in REASONS.items()
    ]
    return to_json(rows).decode()
