"""PostHog's queries about issues: the routes of today, and the general query that older installations have too.

Which of them an installation has is found out once for a host (docs/posthog-api.md, section 12).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field
from pydantic_core import from_json

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.models import ApiModel

Route = Literal["issues", "issue", "issue_events"]
Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")


class AnyIssue(ApiModel):
    """An issue of which only the existence matters."""

    id: str


class Rows(BaseModel, Generic[Item]):
    """What the general query and the routes for lists answer: rows, and whether there are more."""

    results: list[Item]
    has_more: bool = Field(default=False, alias="hasMore")

    def next_offset(self, offset: int) -> int | None:
        """Return where the next rows begin, for an answer that began at `offset`; None at the end."""
        return offset + len(self.results) if self.has_more and self.results else None


async def ask_route(api: Client, route: Route, body: Mapping[str, Any], into: type[Answer]) -> Answer | None:
    """Ask one of the three routes; None where the installation has none of them.

    Raises NotFound where there is no such issue.
    """
    if api.query_routes.are_missing(api.origin):
        return None
    try:
        return await api.read("query", route, body=body, into=into)
    except NotFound:
        if route != "issues":
            await api.get("issues", str(body["issueId"]), into=AnyIssue)
        if not await _lacks_routes(api):
            raise
    api.query_routes.note_missing(api.origin)
    return None


async def _lacks_routes(api: Client) -> bool:
    """Return whether the routes are missing where this API otherwise answers: a 404 has more causes than that."""
    await api.get_page("issues", of=AnyIssue, offset=0, limit=1)
    try:
        await api.read("query", "issues", body={"limit": 1}, into=Rows[Any])
    except NotFound:
        return True
    return False


async def ask_general(
    api: Client, query: Mapping[str, Any], into: type[Answer], json_columns: Collection[int] = ()
) -> Answer:
    """Ask the general query, which needs query:read.

    Objects come as text that holds JSON: `json_columns` are the places in a row where that is unpacked.
    """

    def unpack(answer: Any) -> Any:
        for row in answer.get("results") or () if isinstance(answer, dict) else ():
            for place in json_columns:
                if isinstance(row, list) and place < len(row):
                    row[place] = _unpacked(row[place])
        return answer

    whole = replace(api, base=())
    return await whole.read("query", body={"query": query, "refresh": "blocking"}, into=into, prepare=unpack)


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        return None


def of_issue(api: Client, issue_id: str) -> str:
    """Return the condition that an event belongs to an issue, as the general query takes it.

    `issue_id` follows merges and splits. On installations without the routes it is not sure to, and there the issue
    that the event was captured for counts too (docs/posthog-api.md, section 12).
    """
    current = f"issue_id = toUUID('{issue_id}')"
    if api.query_routes.are_missing(api.origin):
        return f"({current} OR properties.$exception_issue_id = '{issue_id}')"
    return current
