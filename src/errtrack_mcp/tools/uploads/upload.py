"""Source maps of a local build, uploaded: planned first, then injected, sent, and looked up again."""

import logging
from typing import Annotated, Any, Literal

import anyio
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.tools.annotations import PANEL, UPDATE, Tool
from errtrack_mcp.tools.build_check import Directory
from errtrack_mcp.tools.build_roots import Roots
from errtrack_mcp.tools.counted import counted
from errtrack_mcp.tools.deletion import Preview, consent_to, kept_from_changing
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.elicitation import Consent, Decision
from errtrack_mcp.tools.parameters import MAX_TOKENS, Confirm, MaxTokens, Text
from errtrack_mcp.tools.progress import Report, after
from errtrack_mcp.tools.uploads.inject import NotInjected, inject_all
from errtrack_mcp.tools.uploads.models import THERE, BuildUpload, Outcome, UploadRelease, rows_of
from errtrack_mcp.tools.uploads.patient_client import patient
from errtrack_mcp.tools.uploads.plan import (
    AFTERWARDS,
    UPLOAD,
    LocalBuild,
    UploadArguments,
    plan_upload,
    read_build,
    release_of,
)
from errtrack_mcp.tools.uploads.read_back import read_back
from errtrack_mcp.tools.uploads.send import Upload

log = logging.getLogger("errtrack_mcp")
CALL_AGAIN = "Call again without confirm for a new plan"
CHECK = "Then check with error-tracking-build-check on the same directory."
DEPLOY = f"Now deploy the injected files: only their errors carry the chunk ids. {CHECK}"
DEPLOY_THESE = f"Deploy these very files. {CHECK}"

App = Annotated[Text, Field(description="App of the release; default: git's repository name")]
AppVersion = Annotated[Text, Field(description="Of the release; default: git's commit")]
Build = Annotated[Text, Field(description="Build number, appended to version")]
Mode = Annotated[
    Literal["event", "symbol-set"],
    Field(description="What names an error's release: injected code, or the symbol set"),
]
Globs = Annotated[Text, Field(max_length=1000, description="Globs, comma-separated")]
Inject = Annotated[bool, Field(description="False: rewrite no file")]
Force = Annotated[bool, Field(description="Replace what others uploaded, for good")]


async def read_local_build(
    api: Api,
    roots: Roots,
    context: Context[Any, Any],
    directory: Directory = "",
    project: App = "",
    version: AppVersion = "",
    build: Build = "",
    release_mode: Mode = "event",
    include: Globs = "",
    exclude: Globs = "",
    inject: Inject = True,
    force: Force = False,
) -> LocalBuild:
    """Read a build, and what it is uploaded for."""
    asked = UploadArguments(
        directory, project, version, build, release_mode, _globs(include), _globs(exclude), inject=inject, force=force
    )
    return await read_build(api, roots, asked, context.report_progress)


ReadBuild = Annotated[LocalBuild, Resolve(read_local_build)]


async def preview_upload(
    api: Api, context: Context[Any, Any], read: ReadBuild, confirm: Confirm = ""
) -> Preview[BuildUpload]:
    """Plan the upload."""
    return await plan_upload(api, read, context.report_progress, confirm)


Previewed = Annotated[Preview[BuildUpload], Resolve(preview_upload)]


async def ask_consent(
    context: Context[Any, Any], preview: Previewed, confirm: Confirm = ""
) -> Elicit[Consent] | Consent:
    """Ask the user before an upload that the caller has confirmed."""
    return consent_to(context, preview, confirm)


async def upload_build(
    api: Api,
    context: Context[Any, Any],
    read: ReadBuild,
    preview: Previewed,
    decision: Annotated[Decision, Resolve(ask_consent)],
    directory: Directory = "",  # noqa: ARG001 - read_local_build reads the arguments
    project: App = "",  # noqa: ARG001
    version: AppVersion = "",  # noqa: ARG001
    build: Build = "",  # noqa: ARG001
    release_mode: Mode = "event",  # noqa: ARG001
    include: Globs = "",  # noqa: ARG001
    exclude: Globs = "",  # noqa: ARG001
    inject: Inject = True,  # noqa: ARG001
    force: Force = False,
    max_tokens: MaxTokens = MAX_TOKENS,
    confirm: Confirm = "",
) -> BuildUpload:
    """Upload a local build's source maps; inject its scripts first. The first call, without confirm, only plans."""
    if not preview.shown.confirm:
        return preview.shown.shrunk(max_tokens)

    async def as_previewed() -> Preview[BuildUpload]:
        return preview  # each file is compared with the plan again before it is rewritten or sent

    if kept := await kept_from_changing(preview, confirm, decision, as_previewed):
        return kept.shrunk(max_tokens)
    done = await _carry_out(api, context.report_progress, read, preview.shown, force=force)
    return done.shrunk(max_tokens)


