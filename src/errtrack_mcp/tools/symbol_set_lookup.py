"""The symbol sets of many chunk ids, asked for one by one: the API has no call for several."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, TimedOut
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.symbol_set_reader import MAX_SECONDS
from errtrack_mcp.tools.symbol_sets import SymbolSet

AT_ONCE = 8
REPORTED_EACH = 25


@dataclass(slots=True)
class FoundSymbolSets:
    """The symbol set of each ref; None where there is none. A ref that nothing is known of is not among them.

    `stopped_by` says why the rest was not asked for.
    """

    rows: dict[str, SymbolSet | None] = field(default_factory=dict)
    stopped_by: ApiError | None = None


async def look_up_refs(
    api: Client, refs: Iterable[str], report: Report, *, before: int = 0, seconds: float | None = None
) -> FoundSymbolSets:
    """Ask the project for the symbol set of every ref, at most 8 at once; the first failure ends it.

    `before` is the number of steps that the caller has reported already. It ends after 40 seconds, or after `seconds`.
    """
    ids = list(dict.fromkeys(refs))
    asking = iter(ids)
    found = FoundSymbolSets()

    async def ask() -> None:
        for ref in asking:
            try:
                page = await api.get_page("symbol_sets", of=SymbolSet, offset=0, limit=1, ref=ref)
            except ApiError as error:
                found.stopped_by = found.stopped_by or error
                group.cancel_scope.cancel()
                return
            row = page.results[0] if page.results else None
            if row is None or row.ref == ref:  # otherwise this installation does not filter
                found.rows[ref] = row
            if len(found.rows) % REPORTED_EACH == 0:
                done = len(found.rows)
                await report(before + done, before + len(ids), f"Looked up {done} of {len(ids)} chunk ids.")

    with anyio.move_on_after(MAX_SECONDS if seconds is None else seconds) as time_limit:
        async with anyio.create_task_group() as group:
            for _ in range(min(AT_ONCE, len(ids))):
                group.start_soon(ask)
    if time_limit.cancelled_caught:
        found.stopped_by = TimedOut()
    return found
