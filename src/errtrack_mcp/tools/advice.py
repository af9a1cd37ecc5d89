"""The sentences of a diagnosis: what was found, what to do, what nobody can know. Pure (contract, section 8)."""

import re
from collections import Counter

from errtrack_mcp.tools.failures import decode_failure
from errtrack_mcp.tools.releases import Release
from errtrack_mcp.tools.tally import COMPLETE, FAILED, NEVER_LOADED, NO_FILE, Tally, state_of
from errtrack_mcp.tools.walk import Walk, WalkedSet

PROCESS = "posthog-cli sourcemap process --directory DIST"
INJECT = "posthog-cli sourcemap inject --directory DIST"
UPLOAD = "posthog-cli sourcemap upload --directory DIST"
DEPLOY = "Deploy the very files that were injected, from the build that was uploaded."
PLAIN = re.compile(r"[A-Za-z0-9._@/+-]+")


def is_url(ref: str) -> bool:
    """Tell a script's URL from a chunk id."""
    return "://" in ref


def is_readable(tally: Tally, *, whole: bool) -> bool | None:
    """Say whether traces are readable: no where a set surely has no map, None where that cannot be told."""
    if tally.states[FAILED] or tally.states[NO_FILE]:
        return False
    return True if whole and tally.states[COMPLETE] else None


def absent(ref: str, symbol_sets: int | None) -> str:
    """Say what it means that a ref has no row."""
    if symbol_sets == 0:
        return "This project has no symbol sets at all: nothing was ever uploaded here, or this is the wrong project."
    if is_url(ref):
        return "PostHog has never tried to fetch a source map for this URL, nor was one uploaded under it."
    return (
        "No symbol set has this chunk id: it was never uploaded to this project, or to another project or region, or "
        "retention removed it. PostHog keeps no record of a chunk id that it looked for in vain."
    )


def for_absent(ref: str) -> list[str]:
    """Say what to do about a ref without a row."""
    if is_url(ref):
        return [
            f"Build with source maps, then: {PROCESS}. {DEPLOY}",
            "If errors from this script are recent, compare project and region with those of the SDK's settings.",
        ]
    return [
        f"If the build is still at hand, upload its maps: {UPLOAD}.",
        f"Else build again, then: {PROCESS}. {DEPLOY}",
        "Check that POSTHOG_CLI_PROJECT_ID and POSTHOG_CLI_HOST of the upload name this project and region.",
    ]


def about_one(row: WalkedSet) -> str:
    """Say what the state of one symbol set means."""
    state = state_of(row)
    if state == FAILED:
        failure = decode_failure(row.failure_reason or "")
        return f"PostHog could not load it: {failure.meaning}."
    if state == NO_FILE:
        return "It has no file and no failure: nothing has tried to load it since it was made."
    if state == NEVER_LOADED:
        return (
            "It has a file that was never loaded: the upload may be unfinished, no error came from this chunk yet, or "
            "the deployed script is not the injected one."
        )
    return (
        "It has a file, and was loaded or checked lately. If traces stay minified, the deployed script differs from "
        "the one that was mapped, or the map is empty."
    )


def for_one(row: WalkedSet) -> list[str]:
    """Say what to do about one symbol set."""
    state = state_of(row)
    if state == FAILED:
        return [
            decode_failure(row.failure_reason or "").remedy,
            "After an upload, PostHog may take a day to try again.",
        ]
    if state == COMPLETE:
        return [
            DEPLOY,
            "Look into the file: error-tracking-symbol-sets-download-retrieve, then posthog-cli symbol-sets extract.",
            "Events that were stored before the upload stay as they are: look at a new one.",
        ]
    return [f"Upload again and watch it finish: {UPLOAD} --force.", DEPLOY]


def about_release(symbol_sets: int, tally: Tally) -> str:
    """Say how well a release is covered."""
    if not symbol_sets:
        return (
            "No symbol set is bound to this release. That is normal in event release mode, where events name their "
            "release; otherwise its source maps were not uploaded."
        )
    return _counted("of this release", tally)


