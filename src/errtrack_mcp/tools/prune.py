"""Deleting symbol sets by filter: first a plan, then exactly that plan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import anyio
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field, RootModel

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, NotFound
from errtrack_mcp.api.model import Answer
from errtrack_mcp.api.text import clean
from errtrack_mcp.tools import consent
from errtrack_mcp.tools.consent import Consent, Decision, ask_user
from errtrack_mcp.tools.fields import Text
from errtrack_mcp.tools.hints import DELETE
from errtrack_mcp.tools.inject import Api
from errtrack_mcp.tools.prune_plan import Filters, Plan, fingerprint
from errtrack_mcp.tools.tally import Sighting
from errtrack_mcp.tools.walk import AT_ONCE, Walk, read_all

SAMPLE = 10
LONGEST_SAMPLED_REF = 100

Days = Annotated[int, Field(ge=0, le=3650, description="0: any")]
ReleaseId = Annotated[UUID | None, Field(description="Bound to this release")]


class SightedAgain(RootModel[Sighting]):
    """A symbol set, looked at once more before it is deleted."""


class Sample(Answer):
    """One of the symbol sets of a plan."""

    id: str
    ref: str
    last_used: str | None
    created_at: str | None


class Pruning(Answer):
    """A plan, or what came of it."""

    done: bool
    matching: int
    planned: int
    kinds: dict[str, int]
    sample: list[Sample]
    confirm: str = ""
    deleted: list[str] = Field(default=[], description="Ids")
    already_gone: list[str] = Field(default=[])
    changed_since: list[str] = Field(default=[], description="Left alone")
    failed: dict[str, str] = Field(default={}, description="Id: error code")
    next_step: str


async def make_plan(
    api: Api,
    context: Context[Any, Any],
    failed: Annotated[bool, Field(description="Without file, with a failure")] = False,
    unbound: Annotated[bool, Field(description="Bound to no release")] = False,
    release_id: ReleaseId = None,
    unused_for_days: Days = 0,
    older_than_days: Days = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> Plan:
    """Read every symbol set, and plan which to delete."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # a plan holds all day
    filters = Filters(
        failed=failed,
        unbound=unbound,
        release_id=str(release_id) if release_id else "",
        unused_before=today - timedelta(days=unused_for_days) if unused_for_days else None,
        created_before=today - timedelta(days=older_than_days) if older_than_days else None,
    )
    if filters == Filters():
        raise ToolError("invalid_arguments: Give at least one filter; without any, every symbol set would be deleted.")
    plan = Plan(filters.fit, limit)
    status = "invalid" if failed else None
    not_seen = await read_all(Walk(api, context.report_progress, status=status), plan.visit)
    if not_seen:
        raise ToolError(f"incomplete: No plan was made. {not_seen}")
    return plan


Planned = Annotated[Plan, Resolve(make_plan)]
Confirm = Annotated[Text, Field(description="Empty: plan only")]


async def ask_consent(context: Context[Any, Any], plan: Planned, confirm: Confirm) -> Elicit[Consent] | Consent:
    """Ask the user before a plan that the caller has confirmed is carried out."""
    if not plan.rows or confirm != plan.confirm:
        return Consent(delete=False)
    return ask_user(context, f"Delete {len(plan.rows)} symbol sets and their files ({_kinds(plan)})? There is no undo.")


async def prune_symbol_sets(
    api: Api,
    context: Context[Any, Any],
    plan: Planned,
    decision: Annotated[Decision, Resolve(ask_consent)],
    failed: Annotated[bool, Field(description="Without file, with a failure")] = False,  # noqa: ARG001 - the plan's
    unbound: Annotated[bool, Field(description="Bound to no release")] = False,  # noqa: ARG001
    release_id: ReleaseId = None,  # noqa: ARG001
    unused_for_days: Days = 0,  # noqa: ARG001
    older_than_days: Days = 0,  # noqa: ARG001
    limit: Annotated[int, Field(ge=1, le=500)] = 100,  # noqa: ARG001
    confirm: Confirm = "",
) -> Pruning:
    """Delete symbol sets by filter, for good. First call plans; the second needs the plan's confirm, and deletes it."""
    if not plan.rows:
        return _planned(plan, "Nothing matches these filters.")
    if not confirm:
        return _planned(plan, "Nothing was deleted. Show the user this plan, then call again with its confirm.")
    if confirm != plan.confirm:
        return _planned(plan, "Nothing was deleted: something has changed since that plan. This is the new one.")
    if not consent.given(decision):
        return _planned(plan, "Nothing was deleted: the user said no.")
    return await _carry_out(api, context, plan)


def _planned(plan: Plan, next_step: str) -> Pruning:
    rows = plan.rows
    sample = [
        Sample(
            id=row["id"],
            ref=clean(row.get("ref") or "", LONGEST_SAMPLED_REF),
            last_used=row.get("last_used"),
            created_at=row.get("created_at"),
        )
        for row in rows[:SAMPLE]
    ]
    confirm = {"confirm": plan.confirm} if rows else {}
    return Pruning(
        done=False,
        matching=plan.matching,
        planned=len(rows),
        kinds=dict(plan.kinds),
        sample=sample,
        next_step=next_step,
        **confirm,
    )


async def _carry_out(api: Client, context: Context[Any, Any], plan: Plan) -> Pruning:
    """Delete the plan's symbol sets one by one, several at a time: the API's bulk call would leave the files behind."""
    rows = plan.rows
    ends: dict[str, str] = {}
    waiting = iter(rows)

    async def worker() -> None:
        for row in waiting:
            ends[row["id"]] = await _delete(api, row)
            await context.report_progress(len(ends), len(rows), f"Deleted {len(ends)} of {len(rows)} symbol sets")

    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(worker)
    failed = {id_: end for id_, end in ends.items() if end not in {"deleted", "gone", "changed"}}
    left = plan.matching - len(rows) + len(failed)
    more = f"{left} are left: call again without confirm for the next plan." if left else "Nothing else matches."
    return Pruning(
        done=True,
        matching=plan.matching,
        planned=len(rows),
        kinds=dict(plan.kinds),
        sample=[],
        deleted=list(_ended(ends, "deleted")),
        already_gone=list(_ended(ends, "gone")),
        changed_since=list(_ended(ends, "changed")),
        failed=failed,
        next_step=more,
    )


async def _delete(api: Client, planned: Sighting) -> str:
    """Delete a symbol set that is still as it was planned, and name how that ended."""
    try:
        now = await api.get("symbol_sets", planned["id"], into=SightedAgain)
        if fingerprint(now.root) != fingerprint(planned):
            return "changed"
        await api.delete("symbol_sets", planned["id"])
    except NotFound:
        return "gone"
    except ApiError as error:
        return error.code
    return "deleted"


def _ended(ends: dict[str, str], how: str) -> Iterator[str]:
    return (id_ for id_, end in ends.items() if end == how)


def _kinds(plan: Plan) -> str:
    return ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in plan.kinds.most_common())


TOOLS = [
    Tool.from_function(prune_symbol_sets, "error-tracking-symbol-sets-prune", "Prune symbol sets", annotations=DELETE),
]
