"""The plan of an upload: what is in the build, what the project has of it, and what would be done. Nothing changes."""

import os
from typing import NamedTuple

from anyio import to_thread

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.sanitize import clean, quoted
from errtrack_mcp.builds.directory import LEFT_OUT, BuildDirectory
from errtrack_mcp.builds.git import git_facts
from errtrack_mcp.builds.script import Unread
from errtrack_mcp.builds.uploadable import Binding, Pair, ReleaseMode, Skipped, examine, settle
from errtrack_mcp.tools.build_check import BUILD_AGAIN, read_bundles
from errtrack_mcp.tools.build_roots import BuildRoots
from errtrack_mcp.tools.counted import counted
from errtrack_mcp.tools.deletion import PREVIEWED, ConfirmCode, Preview
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.symbol_set_lookup import FoundSymbolSets, look_up_refs
from errtrack_mcp.tools.symbol_sets import SymbolSet
from errtrack_mcp.tools.thread_slices import in_slices
from errtrack_mcp.tools.uploads.inject import leftovers_of
from errtrack_mcp.tools.uploads.models import HARMLESS, BuildUpload, Outcome, rows_of
from errtrack_mcp.tools.uploads.patient_client import patient
from errtrack_mcp.tools.uploads.release import WantedRelease, wanted_release
from errtrack_mcp.tools.uploads.same_content import compare

UPLOAD = "error-tracking-symbol-sets-upload"
MAX_SECONDS = 900.0  # of asking about each chunk id: PostHog allows 1,200 calls a minute
NOTHING = "Nothing can be uploaded: states has the reasons."
EVERYTHING_THERE = "Nothing to do: the project has all of it, and no file has to be injected."
THE_REST = "Nothing more can be uploaded: what can be is there. What is missing, and why: states."
AFTERWARDS = "Deploy the injected files afterwards: only their errors carry the chunk ids."


class UploadArguments(NamedTuple):
    """The arguments of an upload."""

    directory: str = ""
    project: str = ""
    version: str = ""
    build: str = ""
    release_mode: str = ReleaseMode.EVENT
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    inject: bool = True
    force: bool = False


class LocalBuild(NamedTuple):
    """A build as it is now: what of it can be uploaded, and for which release.

    `has_leftovers` says that an injection was killed, and has left files next to those of the build.
    """

    asked: UploadArguments
    directory: BuildDirectory
    examined: list[Pair | Skipped]
    binding: Binding
    release: WantedRelease | None
    has_leftovers: bool

    @property
    def cannot(self) -> int:
        """How many scripts need a map in PostHog and cannot have it as they are."""
        skipped = [each for each in self.examined if isinstance(each, Skipped)]
        return sum(each.state not in HARMLESS for each in skipped)

    @property
    def pairs(self) -> list[Pair]:
        """The scripts that can be uploaded, in a stable order."""
        return [each for each in self.examined if isinstance(each, Pair)]

    @property
    def incomplete(self) -> str:
        """Why a part of the directory was not looked at, or ""."""
        if self.directory.cut:
            return self.directory.cut
        return f"{self.directory.too_deep} folders lie too deep" if self.directory.too_deep else ""


async def read_build(api: Client, roots: BuildRoots, asked: UploadArguments, report: Report) -> LocalBuild:
    """Read a build and find its release. Raises Refusal, and ApiError where the release cannot be asked for."""
    for name in ("include", "exclude"):
        given = ",".join(getattr(asked, name))
        if clean(given) != given:
            raise Refusal("invalid_arguments", f"{name} holds invisible characters: {quoted(given, 120)}.")
    path, root = roots.find(asked.directory)
    mode = ReleaseMode(asked.release_mode)
    release = None
    if asked.inject or mode is ReleaseMode.SYMBOL_SET:
        git = await to_thread.run_sync(git_facts, os.environ, path, root)
        release = wanted_release(asked.project, asked.version, asked.build, git)
    elif asked.project or asked.version or asked.build:
        raise Refusal(
            "invalid_arguments",
            "With inject=false and release_mode=event nothing would be bound to a release: the code at the top of each "
            "script names it. Leave project, version and build out, or use release_mode=symbol-set.",
        )
    release_id = await release.find(api) if release else ""
    named = (release.project, release.version) if release else None
    binding = Binding(mode, asked.inject, named, release_id)
    directory = BuildDirectory(path, root, asked.exclude, include=asked.include)
    bundles = await read_bundles(directory, report)
    examined: list[Pair | Skipped] = []
    async for some in in_slices(examine(bundle, path, root, binding) for bundle in bundles):
        examined += some
        await report(len(bundles) + len(examined), None, f"Read {len(examined)} of {len(bundles)} maps.")
    settled = settle(examined)
    pairs = [each for each in settled if isinstance(each, Pair)]
    try:
        has_leftovers = bool(await to_thread.run_sync(leftovers_of, pairs))
    except Unread as error:
        raise Refusal("incomplete", f"What stands next to the scripts cannot be listed: {error}.") from None
    return LocalBuild(asked, directory, settled, binding, release, has_leftovers)


