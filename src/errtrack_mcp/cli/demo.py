"""The main job, shown: a real client talks over stdio to the real server on the embedded sandbox."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import click
from anyio import to_thread
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters
from mcp_types import TextContent
from rich.console import Console
from rich.table import Table
from rich.text import Text

from errtrack_mcp.cli.demo_app import DeployedApp
from errtrack_mcp.cli.tools import kind_of
from errtrack_mcp.python_module import command_of_module
from errtrack_mcp.sandbox.seed import FULL_KEY
from errtrack_mcp.symbolication.process import is_installed
from errtrack_mcp.tools.failure_reasons import decode_failure

Row = dict[str, Any]


@click.command(short_help="Show the main job on the sandbox, with a real client.")
def command() -> None:
    """Show the main job: a real client, the real server, the sandbox."""
    anyio.run(run_demo)


class Demo:
    """One run: the connected client, and where to print."""

    def __init__(self, client: Client, console: Console) -> None:
        self.client = client
        self.console = console

    async def call(self, tool: str, **arguments: Any) -> Row:
        """Call a tool, showing the call; stop the demo with the tool's own words if it fails."""
        shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self.console.print(Text(f"→ {tool}({shown})", style="cyan"), soft_wrap=True)
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            message = " ".join(block.text for block in result.content if isinstance(block, TextContent))
            raise RuntimeError(f"{tool} failed: {message}")
        answer: Row = result.structured_content
        return answer

    def heading(self, text: str) -> None:
        """Print the heading of a step."""
        self.console.print()
        self.console.rule(Text(text, style="bold"), align="left")

    async def issue(self) -> None:
        """Show the issues, the minified stack trace of the most frequent one, and why it is minified."""
        self.heading("What breaks in production? The most frequent issues")
        page = await self.call("query-error-tracking-issues-list", limit=5)
        table = _table("times", "users", "issue", "last seen")
        for row in page["results"]:
            named = f"{row.get('name', '')}: {row.get('description', '')}"[:80]
            users, seen = str(row["estimated_users"]), row["last_seen"][:16].replace("T", " ")
            table.add_row(str(row["occurrences"]), users, Text(named), seen)
        self.console.print(table)
        issue_id = page["results"][0]["id"]
        self.heading("Its stack trace, as PostHog has stored it")
        events = await self.call("query-error-tracking-issue-events", issue_id=issue_id, limit=1)
        self._print_trace(events["results"][0]["exceptions"][0])
        self.heading("Why is it minified?")
        found = await self.call("error-tracking-issues-diagnose", issue_id=issue_id)
        self.console.print(Text(found["summary"]))
        for cause in found["causes"]:
            self.console.print(Text(cause["meaning"], style="yellow"))
            self.console.print(Text(f"What fixes it: {cause['remedy']}"))

    async def upload(self, app: DeployedApp, origin: str) -> None:
        """Let the app fail, upload its source map, and let it fail again: the new error is readable."""
        if not is_installed():
            return
        self.heading("An app whose source map nobody uploaded fails in a page")
        before = await self._failure_of(app, origin)
        found = await self.call("error-tracking-issues-diagnose", issue_id=before)
        self.console.print(Text(found["summary"]))
        for cause in found["causes"]:
            self.console.print(Text(f"What fixes it: {cause['remedy']}"))
        self.heading("So its build is uploaded: first the plan, then, with its confirm, the upload")
        release = {"project": "checkout-demo", "version": "2026.11"}
        plan = await self.call("error-tracking-symbol-sets-upload", **release)
        self.console.print(Text(f"{plan['summary']} {plan['next_step']}"))
        done = await self.call("error-tracking-symbol-sets-upload", **release, confirm=plan["confirm"])
        self.console.print(Text(done["summary"], style="green"))
        self.heading("The app is deployed as injected, and fails again. Now PostHog itself shows the source")
        await self._failure_of(app, origin, not_of=before)

    async def _failure_of(self, app: DeployedApp, origin: str, not_of: str = "") -> str:
        """Let the app fail, show the newest event of its issue, and return the id of that issue."""
        await to_thread.run_sync(app.fail, origin)
        page = await self.call("query-error-tracking-issues-list", search="reading 'discount'", order_by="first_seen")
        issue_id: str = next(row["id"] for row in page["results"] if row["id"] != not_of)
        events = await self.call("query-error-tracking-issue-events", issue_id=issue_id, limit=1)
        self._print_trace(events["results"][0]["exceptions"][0])
        return issue_id

    async def resolved_trace(self) -> None:
        """Make a stored stack trace readable whose map came too late for PostHog, where the extra for that is there."""
        if not is_installed():
            return
        self.heading("An upload came too late for this error, so it stays minified in PostHog. Readable here:")
        page = await self.call("query-error-tracking-issues-list", search="t.account.discount", limit=1)
        resolved = await self.call("error-tracking-stack-traces-resolve", issue_id=page["results"][0]["id"])
        self.console.print(Text(resolved["stack_trace"], style="green"))

    def _print_trace(self, thrown: Row) -> None:
        """Print an exception as a browser does, the throw site first; minified frames in red."""
        self.console.print(Text(f"{thrown['type']}: {thrown['value']}"))
        for frame in reversed(thrown["frames"]):
            place = f"{frame.get('source', '')}:{frame.get('line', '?')}:{frame.get('column', '?')}"
            style = "green" if frame["readable"] else "red"
            self.console.print(Text(f"    at {frame.get('function', '?')} ({place})", style=style))

    async def tools(self) -> None:
        """List the tools on offer."""
        self.heading("The tools an assistant is offered")
        table = _table("tool", "kind", "what it does")
        for tool in (await self.client.list_tools()).tools:
            table.add_row(tool.name, kind_of(tool), (tool.description or "").split(". ")[0].rstrip("."))
        self.console.print(table)

    async def releases(self) -> None:
        """Show the newest releases."""
        self.heading("The newest releases")
        page = await self.call("error-tracking-releases-list", limit=6)
        table = _table("created", "project", "version", "branch", "id")
        for row in page["results"]:
            table.add_row(
                row["created_at"][:16].replace("T", " "),
                row["project"],
                row["version"][:16],
                row.get("branch", ""),
                row["id"],
            )
        self.console.print(table)
        self.console.print(f"{page['count']} in all; the next page begins at offset {page['next_offset']}.")

    async def broken_symbol_sets(self) -> None:
        """Show which symbol sets are broken, and why."""
        self.heading("Why are stack traces minified? The broken symbol sets")
        page = await self.call(
            "error-tracking-symbol-sets-list", status="no_file", limit=100, detail="full", max_tokens=50_000
        )
        table = _table("ref", "what happened", "what fixes it")
        seen: set[str] = set()
        for row in page["results"]:
            failure = decode_failure(row["failure_reason"] or "")
            if failure.kind in seen or len(seen) == 6:
                continue
            seen.add(failure.kind)
            table.add_row(Text(row["ref"], overflow="ellipsis", no_wrap=True), failure.meaning, failure.remedy)
        self.console.print(table)
        self.console.print(
            f"{page['count']} symbol sets have no file; one example of each of {len(seen)} reasons is shown."
        )

    async def diagnosis(self) -> None:
        """Say why traces are minified in the whole project, and what fixes it."""
        self.heading("Why are stack traces minified, in the whole project?")
        found = await self.call("error-tracking-symbol-sets-diagnose")
        self.console.print(Text(found["summary"]))
        for number, step in enumerate(found["next_steps"][:3], 1):
            self.console.print(Text(f"{number}. {step}"))

    async def life_of_a_release(self) -> None:
        """Create, find, update, preview the deletion of, and delete a release."""
        self.heading("A release: created, found by its hash, updated")
        created = await self.call(
            "error-tracking-releases-create",
            version="2.0.0-rc.1",
            project="storefront-web",
            hash_id="demo-2-0-0",
        )
        self.console.print(f"Created {created['id']}.")
        found = await self.call("error-tracking-releases-hash-retrieve", hash_id="demo-2-0-0")
        self.console.print(f"Found {found['version']} of {found['project']}.")
        updated = await self.call("error-tracking-releases-partial-update", id=found["id"], version="2.0.0")
        self.console.print(f"It is now version {updated['version']}.")
        preview = await self.call("error-tracking-releases-destroy", id=updated["id"])
        await self.call("error-tracking-releases-destroy", id=updated["id"], confirm=preview["confirm"])
        self.console.print("Deleted again.")

    async def deletion(self) -> None:
        """Preview a deletion that takes symbol sets with it, then confirm it."""
        self.heading("A deletion: previewed, then confirmed")
        newest = await self.call("error-tracking-releases-list", search="storefront-web", limit=1)
        release = newest["results"][0]
        preview = await self.call("error-tracking-releases-destroy", id=release["id"])
        self.console.print(
            f"Would delete {preview['release']['version'][:16]} of {preview['release']['project']} "
            f"and {preview['symbol_sets']} symbol sets with it. {preview['next_step']}"
        )
        done = await self.call("error-tracking-releases-destroy", id=release["id"], confirm=preview["confirm"])
        self.console.print(f"Deleted: the release and {done['symbol_sets']} symbol sets. {done['next_step']}")


