"""Builds on this machine: whether the errors of what is about to be deployed will be readable."""

import shlex
from collections import Counter
from typing import Annotated, Any, NamedTuple

from mcp.server.mcpserver import Context
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, NoKey
from errtrack_mcp.api.models import OURS, ToolOutput, how_many_fit
from errtrack_mcp.api.sanitize import clean, quoted
from errtrack_mcp.builds.directory import LEFT_OUT, BuildDirectory, Bundle
from errtrack_mcp.builds.verdict import OUTLOOKS, REBUILD, UPLOAD, Uploaded, commands, judge, overall, shared_ids
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.build_position import BuildPosition, Script, find_position, wanted_position
from errtrack_mcp.tools.build_roots import Roots
from errtrack_mcp.tools.counted import counted
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.parameters import MAX_TOKENS, ColumnNumber, LineNumber, MaxTokens
from errtrack_mcp.tools.progress import Report
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.symbol_set_lookup import look_up_refs
from errtrack_mcp.tools.symbol_sets import SymbolSet
from errtrack_mcp.tools.thread_slices import in_slices

MAX_PATH_LENGTH = 300
NUMBER = "NUMBER"
FETCHED = frozenset({"not_injected", "inline_map", "external_map"})  # what PostHog could fetch by itself

Directory = Annotated[str, Field(max_length=4096, description="Below the build root; default the root itself")]
Exclude = Annotated[str, Field(max_length=1000, description="Globs of paths to leave out, separated by commas")]

BUILD_AGAIN = "build again with source maps in files of their own (esbuild --sourcemap, Vite build.sourcemap)"


class CheckedScript(ToolOutput):
    """One script of a build; `path` is relative to the directory, `detail` says why it could not be read."""

    path: str
    state: str
    chunk_id: str = ""
    map: str = ""
    detail: str = ""


class BuildCheck(ToolOutput):
    """The check of a build; `states` counts and explains the states that occur."""

    readable: Annotated[bool | None, Field(description="null: could not tell")]
    summary: Annotated[str, OURS]
    position: Annotated[BuildPosition, Field(description="Of line and column in script")] | None = None
    states: Annotated[dict[str, str], OURS]
    commands: Annotated[list[str], OURS]
    notes: Annotated[list[str], OURS]
    scripts: Annotated[list[CheckedScript], Field(description="Worst first")]
    left_out: Annotated[str, OURS] = ""

    def shrunk(self, max_tokens: int) -> "BuildCheck":
        """Return the check with as many scripts as fit into `max_tokens`, at least one, saying how many do not."""
        kept = how_many_fit(self.scripts, self.model_copy(update={"scripts": []}), max_tokens)
        beyond = len(self.scripts) - kept
        if not beyond:
            return self
        said = f"{beyond} scripts, none worse than the last one here, did not fit into max_tokens={max_tokens}"
        return self.model_copy(update={"scripts": self.scripts[:kept], "left_out": said})


class Lookup(NamedTuple):
    """What the project has for the chunk ids that were asked about, and why the rest was not asked about."""

    uploaded: dict[str, Uploaded]
    stopped_by: ApiError | None = None
    old_failures: int = 0


async def check_build(
    api: Api,
    roots: Roots,
    context: Context[Any, Any],
    directory: Directory = "",
    exclude: Exclude = "",
    max_tokens: MaxTokens = MAX_TOKENS,
    script: Script = "",
    line: LineNumber = 0,
    column: ColumnNumber = 0,
) -> BuildCheck:
    """Check whether errors from a local build directory will be readable, and which commands would make them so."""
    if clean(exclude) != exclude:
        raise Refusal("invalid_arguments", f"exclude holds invisible characters: {quoted(exclude, 120)}.")
    wanted = wanted_position(script, line or None, column or None)
    path, root = roots.find(directory)
    build = BuildDirectory(path, root, tuple(glob.strip() for glob in exclude.split(",") if glob.strip()))
    bundles = await read_bundles(build, context.report_progress)
    position = await find_position(wanted, path, root, bundles) if wanted else None
    lookup = await look_up(api, bundles, context.report_progress)
    check = conclude(build, bundles, lookup, environment(api.origin, api.prefix[1]))
    if position is not None:
        check = check.model_copy(update={"position": position})
    elif lookup.stopped_by is not None and not lookup.uploaded and _needs_an_answer(check, lookup.stopped_by):
        raise lookup.stopped_by
    return check.shrunk(max_tokens)


def _needs_an_answer(check: BuildCheck, error: ApiError) -> bool:
    """Return whether the check says nothing without the project: some builds are surely not readable all the same."""
    return check.readable is None and not isinstance(error, NoKey)


async def read_bundles(build: BuildDirectory, report: Report) -> list[Bundle]:
    """Read the scripts of a build in a thread."""
    bundles: list[Bundle] = []
    async for read in in_slices(build.bundles()):
        bundles += read
        await report(len(bundles), None, f"Read {len(bundles)} scripts.")
    return bundles


async def look_up(api: Client, bundles: list[Bundle], report: Report) -> Lookup:
    """Ask the project for the symbol set of every chunk id."""
    ids = [bundle.script.chunk_id for bundle in bundles if bundle.script and bundle.script.chunk_id]
    found = await look_up_refs(api, ids, report, before=len(bundles))
    rows = [row for row in found.rows.values() if row is not None]
    old_failures = sum(row.has_uploaded_file and bool(row.failure_reason) for row in rows)
    return Lookup({ref: _uploaded(row) for ref, row in found.rows.items()}, found.stopped_by, old_failures)