def confirm_code(api: Client, build: LocalBuild, found: FoundSymbolSets | None) -> str:
    """Return the code of a plan: over arguments, release, contents of all files, and what force replaces."""
    asked = build.asked
    code = ConfirmCode(api, UPLOAD, api.prefix, str(build.directory.path), asked.project, asked.version, asked.build)
    code.add(asked.release_mode, asked.include, asked.exclude, asked.inject, asked.force, build.binding.release_id)
    code.add(build.release.metadata if build.release else None)
    for pair in build.pairs:
        code.add(pair.path, *(digest.hex() for digest in pair.digests))
    if found:
        code.add({ref: row and [row.id, row.created_at, row.has_uploaded_file] for ref, row in found.rows.items()})
    return str(code)


async def plan_upload(api: Client, build: LocalBuild, report: Report, confirm: str) -> Preview[BuildUpload]:
    """Return the plan of an upload.

    The project is asked about each chunk id, unless `confirm` fits without: then only what is not there is added, and
    that is looked at when it is sent.
    """
    if not build.pairs:
        harmless = all(isinstance(each, Skipped) and each.state in HARMLESS for each in build.examined)
        whole = harmless and bool(build.examined) and not build.incomplete
        return Preview(_shown(build, {}, NOTHING, uploaded=whole), "")
    code = confirm_code(api, build, None)
    if confirm == code and not build.asked.force:
        outcomes = {pair.path: _outcome(pair) for pair in build.pairs}
        return Preview(_shown(build, outcomes, PREVIEWED, code), _question(api, build, outcomes))
    refs = [pair.chunk_id for pair in build.pairs]
    before = 2 * len(build.examined)
    found = await look_up_refs(patient(api), refs, report, before=before, seconds=MAX_SECONDS)
    if found.stopped_by is not None:
        raise found.stopped_by
    outcomes = await _outcomes(api, build, found)
    is_whole = not (build.has_leftovers or build.incomplete or any(pair.rewritten for pair in build.pairs))
    if is_whole and {state for state, _ in outcomes.values()} <= {"there", "copy"}:
        done = THE_REST if build.cannot else EVERYTHING_THERE
        return Preview(_shown(build, outcomes, done, uploaded=True), "")
    code = confirm_code(api, build, found) if build.asked.force else code
    return Preview(_shown(build, outcomes, PREVIEWED, code), _question(api, build, outcomes))


async def _outcomes(api: Client, build: LocalBuild, found: FoundSymbolSets) -> dict[str, Outcome]:
    """Say for each pair what the project has of it, and so what would be done."""
    outcomes = {}
    with_file: dict[str, SymbolSet] = {}
    for pair in build.pairs:
        row = found.rows.get(pair.chunk_id)
        outcomes[pair.path] = _outcome(pair)
        if pair.chunk_id not in found.rows and build.asked.force:
            outcomes[pair.path] = ("to_overwrite", "this PostHog does not tell what it has for the chunk id")
        if row is None or pair.copy_of:
            continue
        if _is_of_another_release(row, pair, build.binding):
            outcomes[pair.path] = ("other_release", row.release.id if row.release else "")
        elif row.has_uploaded_file:
            with_file[pair.path] = row
    compared = await compare(api, {pair.path: pair for pair in build.pairs}, build.binding, with_file)
    differing = "to_overwrite" if build.asked.force else "differs"
    for path, same in compared.items():
        if same.is_unfinished:
            continue
        unknown = differing if build.asked.force else "not_compared"
        state = unknown if same.is_same is None else "there" if same.is_same else differing
        outcomes[path] = (state, same.why_not)
    return outcomes