def _table(*columns: str) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


@asynccontextmanager
async def running_sandbox() -> AsyncIterator[str]:
    """Run `errtrack-mcp sandbox` on a free port, and yield its address."""
    command = command_of_module("errtrack_mcp", "sandbox", "--port", "0")
    async with await anyio.open_process(command, stderr=None) as process:
        if process.stdout is None:
            raise RuntimeError("The sandbox says nothing.")
        try:
            first = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 1000)
            yield first.decode().rpartition(" ")[2].strip()
        finally:
            process.terminate()


async def run_demo() -> None:
    """Run the whole demo and print it as a person would want to read it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(
        "errtrack-mcp over stdio, with the MCP SDK's own client, in front of errtrack-mcp sandbox on this machine. "
        "No account, no network."
    )
    with TemporaryDirectory(prefix="errtrack-demo-") as folder:
        async with running_sandbox() as origin:
            await show_everything(console, origin, DeployedApp(Path(folder)))
    console.print()
    console.print("That was the sandbox. For your own project: errtrack-mcp login, as the README says.")


def server(origin: str, app: DeployedApp) -> StdioServerParameters:
    """Return how the server is started in front of the sandbox at `origin`, with the app's folder to read."""
    variables = {"POSTHOG_HOST": origin, "POSTHOG_PERSONAL_API_KEY": FULL_KEY, "ERRTRACK_BUILD_ROOT": str(app.folder)}
    program, *arguments = command_of_module("errtrack_mcp", "serve")
    return StdioServerParameters(command=program, args=arguments, env=variables)


async def show_everything(console: Console, origin: str, app: DeployedApp) -> None:
    """Connect a client to the server, and show one step after the other."""
    async with Client(server(origin, app)) as client:
        shown = Demo(client, console)
        await shown.issue()
        await shown.upload(app, origin)
        await shown.resolved_trace()
        await shown.tools()
        await shown.releases()
        await shown.broken_symbol_sets()
        await shown.diagnosis()
        await shown.life_of_a_release()
        await shown.deletion()
