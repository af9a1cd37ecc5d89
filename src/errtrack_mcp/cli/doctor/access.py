"""The rights of the key: whether it is accepted, its scopes, its project, and one call of each toolset."""

import time
from uuid import UUID

from mcp import Client as McpClient
from mcp_types import TextContent, Tool

from errtrack_mcp.api.errors import ApiError, Forbidden, MissingScope, NotFound, Unauthenticated
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.posthog import QUERY_SCOPE, READ_SCOPE, WRITE_SCOPE
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.cli.doctor.run import DoctorRun, Finding, Skipped, failed, passed, warned
from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.server.app import fixed_project
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET, LOCAL_TOOLSETS, STACK_TRACES
from errtrack_mcp.symbolication.process import is_installed
from errtrack_mcp.tools.counted import counted

NOWHERE = str(UUID(int=0))
NEED_QUERIES = (
    "error-tracking-issues-releases needs it; error-tracking-issues-diagnose and error-tracking-stack-traces-resolve "
    "find the symbol sets of some issues only with it"
)


class Project(ApiModel):
    """As much of a project as names it."""

    id: int = 0
    name: str = ""


async def list_once(run: DoctorRun) -> ApiError | None:
    """List one release: what nearly every tool needs. Returns how it failed; asks only once."""
    if not run.listed:
        run.listed = True
        try:
            await run.client().get_page("releases", of=ApiModel, offset=0, limit=1)
        except ApiError as error:
            run.listing = error
    return run.listing


async def check_key(run: DoctorRun) -> Finding:
    """See whether the host knows the key."""
    run.usable()
    run.needs("answer")
    info = run.probe.key
    if info:
        return passed(f"accepted, labelled {quoted(info.label)}" if info.label else "accepted")
    failure = await list_once(run)  # an older installation, or an OAuth token, tells nothing about the key
    if isinstance(failure, Unauthenticated):
        return failed(run.message(failure))
    return passed("accepted, but the host tells nothing more about it")


async def check_scopes(run: DoctorRun) -> Finding:
    """See whether the key may read and write error tracking."""
    settings = run.usable()
    run.needs("key")
    reads, writes = await _scopes(run)
    queries = _may_query(run)
    said = (
        f"{READ_SCOPE} {_yes(answer=reads)}, {WRITE_SCOPE} {_yes(answer=writes)}, {QUERY_SCOPE} {_yes(answer=queries)}"
    )
    said += "" if queries else f" ({NEED_QUERIES})"
    if reads is False:
        return failed(said, f"Add {READ_SCOPE} (and {WRITE_SCOPE}, unless you only read) to the key at {run.key_page}.")
    if writes is False and not settings.read_only:
        return warned(said, f"Add {WRITE_SCOPE} at {run.key_page}, or set ERRTRACK_READ_ONLY=1 to offer no more.")
    return passed(said)


def _may_query(run: DoctorRun) -> bool | None:
    """Return whether the host says that the key may ask queries; None where it tells nothing about keys."""
    info = run.probe.key
    return bool({"*", QUERY_SCOPE} & set(info.scopes)) if info and info.scopes is not None else None


async def _scopes(run: DoctorRun) -> tuple[bool | None, bool | None]:
    """Return whether the key may read and write, as the host says or as it acts; None where neither tells."""
    info = run.probe.key
    if info and info.scopes is not None:
        held = set(info.scopes)
        return bool(held & {"*", READ_SCOPE, WRITE_SCOPE}), bool(held & {"*", WRITE_SCOPE})
    failure = await list_once(run)
    reads = False if isinstance(failure, MissingScope) else None if failure else True
    if run.settings and run.settings.read_only:
        return reads, None
    try:  # changes nothing, twice over: no such release, and nothing in it to change
        await run.client().patch("releases", NOWHERE, body={})
    except MissingScope:
        return reads, False
    except NotFound:
        return reads, reads
    except ApiError:
        return reads, None
    return reads, True


