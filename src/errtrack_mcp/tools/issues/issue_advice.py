"""What a diagnosed issue means, in sentences: whether it is readable, and what to do about each cause. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from errtrack_mcp.tools.advice import LATER, absence, deployed
from errtrack_mcp.tools.failure_reasons import UPLOAD_ALONE
from errtrack_mcp.tools.issues.causes import Cause, CauseKind, Now, Sample
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.models import Event
from errtrack_mcp.tools.symbol_sets import SymbolSet

ADD_SCOPE = (
    "Which symbol sets some frames need: their texts name none, and the captured events need the scope query:read. "
    "Add it to the key and ask again."
)
NO_REF = "Which symbol sets some frames need: neither their texts nor the captured frames name any."
NOT_FOLLOWED = "Whether uploads have fixed the rarer causes: only the most frequent ones were followed."
NOTHING_TO_DO = f"Nothing. {LATER}"
FINISH = f"Finish the upload: {UPLOAD_ALONE}. {LATER}"
WRONG_PLACE = "Check first that the upload went to this project and region."


class Advice(NamedTuple):
    """What a cause means, and what to do about it."""

    meaning: str
    remedy: str


def is_readable(events: Sequence[Event], sample: Sample) -> bool | None:
    """Say whether stored events are readable: None without events, or where PostHog has not processed any frame."""
    if not events:
        return None
    if not sample.causes:
        return True
    return None if all(cause.unprocessed for cause in sample.causes) else False


def summary(window: Window, events: Sequence[Event], sample: Sample, now: Sequence[Now | None]) -> str:
    """Say in a few sentences how an issue stands; `now` is in the order of the causes."""
    if not events:
        return f"Could not tell: the issue has no event between {window.date_from} and {window.date_to}."
    of = f"{len(events)} sampled event{'s' if len(events) > 1 else ''}"
    if not sample.causes:
        return f"Readable: all {sample.frames} frames of the app in the {of} show source code."
    minified = sum(cause.frames for cause in sample.causes)
    said = [f"{minified} of {sample.frames} frames are minified, in {len(sample.minified_events)} of {of}."]
    if all(cause.failure.kind == "maps_cannot_help" for cause in sample.causes):
        said = ["No source map can help: these errors came without anything to look up."]
    states = {found.state if found else None for found in now}
    if states == {"fixed"}:
        said.append("All of it is fixed since: new errors are readable.")
    elif states == {"not_since"}:
        said.append("It has not occurred since the upload: look at the next error.")
    elif states == {"not_tried"}:
        said.append("PostHog has not looked its frames up since the upload: look at an error half an hour after it.")
    elif "fixed" in states:
        said.append("A part of it is fixed since.")
    if "still_broken" in states:
        said.append("It is still broken although a file was uploaded.")
    if events[0].uuid not in sample.minified_events:
        said.append("The newest event is readable.")
    begin = "Could not tell" if is_readable(events, sample) is None else "Not readable"
    return f"{begin}: {' '.join(said)}"


def advice(cause: Cause, kind: CauseKind, found: SymbolSet | None, now: Now | None) -> Advice:
    """Return what a cause means and what to do, once its symbol set and its stored frames were looked up."""
    meaning, remedy = cause.failure.meaning, cause.failure.remedy
    if kind == "never_uploaded":
        meaning = meaning if found else absence(cause.ref)
        remedy = remedy if found else f"{remedy} {WRONG_PLACE}"
    elif kind == "uploaded_later":
        meaning = "PostHog had no map when the error happened; it was uploaded later"
        remedy = deployed(cause.ref) if now and now.state == "still_broken" else NOTHING_TO_DO
    elif kind == "upload_unfinished":
        meaning = "an upload had begun when the error happened, and PostHog found no file of it all the same"
        remedy = FINISH
    return Advice(meaning, NOTHING_TO_DO) if now and now.state == "fixed" else Advice(meaning, remedy)