def _globs(given: str) -> tuple[str, ...]:
    return tuple(glob.strip() for glob in given.split(",") if glob.strip())


async def _carry_out(api: Client, report: Report, read: LocalBuild, shown: BuildUpload, *, force: bool) -> BuildUpload:
    """Make the release, inject, send, and look up what is there then. Raises ApiError where nothing was changed."""
    release = await read.release.ensure(api) if read.release else None
    binding = read.binding._replace(release_id=release.id) if release else read.binding
    done = 2 * len(read.examined) + (len(read.pairs) if force else 0)
    try:
        digests = await inject_all(read.directory.path, read.pairs, binding, after(done, report))
    except NotInjected as error:
        why = f"Nothing was uploaded, since the build was not injected: {error}. Build again, or leave that script out."
        return _incomplete(shown.model_copy(update={"release": release} if release else {}), why)
    upload = Upload(patient(api), binding, force, digests, after(done + len(digests), report), len(read.pairs))
    stopped: ApiError | None = None
    try:
        sent = [pair for pair in read.pairs if not pair.copy_of]
        await upload.send_all(sent, {pair.path: release_of(pair, binding) for pair in read.pairs})
        await read_back(upload, read.pairs, report)
    except ApiError as error:
        if not (digests or upload.sent or (release and release.created)):
            raise
        stopped = error
    except anyio.get_cancelled_exc_class():
        log.warning("An upload was cancelled: %d of %d files were sent.", len(upload.sent), len(read.pairs))
        raise
    return _result(read, shown, upload.outcomes, release, stopped)


def _result(
    read: LocalBuild,
    shown: BuildUpload,
    outcomes: dict[str, Outcome],
    release: UploadRelease | None,
    stopped: ApiError | None,
) -> BuildUpload:
    """Say what was done, and what is left to do."""
    reason = f"not sent: the upload ended early ({stopped.code})" if stopped else "not sent"
    every = {pair.path: outcomes.get(pair.path, ("failed", reason)) for pair in read.pairs}
    for pair in read.pairs:
        if pair.copy_of and every[pair.copy_of][0] in THERE:
            every[pair.path] = ("copy", pair.copy_of)
    rows, states = rows_of(read.examined, every)
    there = sum(state in THERE | {"copy"} for state, _ in every.values())
    sent = sum(state == "uploaded" for state, _ in every.values())
    scripts = counted(len(read.pairs) + read.cannot, "script", "scripts")
    have = "has its" if there == 1 else "have their"
    now = counted(sent, "was uploaded now", "were uploaded now")
    cannot = f"; {read.cannot:,} cannot be uploaded" if read.cannot else ""
    changes = {
        "summary": f"{there:,} of {scripts} {have} source map in PostHog: {now}{cannot}.",
        "states": states,
        "scripts": rows,
        **({"release": release} if release else {}),
    }
    shown = shown.model_copy(update=changes)
    if stopped is None and there == len(read.pairs) and not read.incomplete:
        return shown.without(AFTERWARDS).done(DEPLOY if AFTERWARDS in shown.notes else DEPLOY_THESE)
    again = f"{CALL_AGAIN}: what is there is not sent twice."
    if stopped is not None:
        early = f"The upload ended early ({stopped.code}), so it is not known whether everything is there."
        return _incomplete(shown, f"{early} {again}")
    if there == len(read.pairs):
        return _incomplete(shown, f"A part of the directory was not looked at: {read.incomplete}.")
    return _incomplete(shown, f"Not everything is there. {again}")


def _incomplete(shown: BuildUpload, reason: str) -> BuildUpload:
    """Return an answer to an upload that ended before everything was there; its code is spent."""
    told = shown.because(reason)
    told.model_fields_set.discard("confirm")
    return told


TOOLS = [Tool(upload_build, UPLOAD, "Upload source maps", annotations=UPDATE, meta=PANEL)]
