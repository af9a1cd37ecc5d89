"""Advice from the counts: whether traces are readable, what to do next, and what cannot be known. Pure."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable

from errtrack_mcp.tools.failure_reasons import INJECT_AND_UPLOAD, UPLOAD, UPLOAD_ALONE
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.symbol_set_counts import (
    COMPLETE,
    NEVER_LOADED,
    NO_FILE,
    Group,
    SymbolSetCounts,
    in_words,
)

DEPLOYED = (
    "Compare the deployed scripts with the uploaded ones: each must end in the line //# chunkId=REF of its symbol set. "
    f"Where one does not, deploy the injected files; where all do, finish the upload: {UPLOAD_ALONE}."
)
LIVE = f"Upload again the maps of every build that is still live: {UPLOAD_ALONE}."
UPLOAD_IT = f"upload the maps with the build: {INJECT_AND_UPLOAD}, then deploy these files."
LATER = "Errors that PostHog has already stored stay as they are; look at the next one."
LOOK_INTO_IT = "Call again with verify, and with line and column of a minified frame: that looks into the file itself."
NOTHING_HERE = "Nothing to do here; error-tracking-issues-diagnose looks at an issue's errors."
ISSUES_OF_REF = (
    "Issues of a ref: query-error-tracking-issues-list with search=REF, status=all; then "
    "error-tracking-issues-diagnose with issue_id."
)

UPLOAD_BEGUN = "Whether an upload was finished: a file counts as there as soon as its upload begins."
MATCHES = (
    "Whether a map fits the deployed script: where it does not, frames stay minified with TokenNotFound, "
    "and only the issue's stack frames say so."
)
EVENT_MODE = (
    "Whether a set without release lacks one: in event release mode (PostHog's CLI since 0.18) none has, "
    "and errors name the release themselves."
)
NOT_UPLOADED = "Chunks that were never uploaded: for a chunk id without symbol set PostHog keeps no row. Ask by ref."
LAST_USED = "When exactly a set was last loaded: PostHog notes it at most every 12 hours, and uploads count too."

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@/-]{0,99}")


def release_upload(release: Release) -> str:
    """Return the command that uploads the maps of a release; names that a shell or a reader may trip over stay out."""
    name = release.project if _PLAIN.fullmatch(release.project) else "NAME"
    version = release.version if _PLAIN.fullmatch(release.version) else "VERSION"
    name, version = shlex.quote(name), shlex.quote(version)
    return (
        f"errtrack-mcp upload DIST --project {name} --version {version}, or "
        f"posthog-cli sourcemap process --directory DIST --release-name {name} --release-version {version}"
    )


def _called(release: Release) -> str:
    """Name a release as people do, where its names can be shown in a sentence, and by its id."""
    if _PLAIN.fullmatch(release.project) and _PLAIN.fullmatch(release.version):
        return f"{release.version} of {release.project} ({release.id})"
    return release.id


def is_readable(counted: SymbolSetCounts) -> bool | None:
    """Say whether the traces of many symbol sets are readable: False if any surely has no map, else None.

    Never True: a chunk that was never uploaded has no row, and its errors are minified.
    """
    return False if counted.states[NO_FILE] else None


def steps_for(counted: SymbolSetCounts, uncovered: Iterable[Release], days: int) -> list[str]:
    """Return what to do about many symbol sets, most useful first: what fixes the most of them."""
    fixes: Counter[str] = Counter()
    for group in counted.failures():
        fixes[group.failure.remedy] += group.count
    steps = [(number, f"{_sets(number)} without a usable map: {remedy}") for remedy, number in fixes.items()]
    if number := counted.expiring:
        steps.append((number, f"{_sets(number)} with a file will be removed within {days} days: {LIVE}"))
    if number := counted.states[NEVER_LOADED]:
        steps.append((number, f"{_sets(number)} never loaded. Where errors come from them: {DEPLOYED}"))
    steps.sort(key=lambda step: -step[0])
    without = [
        f"Release {_called(release)} has no symbol set, as is right in release mode event. Otherwise {UPLOAD_IT}"
        for release in uncovered
    ]
    said = [*(step for _, step in steps), *without[:1]]
    if counted.states[NO_FILE]:
        said += [ISSUES_OF_REF, LATER]
    return said or [NOTHING_HERE]


def deployed(ref: str) -> str:
    """Say how to compare what is deployed with what was uploaded, naming a ref that a reader may not trip over."""
    return DEPLOYED.replace("REF", ref) if _PLAIN.fullmatch(ref) else DEPLOYED


def steps_for_one(ref: str, state: str, groups: list[Group], file_since: str, *, expiring: bool) -> list[str]:
    """Return what to do about one symbol set; `file_since` is empty where it has no file."""
    if state == NO_FILE:
        return [groups[0].failure.remedy, LATER]
    steps = [deployed(ref)]
    older = (
        f"Compare the time of the error with {file_since}: the file is not older, and an error that came before its "
        "file stays minified."
    )
    steps = [older, f"If a newer error is minified too: {steps[0]}"]
    return [*steps, LIVE] if expiring else steps


def absence(ref: str) -> str:
    """Say what it means that there is no symbol set with this ref."""
    if "://" in ref:
        return (
            "PostHog has no symbol set for this URL: no error has named it in the last 30 days, the URL differs "
            "(a query or a hash counts), or this is not the project or region that receives the errors."
        )
    return (
        "PostHog has no symbol set for this ref: it was never uploaded to this project and region, or retention "
        "removed it after 30 days without use. For an unknown chunk id PostHog keeps no row, so it records no failure."
    )


def steps_for_absent(ref: str) -> list[str]:
    """Return what to do about a ref that PostHog does not know."""
    where = (
        "Check that project_id and POSTHOG_HOST are those that receive the errors, and that the ref was copied whole."
    )
    if "://" in ref:
        return [where, UPLOAD]
    return [UPLOAD, where]


def unknowable(counted: SymbolSetCounts, scope: str) -> list[str]:
    """Return what this answer cannot know, as far as it matters for what was found."""
    notes = []
    if counted.states[COMPLETE] or counted.states[NEVER_LOADED]:
        notes += [UPLOAD_BEGUN, MATCHES]
    if counted.unbound or scope == "release":
        notes.append(EVENT_MODE)
    if scope != "ref":
        notes.append(NOT_UPLOADED)
    if counted.expiring or counted.states[NEVER_LOADED]:
        notes.append(LAST_USED)
    return notes


def summary(counted: SymbolSetCounts, *, whole: bool) -> str:
    """Say in one sentence how things stand; `whole` is whether all symbol sets were counted."""
    if not counted.total:
        return f"Could not tell: there is no symbol set{'' if whole else ' among those that were read'}."
    begin = "No symbol set is known to fail" if whole else "Could not tell"
    if counted.states[NO_FILE]:
        begin = "Not all readable"
    return f"{begin}: of {counted.total:,} symbol sets {in_words(counted.states)}."


def _sets(number: int) -> str:
    return f"{number:,} symbol {'set' if number == 1 else 'sets'}"
