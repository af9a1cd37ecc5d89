"""What an upload answers: what it would do, and what it did."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from errtrack_mcp.api.models import OURS, ToolOutput, how_many_fit
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.builds.uploadable import MEANINGS, Pair, Skipped
from errtrack_mcp.tools.deletion import PreviewedOutput

MAX_PATH_LENGTH = 300

# In the order of an answer, what needs a look first.
STATES = {
    "failed": "could not be uploaded",
    "other_release": "its symbol set belongs to another release, and cannot be moved",
    "kept": "the project has other content under its chunk id, which was kept; force replaces it",
    "differs": "the project has other content under its chunk id, which is kept unless force is set",
    "to_overwrite": "replaces other content under its chunk id, which somebody uploaded before",
    "not_compared": "the project has a file under its chunk id; whether it is the same is not known",
    "to_inject": "will be injected, which rewrites script and map, and uploaded",
    "to_upload": "will be uploaded as it is",
    "uploaded": "is uploaded",
    "there": "the project has this content already",
    "copy": MEANINGS["copy"],
    "harmless": MEANINGS["harmless"],
}
HARMLESS = frozenset({"copy", "harmless"})
THERE = frozenset({"uploaded", "there"})
PLANNED = frozenset({"to_overwrite", "to_inject", "to_upload"})
MEANING_OF = {**MEANINGS, **STATES}
_ORDER = ["failed", "other_release", *(name for name in MEANINGS if name not in STATES), *list(STATES)[2:]]


class UploadedScript(ToolOutput):
    """A script of the build; `path` is relative to the directory."""

    path: str
    state: str
    rewritten: Annotated[bool, Field(description="The injection changes it and its map")] = False
    chunk_id: str = ""
    detail: str = ""


class UploadRelease(ToolOutput):
    """The release of an upload."""

    project: str
    version: str
    id: Annotated[str, Field(description="Missing: not there yet")] = ""
    created: Annotated[bool, Field(description="By this call")] = False


class BuildUpload(PreviewedOutput):
    """An upload, planned or made."""

    flag = "uploaded"
    uploaded: Annotated[bool, Field(description="Everything that can be is there now")]
    summary: Annotated[str, OURS]
    release: UploadRelease | None = None
    size: Annotated[int, Field(description="Bytes of scripts and maps, before compression")] = 0
    states: Annotated[dict[str, str], OURS]
    notes: Annotated[list[str], OURS, Field(default=[])]
    scripts: Annotated[list[UploadedScript], Field(description="What needs a look first")]
    left_out: Annotated[str, OURS] = ""

    def without(self, note: str) -> "BuildUpload":
        """Return the answer without a note."""
        rest = self.model_copy(update={"notes": [each for each in self.notes if each != note]})
        if not rest.notes:
            rest.model_fields_set.discard("notes")
        return rest

    def shrunk(self, max_tokens: int) -> "BuildUpload":
        """Return the answer with as many scripts as fit into `max_tokens`, at least one, saying how many do not."""
        kept = how_many_fit(self.scripts, self.model_copy(update={"scripts": []}), max_tokens)
        beyond = len(self.scripts) - kept
        if not beyond:
            return self
        said = f"{beyond} of {len(self.scripts)} scripts did not fit into max_tokens={max_tokens}"
        return self.model_copy(update={"scripts": self.scripts[:kept], "left_out": said})


Outcome = tuple[str, str]  # the state of a script, and what else is to be said of it


def rows_of(
    examined: Sequence[Pair | Skipped], outcomes: dict[str, Outcome]
) -> tuple[list[UploadedScript], dict[str, str]]:
    """Return a row for each script, what needs a look first, and the number and meaning of each state.

    `outcomes` has those of the pairs, by their paths.
    """
    rows = [_row(each, outcomes) for each in examined]
    rows.sort(key=lambda row: (_ORDER.index(row.state), row.path))
    counts = Counter(row.state for row in rows)
    return rows, {state: f"{number}: {MEANING_OF[state]}" for state, number in counts.items()}


def _row(each: Pair | Skipped, outcomes: dict[str, Outcome]) -> UploadedScript:
    path = clean(each.path, MAX_PATH_LENGTH)
    if isinstance(each, Skipped):
        state, detail = each.state, each.detail
        given: dict[str, Any] = {}
    else:
        state, detail = outcomes[each.path]
        given = {"rewritten": True} if each.rewritten else {}
        given["chunk_id"] = each.chunk_id
    if detail:
        given["detail"] = clean(detail, MAX_PATH_LENGTH)
    return UploadedScript(path=path, state=state, **given)
