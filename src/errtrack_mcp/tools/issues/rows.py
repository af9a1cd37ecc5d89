"""An issue as PostHog answers it to a query (docs/posthog-api.md, section 10)."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.tools.parameters import Text

# PostHog counts in numbers with a point.
Count = Annotated[int, BeforeValidator(lambda value: round(value) if isinstance(value, float) else value)]


class Counts(BaseModel):
    """How often an issue occurred in a time, and how many it met; `volume` is what came as counts of its buckets."""

    occurrences: Count = 0
    users: Count = 0
    sessions: Count = 0
    volume: Any = Field(default=None, alias="volumeRange")


class IssueRow(ApiModel):
    """An issue in a query's answer; the list has `aggregations` where the query about one issue has `impact`."""

    id: str
    name: Text = ""
    description: Text = ""
    status: str = ""
    severity: str | None = None
    first_seen: str = ""
    last_seen: str = ""
    library: Text = ""
    source: Text = ""
    assignee: dict[str, Any] | None = None
    aggregations: Counts = Counts()
    impact: Counts = Counts()