async def check_project(run: DoctorRun) -> Finding:
    """See whether the project is there for the key, and what it is called."""
    settings = run.usable()
    run.needs("key")
    kind, project = fixed_project(settings)
    unseen = await _unseen(run)
    if unseen:
        return unseen
    older = kind == "environments"
    try:
        found = await run.account("projects").get(project, into=Project)
        said = f"{quoted(found.name)} (project {found.id})" if found.name else f"project {found.id or project}"
    except MissingScope:
        said = f"project {project} is there; to see its name the key would need the scope project:read"
    except ApiError:
        said = f"project {project} is there; the host does not tell its name"
    if project == "@current":
        said += ", the current one of the key's owner; POSTHOG_PROJECT_ID would fix it"
    return warned(said, "Set POSTHOG_PROJECT_ID: PostHog has deprecated /api/environments/.") if older else passed(said)


async def _unseen(run: DoctorRun) -> Finding | None:
    """Return why the key cannot see the project. PostHog looks for the project before it looks at scopes."""
    failure = await list_once(run)
    if isinstance(failure, MissingScope):
        return None
    if isinstance(failure, NotFound):
        project = fixed_project(run.usable())[1]
        return failed(f"there is no project {project} on this host", "Set POSTHOG_PROJECT_ID to the number in its URL.")
    if isinstance(failure, Forbidden):
        info = run.probe.key
        reach = ", ".join(map(str, info.scoped_teams or ())) if info else ""
        limited = f"The key is limited to projects {reach}: set POSTHOG_PROJECT_ID to one of them." if reach else ""
        return failed(run.message(failure), limited)
    return failed(run.message(failure)) if failure else None


class ToolsetCheck:
    """See whether a tool of one toolset works, called as a client calls it, and what the key lacks for others."""

    def __init__(self, toolset: str) -> None:
        self.toolset = toolset

    async def __call__(self, run: DoctorRun) -> Finding:
        """Call the first tool of the toolset that lists."""
        settings = run.usable()
        members = {tool.name for tool in EVERY_TOOLSET[self.toolset]}
        offered = [shown.listed for name, shown in Catalog(settings, local=True).whole.tools.items() if name in members]
        if not offered and self.toolset == STACK_TRACES and not is_installed():
            raise Skipped("needs the extra symbolicate")
        if not offered:
            raise Skipped("the settings offer none of its tools")
        run.needs("scopes", "project")
        async with connected(settings) as client:
            failure, said = await _tried(client, offered)
        if failure:
            return failed(failure)
        return await self._with_scopes(run, offered, said)

    async def _with_scopes(self, run: DoctorRun, offered: list[Tool], said: str) -> Finding:
        if self.toolset in LOCAL_TOOLSETS:
            return passed(said)
        reads, writes = await _scopes(run)
        changing = [tool for tool in offered if not (tool.annotations and tool.annotations.read_only_hint)]
        reading = counted(len(offered) - len(changing), "tool reads", "tools read")
        said += f"; {reading}: {_yes(answer=reads)}"
        said += f", {counted(len(changing), 'writes', 'write')}: {_yes(answer=writes)}" if changing else ", none writes"
        if changing and writes is False:
            return warned(said, f"What writes will be refused: the key lacks {WRITE_SCOPE}.")
        return passed(said)


async def _tried(client: McpClient, offered: list[Tool]) -> tuple[str, str]:
    """Call the list of a toolset; return the words of its failure, and what else there is to say."""
    listing = next((tool for tool in offered if _lists(tool)), None)
    if listing is None:
        return "", f"{counted(len(offered), 'tool', 'tools')}, none of which can be tried without arguments"
    one = {"limit": 1} if "limit" in listing.input_schema.get("properties", {}) else {}
    started = time.monotonic()
    result = await client.call_tool(listing.name, one)
    if result.is_error:
        return " ".join(block.text for block in result.content if isinstance(block, TextContent)), ""
    return "", f"{listing.name} answers in {(time.monotonic() - started) * 1000:.0f} ms"


def _lists(tool: Tool) -> bool:
    reads = tool.annotations is not None and tool.annotations.read_only_hint is True
    return reads and tool.name.endswith("-list") and not tool.input_schema.get("required")


def _yes(*, answer: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[answer]