def _outcome(pair: Pair) -> Outcome:
    if pair.copy_of:
        return "copy", pair.copy_of
    return ("to_inject" if pair.rewritten else "to_upload", pair.note)


def release_of(pair: Pair, binding: Binding) -> str | None:
    """Return the id of the release that a pair's symbol set is to be bound to; None for none."""
    if binding.mode is ReleaseMode.SYMBOL_SET and binding.release_id:
        return binding.release_id
    return pair.release_id or None


def _is_of_another_release(row: SymbolSet, pair: Pair, binding: Binding) -> bool:
    wanted = release_of(pair, binding)
    return row.release is not None and wanted is not None and row.release.id != wanted


def _shown(
    build: LocalBuild, outcomes: dict[str, Outcome], next_step: str, code: str = "", *, uploaded: bool = False
) -> BuildUpload:
    rows, states = rows_of(build.examined, outcomes)
    release = {"release": build.release.shown(build.binding.release_id)} if build.release else {}
    notes = list(_notes(build))
    return BuildUpload(
        uploaded=uploaded,
        summary=_summary(build, outcomes),
        **release,
        size=sum(pair.size for pair in build.pairs),
        states=states,
        **({"notes": notes} if notes else {}),
        scripts=rows,
        **({"confirm": code} if code else {}),
        next_step=next_step,
    )


def _summary(build: LocalBuild, outcomes: dict[str, Outcome]) -> str:
    total, there = len(build.examined), sum(state == "there" for state, _ in outcomes.values())
    if not total:
        return "There is no script (.js, .mjs, .cjs) in the directory."
    scripts = counted(total, "script", "scripts")
    rewritten = sum(pair.rewritten for pair in build.pairs)
    parts = [f"{len(build.pairs):,} of {scripts} can be uploaded"] if there < len(build.pairs) else []
    parts += [f"{there:,} of {scripts} {'is' if there == 1 else 'are'} there already"] if there else []
    parts += [counted(rewritten, "is injected first", "are injected first")] if rewritten else []
    parts += [f"{build.cannot:,} cannot be uploaded"] if build.cannot else []
    return f"{', '.join(parts) or 'No script has anything to upload'}."


def _notes(build: LocalBuild) -> list[str]:
    notes = []
    if build.incomplete:
        notes.append(f"Incomplete: {build.incomplete}.")
    if build.directory.left_out:
        folders = counted(build.directory.left_out, "folder", "folders")
        notes.append(f"Left out: {folders} named {' or '.join(sorted(LEFT_OUT))}.")
    if build.directory.excluded:
        scripts = counted(build.directory.excluded, "script", "scripts")
        notes.append(f"Left out by include and exclude: {scripts}.")
    if build.has_leftovers:
        notes.append("An injection was killed here: the files that it left (.*.errtrack-*) are removed first.")
    if build.release is None and build.asked.inject:
        notes.append("No release: none was named, and git does not name one here.")
    if any(pair.rewritten for pair in build.pairs):
        notes.append(AFTERWARDS)
    if any(isinstance(each, Skipped) and each.state == "no_map" for each in build.examined):
        notes.append(f"For what has no map, {BUILD_AGAIN}.")
    return notes


def _question(api: Client, build: LocalBuild, outcomes: dict[str, Outcome]) -> str:
    overwritten = sum(state == "to_overwrite" for state, _ in outcomes.values())
    rewritten = sum(pair.rewritten for pair in build.pairs)
    uploaded = counted(len(build.pairs), "script", "scripts")
    parts = [f"Upload the source maps of {uploaded} to project {api.prefix[-1]}"]
    if rewritten:
        written = counted(rewritten, "script and its map", "scripts and their maps")
        parts.append(f"rewrite {written} in {quoted(str(build.directory.path), 200)}")
    if overwritten:
        replaced = counted(overwritten, "file that others uploaded", "files that others uploaded")
        parts.append(f"replace {replaced}, for good")
    return f"{', and '.join(parts)}?"
