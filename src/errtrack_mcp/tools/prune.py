"""Deleting symbol sets by filter: first a plan, then exactly that plan."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import anyio
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field, RootModel

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, NotFound
from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools import elicitation
from errtrack_mcp.tools.annotations import DELETE
from errtrack_mcp.tools.dependencies import Api, ClientProvider
from errtrack_mcp.tools.elicitation import Consent, Decision, ask_user
from errtrack_mcp.tools.parameters import Text
from errtrack_mcp.tools.progress import after
from errtrack_mcp.tools.prune_plan import Filters, Plan, fingerprint
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow
from errtrack_mcp.tools.symbol_set_reader import AT_ONCE, SymbolSetReader, read_all

SAMPLE = 10
MAX_SAMPLED_REF_LENGTH = 100

Days = Annotated[int, Field(ge=0, le=3650, description="0: any")]
ReleaseId = Annotated[UUID | None, Field(description="Bound to this release")]


class SymbolSetNow(RootModel[SymbolSetRow]):
    """A symbol set, looked at once more before it is deleted."""


class Sample(ToolOutput):
    """One of the symbol sets of a plan."""

    id: str
    ref: str
    last_used: str | None
    created_at: str | None


class Pruning(ToolOutput):
    """A plan, or what came of it."""

    done: bool
    matching: int
    planned: int
    kinds: Annotated[dict[str, int], Field(description="Of those planned")]
    sample: list[Sample]
    confirm: str = ""
    deleted: list[str] = Field(default=[], description="Ids")
    already_gone: list[str] = Field(default=[])
    changed_since: list[str] = Field(default=[], description="Left alone")
    failed: dict[str, str] = Field(default={}, description="Id: error code")
    next_step: str


async def make_plan(
    api: Api,
    context: Context[ClientProvider, Any],
    failed: Annotated[bool, Field(description="Without file, with a failure")] = False,
    unbound: Annotated[bool, Field(description="Bound to no release")] = False,
    release_id: ReleaseId = None,
    unused_for_days: Days = 0,
    older_than_days: Days = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
    confirm: str = "",
) -> Plan:
    """Find the plan that is confirmed, or read every symbol set and plan anew which to delete."""
    filters = Filters(failed, unbound, str(release_id) if release_id else "", unused_for_days, older_than_days)
    if filters == Filters():
        raise ToolError("invalid_arguments: Give at least one filter; without any, every symbol set would be deleted.")
    kept, owner = context.request_context.lifespan_context.kept, _owner(api)
    found = kept.find(owner, confirm) if confirm else None
    if isinstance(found, Plan) and (found.filters, found.most) == (filters, limit):
        return found
    plan = Plan(filters, limit, datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    status = "invalid" if failed else None
    walk = SymbolSetReader(api, context.report_progress, status=status)
    not_seen = await read_all(walk, plan.visit)
    if not_seen:
        raise ToolError(f"incomplete: No plan was made. {not_seen}")
    plan.settle()
    kept.keep(owner, plan.confirm, plan)
    return replace(plan, read=walk.read)


def _owner(api: Client) -> str:
    """Name whose plan it is, and of which project on which host, without keeping the key."""
    key = hashlib.sha256(api.key.get_secret_value().encode()).hexdigest()
    return " ".join((key, api.pool.origin, *api.prefix))


Planned = Annotated[Plan, Resolve(make_plan)]
Confirm = Annotated[Text, Field(description="Empty: plan only")]


async def ask_consent(context: Context[Any, Any], plan: Planned, confirm: Confirm) -> Elicit[Consent] | Consent:
    """Ask the user before a plan that the caller has confirmed is carried out."""
    if not plan.rows or confirm != plan.confirm:
        return Consent(delete=False)
    return ask_user(context, f"Delete {len(plan.rows)} symbol sets and their files ({_kinds(plan)})? There is no undo.")


async def prune_symbol_sets(
    api: Api,
    context: Context[ClientProvider, Any],
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
        why = "something has changed since that plan" if plan.was_asked_for(confirm) else "that is no confirm for this"
        return _planned(plan, f"Nothing was deleted: {why}. This is the present plan: show it to the user first.")
    if not elicitation.given(decision):
        return _planned(plan, "Nothing was deleted: the user said no.")
    return await _carry_out(api, context, plan)


def _planned(plan: Plan, next_step: str) -> Pruning:
    rows = plan.rows
    sample = [
        Sample(
            id=row["id"],
            ref=clean(row.get("ref") or "", MAX_SAMPLED_REF_LENGTH),
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


async def _carry_out(api: Client, context: Context[ClientProvider, Any], plan: Plan) -> Pruning:
    """Delete the plan's symbol sets one by one, several at a time: the API's bulk call would leave the files behind.

    Raises ApiError where every one of them failed.
    """
    context.request_context.lifespan_context.kept.forget(_owner(api), plan.confirm)
    rows = plan.rows
    ends: dict[str, str | ApiError] = {}
    waiting = iter(rows)
    report = after(plan.read, context.report_progress)

    async def worker() -> None:
        for row in waiting:
            ends[row["id"]] = await _delete(api, row)
            await report(len(ends), len(rows), f"Deleted {len(ends)} of {len(rows)} symbol sets.")

    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(worker)
    failures = {id_: end for id_, end in ends.items() if isinstance(end, ApiError)}
    if len(failures) == len(rows):
        raise next(iter(failures.values()))
    left = plan.matching - len(rows) + len(failures)
    more = f"{left} are left: call again without confirm for the next plan." if left else "Nothing else matches."
    return Pruning(
        done=True,
        matching=plan.matching,
        planned=len(rows),
        kinds=dict(plan.kinds),
        sample=[],
        deleted=[id_ for id_, end in ends.items() if end == "deleted"],
        already_gone=[id_ for id_, end in ends.items() if end == "gone"],
        changed_since=[id_ for id_, end in ends.items() if end == "changed"],
        failed={id_: error.code for id_, error in failures.items()},
        next_step=more,
    )


async def _delete(api: Client, planned: SymbolSetRow) -> str | ApiError:
    """Delete a symbol set that is still as it was planned, and name how that ended."""
    try:
        now = await api.get("symbol_sets", planned["id"], into=SymbolSetNow)
        if fingerprint(now.root) != fingerprint(planned):
            return "changed"
        await api.delete("symbol_sets", planned["id"])
    except NotFound:
        return "gone"
    except ApiError as error:
        return error
    return "deleted"


def _kinds(plan: Plan) -> str:
    return ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in plan.kinds.most_common())


TOOLS = [
    Tool.from_function(prune_symbol_sets, "error-tracking-symbol-sets-prune", "Prune symbol sets", annotations=DELETE),
]
