"""What is true after an upload: whether all that was sent is there, and whether what was not sent is the same."""

from collections.abc import Sequence

from errtrack_mcp.builds.uploadable import Pair
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.symbol_set_lookup import look_up_refs
from errtrack_mcp.tools.uploads.plan import MAX_SECONDS
from errtrack_mcp.tools.uploads.same_content import compare
from errtrack_mcp.tools.uploads.send import Upload


async def read_back(upload: Upload, pairs: Sequence[Pair], report: Report) -> None:
    """Correct the outcomes of an upload by what PostHog has then. Raises ApiError."""
    sent = list(upload.sent.values())
    missing = await upload.not_there(sent) if sent else set()
    if missing is None:
        refs = {str(row["chunk_id"]) for row in sent}
        found = await look_up_refs(upload.api, sorted(refs), report, seconds=MAX_SECONDS)
        if found.stopped_by is not None:
            raise found.stopped_by
        missing = refs - {ref for ref, now in found.rows.items() if now is not None and now.has_uploaded_file}
    for path, row in upload.sent.items():
        if row["chunk_id"] in missing:
            upload.outcomes[path] = ("failed", "it is not there after its upload")
    if upload.unsent:
        await _tell_same_from_other(upload, {pair.path: pair for pair in pairs}, report)


async def _tell_same_from_other(upload: Upload, pairs: dict[str, Pair], report: Report) -> None:
    """Say of each file that PostHog did not want whether the one that it has is the same."""
    differing = await upload.not_there(list(upload.unsent.values()))
    for path, row in upload.unsent.items():
        if differing is not None and row["chunk_id"] not in differing:
            upload.outcomes[path] = ("there", pairs[path].note)
    unknown = {path: pairs[path] for path in upload.unsent if upload.outcomes[path][0] == "not_compared"}
    found = await look_up_refs(upload.api, [pair.chunk_id for pair in unknown.values()], report)
    there = {path: now for path, pair in unknown.items() if (now := found.rows.get(pair.chunk_id)) is not None}
    for path, compared in (await compare(upload.api, unknown, upload.binding, there)).items():
        if compared.is_same:
            upload.outcomes[path] = ("there", "only its compression differs")
        elif compared.is_same is None:
            upload.outcomes[path] = ("not_compared", compared.why_not)
        else:
            upload.outcomes[path] = ("kept", pairs[path].note)
