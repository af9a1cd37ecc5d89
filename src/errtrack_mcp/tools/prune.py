"""Deleting symbol sets by filter: first a plan, then exactly that plan."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import anyio
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import Field, RootModel

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, NotFound
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.annotations import DELETE, Tool
from errtrack_mcp.tools.counted import counted
from errtrack_mcp.tools.deletion import PREVIEWED, ConfirmCode, DeletionOutput, Preview, consent_to, kept_from_changing
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.elicitation import Consent, Decision
from errtrack_mcp.tools.parameters import Confirm, Days, ReleaseId
from errtrack_mcp.tools.progress import after
from errtrack_mcp.tools.prune_plan import Filters, Plan, most_frequent
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    NO_FILE,
    WORDS,
    SymbolSetRow,
    facts_of,
    failure_of,
    state_of,
    written,
)
from errtrack_mcp.tools.symbol_set_reader import AT_ONCE, MAX_SECONDS, SymbolSetReader, read_all

PRUNE = "error-tracking-symbol-sets-prune"
Ends = dict[str, str | ApiError]  # how it ended for each id
log = logging.getLogger("errtrack_mcp")
SAMPLE = 10
MAX_SAMPLED_REF_LENGTH = 100
ONLY_REASONS = (
    "Those without a file only record why source maps are missing: once they are deleted, their errors are as minified "
    "as before, and nothing says why."
)

NoFile = Annotated[bool, Field(description="Only those without a file, for any reason")]
Unbound = Annotated[bool, Field(description="Only those bound to no release")]
OfRelease = Annotated[ReleaseId, Field(description="Only those bound to this release")]
UnusedForDays = Annotated[
    Days,
    Field(description="Only those last used (if never: created) more than so many days ago; 0: any"),
]
OlderThanDays = Annotated[Days, Field(description="Only those created more than so many days ago; 0: any")]
Limit = Annotated[int, Field(ge=1, le=500, description="Delete at most so many, the oldest first")]


class SymbolSetNow(RootModel[SymbolSetRow]):
    """A symbol set, looked at once more before it is deleted."""


class Sample(ToolOutput):
    """One of the symbol sets of a plan."""

    id: str
    ref: str
    failure: Annotated[str, Field(description="Why it has no file")] = ""
    release_id: Annotated[str | None, Field(description="null: bound to none")]
    last_used: str | None
    created_at: str | None


class Pruning(DeletionOutput):
    """A plan, or what came of it."""

    team_id: Annotated[int, Field(description="PostHog project; 0: not known, since nothing fits")]
    matching: Annotated[int, Field(description="Symbol sets that fit the filters")]
    planned: Annotated[int, Field(description="How many of them this plan deletes")]
    created_before: Annotated[str, Field(description="The moment that older_than_days means")] = ""
    last_used_before: Annotated[str, Field(description="The moment that unused_for_days means")] = ""
    states: Annotated[dict[str, int], Field(description="Of those planned, by state")]
    failures: Annotated[dict[str, int], Field(description="Of those planned without a file, by kind of failure")]
    releases: Annotated[dict[str, int], Field(description="Of those planned, by release id")]
    sample: list[Sample]
    not_seen: Annotated[str, Field(description="Why the plan is of a part of the symbol sets"), OURS] = ""
    deleted_count: int = 0
    already_gone: list[str] = Field(default=[], description="Ids")
    changed_since: list[str] = Field(default=[], description="Ids, left alone")
    failed: dict[str, str] = Field(default={}, description="Id: error code")


async def make_plan(
    api: Api,
    context: Context[Any, Any],
    no_file: NoFile = False,
    unbound: Unbound = False,
    release_id: OfRelease = None,
    unused_for_days: UnusedForDays = 0,
    older_than_days: OlderThanDays = 0,
    limit: Limit = 100,
) -> Plan:
    """Read every symbol set, and plan which to delete."""
    filters = Filters(no_file, unbound, str(release_id) if release_id else "", unused_for_days, older_than_days)
    if filters == Filters():
        raise Refusal("invalid_arguments", "Give at least one filter: without any, every symbol set would be deleted.")
    plan = Plan(filters, limit, datetime.now(UTC))
    started = anyio.current_time()
    reader = SymbolSetReader(
        api,
        context.report_progress,
        oldest_first=True,
        status="invalid" if no_file else None,
        search=await _version_of(api, release_id) if release_id else None,
    )
    not_seen = await read_all(reader, plan.visit)
    if not_seen and not (reader.is_out_of_room and plan.rows):
        raise Refusal("incomplete", f"No plan was made. {not_seen} With no_file or release_id fewer have to be read.")
    plan.not_seen = not_seen
    plan.settle()
    plan.read, plan.seconds = reader.read, anyio.current_time() - started
    return plan


async def _version_of(api: Client, release_id: UUID) -> str | None:
    """Return the version by which PostHog can search: it has no filter by release."""
    return (await api.get("releases", str(release_id), into=Release)).search


Planned = Annotated[Plan, Resolve(make_plan)]


async def confirmed_plan(api: Api, plan: Planned, confirm: Confirm = "") -> Plan:
    """Return the plan whose code is `confirm`: the present one, or its oldest part.

    Symbol sets that have come to fit since stand behind those of the earlier plan, and are left for the next one.
    """
    code = _code(api, plan)
    for number, row in enumerate(plan.rows, 1):
        code.add(facts_of(row))
        if str(code) == confirm:
            return replace(plan, rows=plan.rows[:number])
    return plan


ConfirmedPlan = Annotated[Plan, Resolve(confirmed_plan)]


async def preview_pruning(api: Api, plan: ConfirmedPlan) -> Preview[Pruning]:
    """Show a plan."""
    return _preview(api, plan)


Previewed = Annotated[Preview[Pruning], Resolve(preview_pruning)]


async def ask_consent(
    context: Context[Any, Any], preview: Previewed, confirm: Confirm = ""
) -> Elicit[Consent] | Consent:
    """Ask the user before a plan that the caller has confirmed is carried out."""
    return consent_to(context, preview, confirm)


async def prune_symbol_sets(
    api: Api,
    context: Context[Any, Any],
    plan: ConfirmedPlan,
    preview: Previewed,
    decision: Annotated[Decision, Resolve(ask_consent)],
    no_file: NoFile = False,  # noqa: ARG001 - make_plan reads the filters
    unbound: Unbound = False,  # noqa: ARG001
    release_id: OfRelease = None,  # noqa: ARG001
    unused_for_days: UnusedForDays = 0,  # noqa: ARG001
    older_than_days: OlderThanDays = 0,  # noqa: ARG001
    limit: Limit = 100,  # noqa: ARG001
    confirm: Confirm = "",
) -> Pruning:
    """Delete symbol sets by filter, for good. The first call, without confirm, only plans; filters add up."""
    if not plan.rows:
        return preview.shown

    async def as_previewed() -> Preview[Pruning]:
        return preview  # each symbol set is read again before it is deleted

    if kept := await kept_from_changing(preview, confirm, decision, as_previewed):
        return kept
    return await _carry_out(api, context, plan, preview.shown)


def _code(api: Client, plan: Plan) -> ConfirmCode:
    filters = plan.filters
    days = [filters.unused_for_days, filters.older_than_days]
    return ConfirmCode(api, PRUNE, plan.team_id, filters.no_file, filters.unbound, filters.release_id, days, plan.most)


def _preview(api: Client, plan: Plan) -> Preview[Pruning]:
    code = _code(api, plan)
    for row in plan.rows:
        code.add(facts_of(row))
    unused, older = plan.filters.unused_for_days, plan.filters.older_than_days
    moments = {
        **({"last_used_before": _ago(plan, unused)} if unused else {}),
        **({"created_before": _ago(plan, older)} if older else {}),
    }
    shown = Pruning(
        deleted=False,
        team_id=plan.team_id,
        matching=plan.matching,
        planned=len(plan.rows),
        states=dict(plan.states),
        failures=most_frequent(plan.failures),
        releases=most_frequent(plan.releases),
        sample=[_sample(row) for row in plan.rows[:SAMPLE]],
        **moments,
        **({"not_seen": f"{plan.not_seen} The next plan goes further."} if plan.not_seen else {}),
        **({"confirm": str(code)} if plan.rows else {}),
        next_step=_what_next(plan),
    )
    states = ", ".join(f"{number} {WORDS[state]}" for state, number in plan.states.most_common())
    what = counted(len(plan.rows), "symbol set", "symbol sets")
    question = f"Delete {what} of project {shown.team_id} and their files ({states})? There is no undo."
    return Preview(shown, question)


def _what_next(plan: Plan) -> str:
    if not plan.rows:
        return "Nothing matches these filters."
    return f"{PREVIEWED} {ONLY_REASONS}" if plan.states[NO_FILE] else PREVIEWED


def _ago(plan: Plan, days: int) -> str:
    return written(plan.now - timedelta(days=days))


def _sample(row: SymbolSetRow) -> Sample:
    return Sample(
        id=row["id"],
        ref=clean(row.get("ref") or "", MAX_SAMPLED_REF_LENGTH),
        **({"failure": failure_of(row).reason} if state_of(row) == NO_FILE else {}),
        release_id=row.get("release_id"),
        last_used=row.get("last_used"),
        created_at=row.get("created_at"),
    )


async def _carry_out(api: Client, context: Context[Any, Any], plan: Plan, shown: Pruning) -> Pruning:
    """Delete the plan's symbol sets one by one, several at a time: the API's bulk call would leave the files behind.

    It stops after `MAX_SECONDS`, planning included. Raises ApiError where every one of them failed.
    """
    rows = plan.rows
    deadline = anyio.current_time() + MAX_SECONDS - plan.seconds
    ends: Ends = {}
    waiting = iter(rows)
    report = after(plan.read, context.report_progress)

    async def worker() -> None:
        for row in waiting:
            if ends and anyio.current_time() > deadline:
                return
            ends[row["id"]] = await _delete(api, row)
            await report(len(ends), len(rows), f"Deleted {len(ends)} of {len(rows)} symbol sets.")

    try:
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(worker)
    except anyio.get_cancelled_exc_class():
        done = _deleted(ends)
        log.warning("A prune was cancelled: %d of %d symbol sets were deleted, or a few more.", done, len(rows))
        raise
    return _result(plan, shown, ends)


def _deleted(ends: Ends) -> int:
    return sum(end == "deleted" for end in ends.values())


def _result(plan: Plan, shown: Pruning, ends: Ends) -> Pruning:
    """Say what came of a plan. Raises ApiError where every deletion failed."""
    failures = {id_: end for id_, end in ends.items() if isinstance(end, ApiError)}
    if len(failures) == len(plan.rows):
        raise next(iter(failures.values()))
    left = plan.matching - len(ends) + len(failures)
    more = f"{left} are left: call again without confirm for the next plan." if left else "Nothing else matches."
    if plan.not_seen:
        more = "Not all symbol sets were read: call again without confirm for the next plan."
    found = {
        "deleted_count": _deleted(ends),
        "already_gone": [id_ for id_, end in ends.items() if end == "gone"],
        "changed_since": [id_ for id_, end in ends.items() if end == "changed"],
        "failed": {id_: error.code for id_, error in failures.items()},
    }
    return shown.done(more).model_copy(update=found)


async def _delete(api: Client, planned: SymbolSetRow) -> str | ApiError:
    """Delete a symbol set that is still as it was planned, and name how that ended."""
    try:
        now = await api.get("symbol_sets", planned["id"], into=SymbolSetNow)
        if facts_of(now.root) != facts_of(planned):
            return "changed"
        await api.delete("symbol_sets", planned["id"])
    except NotFound:
        return "gone"
    except ApiError as error:
        return error
    return "deleted"


TOOLS = [Tool(prune_symbol_sets, PRUNE, "Prune symbol sets", annotations=DELETE)]