def for_release(release: Release, tally: Tally) -> list[str]:
    """Say what to do for one release, most useful first."""
    named = f" --release-name {_argument(release.project)} --release-version {_argument(release.version)}"
    steps = _remedies(tally)
    if not tally.total:
        steps.append(f"In the build of this release: {PROCESS}{named}. {DEPLOY}")
        steps.append("Then diagnose the chunk id of a minified frame by ref: it tells what its map lacks.")
    return steps + _common_steps(tally)


def about_project(tally: Tally) -> str:
    """Say how the project stands as a whole."""
    if not tally.total:
        return "This project has no symbol sets: no source maps were uploaded here."
    return _counted("of this project", tally)


def for_project(tally: Tally, bare: list[Release]) -> list[str]:
    """Say what to do for the project, most useful first; `bare` are newest releases without a symbol set."""
    if not tally.total:
        return [f"In every build: {PROCESS}. {DEPLOY}", "Check that the upload's project and region are these."]
    steps = _remedies(tally)
    if bare:
        steps.append(
            f"{len(bare)} of the newest releases have no symbol set. Unless events name their release (event release "
            f"mode), run in their builds: {PROCESS} --release-name APP --release-version VERSION."
        )
    return steps + _common_steps(tally)


def cannot_know(tally: Tally) -> list[str]:
    """Say what the API does not tell, where it matters for these counts."""
    said = []
    if tally.states[COMPLETE] or tally.states[NEVER_LOADED]:
        said.append("Whether an upload finished: the file flag is set when it starts.")
    if tally.states[COMPLETE]:
        said.append("Whether a map fits the deployed script: last use means found, or touched by an upload.")
    if tally.unbound:
        said.append("Whether sets without a release are a mistake: in event release mode none has one.")
    said.append("Which chunks were never uploaded: PostHog keeps no row for them. Ask by ref.")
    return said


def left_out(walk: Walk) -> str:
    """Say what was not seen, if anything."""
    if not walk.stopped:
        return ""
    unseen = f"about {walk.unseen:,} symbol sets" if walk.count is not None else "the rest"
    return f"Stopped early, since {walk.stopped}: {unseen} not seen. Raise max_seconds, or diagnose one release."


def _remedies(tally: Tally) -> list[str]:
    """Return what mends the failures, the remedy for most of them first."""
    mended: Counter[str] = Counter()
    for group in tally.worst_failures():
        mended[group.failure.remedy] += group.symbol_sets
    return [f"{remedy} (For {number} that failed.)" for remedy, number in mended.most_common(3)]


def _common_steps(tally: Tally) -> list[str]:
    steps = []
    if tally.states[NEVER_LOADED]:
        steps.append(
            f"{tally.states[NEVER_LOADED]} were never loaded. If errors came from them: {UPLOAD} --force. {DEPLOY}"
        )
    if tally.states[NO_FILE]:
        steps.append(f"{tally.states[NO_FILE]} have neither file nor failure: {UPLOAD}.")
    if tally.expiring:
        steps.append(f"{tally.expiring} will be removed by retention soon. Builds still in use: {UPLOAD}.")
    return steps or ["Nothing to mend. For one minified frame, diagnose its chunk id by ref."]


def _counted(of_what: str, tally: Tally) -> str:
    usable = tally.states[COMPLETE] + tally.states[NEVER_LOADED]
    verdict = f"{usable} of {tally.total} symbol sets {of_what} have a file"
    if tally.states[FAILED]:
        verdict += f"; {tally.states[FAILED]} failed"
    if tally.states[NEVER_LOADED]:
        verdict += f"; {tally.states[NEVER_LOADED]} were never loaded"
    return verdict + "."


def _argument(text: str) -> str:
    """Return text as one argument of a shell, or a placeholder where it holds anything that a shell could act on."""
    return text if PLAIN.fullmatch(text) and not text.startswith("-") else "VALUE"
