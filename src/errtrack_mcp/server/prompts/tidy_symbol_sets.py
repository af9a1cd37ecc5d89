"""Removing the symbol sets that nobody needs, by a plan that a person has seen."""

from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.prompts import Prompt
from pydantic import Field

from errtrack_mcp.server.prompts.base import GatedPrompt, numbered

DIAGNOSE = "error-tracking-symbol-sets-diagnose"
PRUNE = "error-tracking-symbol-sets-prune"


def tidy_symbol_sets(
    unused_for_days: Annotated[int | None, Field(ge=1, le=3650, description="Those unused for so long")] = None,
    release_id: Annotated[UUID | None, Field(description="Those of this release")] = None,
) -> str:
    """Find the symbol sets that nobody needs, and delete them once I agree. By default those without a file."""
    filters = []
    if unused_for_days is not None:
        filters.append(f"unused_for_days={unused_for_days}")
    if release_id is not None:
        filters.append(f"release_id={release_id}")
    steps = numbered(
        f"Call {DIAGNOSE} without arguments, and tell me in two sentences how the project stands.",
        f"Call {PRUNE} with {', '.join(filters) or 'no_file=true'}, without confirm. That deletes nothing: it plans.",
        "Show me the plan: how many, of which kinds, the sample. Say what deleting them costs: a build that is still "
        "live is minified without its maps; a set without a file comes back with the next error that names its URL; "
        "and what is unused for 30 days PostHog removes by itself.",
        f"Wait for my answer. Only if I agree, call {PRUNE} with the same arguments and the plan's confirm.",
        "Tell me what was deleted, what was already gone, what had changed and stayed, and which deletions failed. "
        "If some are left, begin again at the plan.",
    )
    return f"Tidy up the symbol sets.\n\n{steps}"


PROMPT = GatedPrompt(
    Prompt.from_function(tidy_symbol_sets, "tidy-symbol-sets", "Tidy up symbol sets"), frozenset({DIAGNOSE, PRUNE})
)