def _uploaded(row: SymbolSet | None) -> Uploaded:
    if row is None:
        return Uploaded.NOTHING
    return Uploaded.FILE if row.has_uploaded_file else Uploaded.FAILED


def conclude(build: BuildDirectory, bundles: list[Bundle], lookup: Lookup, target: str) -> BuildCheck:
    """Put what was read and what the project has together; `target` is the environment of the commands."""
    shared = shared_ids(bundles)
    order = list(OUTLOOKS)
    judged = [(judge(bundle, lookup.uploaded, shared), bundle) for bundle in bundles]
    judged.sort(key=lambda pair: (order.index(pair[0]), pair[1].path))
    counts = Counter(state for state, _ in judged)
    readable = overall(counts, complete=not (build.cut or build.too_deep))
    left_out = [f"**/{name}/**" for name in sorted(LEFT_OUT)] if build.left_out else []
    excluding = [*left_out, *(f"**/{glob}" for glob in build.exclude)]
    named = str(build.path) if clean(str(build.path)) == str(build.path) else "DIRECTORY"
    fixes = commands(counts, named, target, excluding=excluding)
    notes = _notes(build, counts, lookup)
    if lookup.old_failures:
        work = counted(lookup.old_failures, "uploaded symbol set works", "uploaded symbol sets work")
        notes.append(f"{work}; a failure_reason there is older than the file.")
    if fixes:
        notes.append(
            "The commands in one step, and with the key of a login too: error-tracking-symbol-sets-upload, or "
            f"errtrack-mcp upload {shlex.quote(named)}."
        )
    if fixes and f"={NUMBER} " in target:
        notes.append(f"{NUMBER} stands for the project's number, as in /project/12345.")
    return BuildCheck(
        readable=readable,
        summary=_summary(counts, readable=readable),
        states={state: f"{number}: {OUTLOOKS[state].meaning}" for state, number in counts.items()},
        commands=fixes,
        notes=notes,
        scripts=[_checked(state, bundle) for state, bundle in judged],
    )


def environment(origin: str, project: str) -> str:
    """Name host, project and key as PostHog's CLI reads them; without a key in the environment a shell stops."""
    number = NUMBER if project == "@current" else project
    key = '"${POSTHOG_PERSONAL_API_KEY:?}"'
    return (
        f"POSTHOG_CLI_HOST={shlex.quote(origin)} POSTHOG_CLI_PROJECT_ID={shlex.quote(number)} POSTHOG_CLI_API_KEY={key}"
    )


def _summary(counts: Counter[str], *, readable: bool | None) -> str:
    if not counts:
        return "Could not tell: there is no script (.js, .mjs, .cjs) in the directory."
    total = counts.total()
    bad = sum(number for state, number in counts.items() if OUTLOOKS[state].readable is False)
    unknown = sum(number for state, number in counts.items() if OUTLOOKS[state].readable is None)
    rest = f"; {unknown} could not be judged" if unknown else ""
    if readable:
        all_of = "the one script" if total == 1 else f"all {total} scripts"
        return f"Readable: the project has symbols for what can fail in {all_of}."
    scripts = counted(total, "script", "scripts")
    if readable is None:
        return f"Could not tell: {scripts}, none surely unreadable{rest}."
    lacking = "lacks what makes its stack traces" if bad == 1 else "lack what makes their stack traces"
    return f"Not readable: {bad:,} of {scripts} {lacking} readable{rest}."


def _notes(build: BuildDirectory, counts: Counter[str], lookup: Lookup) -> list[str]:
    """Say what to do in addition to the commands, what was not looked at, and what cannot be known."""
    steps = {step for state in counts for step in OUTLOOKS[state].steps}
    notes = []
    if REBUILD in steps:
        notes.append(f"First {BUILD_AGAIN}.")
    if UPLOAD in steps:
        notes.append("Deploy the very files that were injected and uploaded. Then check again.")
    if not FETCHED.isdisjoint(counts):
        notes.append(
            "Without a chunk id a script is readable only if PostHog can fetch it and its map where they are served."
        )
    if build.cut:
        notes.append(f"Incomplete: {build.cut}.")
    if build.too_deep:
        notes.append(f"Incomplete: {build.too_deep} folders lie too deep and were not entered.")
    if build.left_out:
        notes.append(f"{build.left_out} folders named {' or '.join(sorted(LEFT_OUT))} were left out.")
    if build.excluded:
        notes.append(f"{build.excluded} scripts were excluded as asked.")
    if lookup.stopped_by is not None:
        later = "; call again later" if lookup.stopped_by.transient else ""
        notes.append(f"The project was not asked about every chunk id ({lookup.stopped_by.code}{later}).")
    if "uploaded" in counts:
        notes.append(
            "PostHog says that a file is there as soon as its upload begins, and not whether it matches this build."
        )
    return notes


def _checked(state: str, bundle: Bundle) -> CheckedScript:
    given: dict[str, Any] = {"path": clean(bundle.path, MAX_PATH_LENGTH), "state": state}
    if bundle.script and bundle.script.chunk_id:
        given["chunk_id"] = bundle.script.chunk_id
    if bundle.map:
        given["map"] = str(bundle.map)
    if bundle.unread:
        given["detail"] = bundle.unread
    return CheckedScript(**given)


TOOLS = [Tool(check_build, "error-tracking-build-check", "Check a build", annotations=READ, meta=PANEL)]
