"""The panel in a real browser, in a host made of the official AppBridge, in front of our own server.

Nothing here opens a port: the browser asks for three addresses that are answered from this process, and everything
else that it asks for is refused and remembered.
"""

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent, TextResourceContents
from playwright.async_api import Browser, Frame, Page, Route, async_playwright

from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support import browser
from tests.support.bundler import ESBUILD
from tests.support.npm import CLIENTS, MODULES

BROWSER = browser.BROWSER
HOST = CLIENTS / "panel_host"
DEFAULT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'self'"
)
"""What the specification has a host enforce for a page that declares no `csp`."""
DIAGNOSE = "error-tracking-symbol-sets-diagnose"
RELEASES = "error-tracking-releases-list"
COMPARE = "error-tracking-releases-compare"
ISSUE = "query-error-tracking-issue"
EVENTS = "query-error-tracking-issue-events"
ISSUE_DIAGNOSE = "error-tracking-issues-diagnose"
RESOLVE = "error-tracking-stack-traces-resolve"
BUILD_CHECK = "error-tracking-build-check"
UPLOAD = "error-tracking-symbol-sets-upload"
CALLS: dict[str, dict[str, Any]] = {
    DIAGNOSE: {},
    RELEASES: {"counts": True, "limit": 5},
    COMPARE: {"first": "2.13.1", "second": "2.13.2"},
    ISSUE: {"issue_id": issue_id("in-three-releases")},
    EVENTS: {"issue_id": issue_id("cart-total"), "frames": "all"},
    ISSUE_DIAGNOSE: {"issue_id": issue_id("cart-total")},
    RESOLVE: {"issue_id": issue_id("fixed-by-upload")},
    BUILD_CHECK: {},
    UPLOAD: {"project": "web", "version": "3.0.0"},
}
"""A call of each tool that has the panel, as the sandbox and a small build can answer it."""
EVERYTHING: dict[str, Any] = {"serverTools": {}, "openLinks": {}, "message": {"text": {}}}
AXE = MODULES / "axe-core" / "axe.min.js"


@dataclass
class Panel:
    """An open page: `frame` is its document, `asked` what it asked of the host, `left` what tried to leave it."""

    frame: Frame
    page: Page
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def asked_for(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of each request of one method."""
        return [params for asked, params in self.asked if asked == method]

    async def words(self) -> str:
        """Return the text that a person sees."""
        return await self.frame.locator("body").inner_text()

    async def click(self, name: str) -> None:
        """Click the first button of this name, and wait until it has done its work."""
        await self.frame.get_by_role("button", name=name, exact=True).first.click()
        await self.frame.locator("button[aria-busy]").wait_for(state="detached")

    async def give(self, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Send what a host sends after a tool call, and wait until it is shown."""
        await self.bridge("sendToolInput", {"arguments": dict(arguments)})
        await self.bridge("sendToolResult", dict(result))
        await self.frame.locator("h1").wait_for()

    async def show(self, client: Client, tool: str, **arguments: Any) -> None:
        """Call a tool as a client does, and show its answer."""
        await self.give(arguments, as_sent(await client.call_tool(tool, arguments)))

    async def bridge(self, method: str, params: Mapping[str, Any]) -> Any:
        """Call a method of the AppBridge."""
        return await self.page.evaluate(f"(params) => bridge.{method}(params)", dict(params))

    async def violations(self) -> list[str]:
        """Return what axe-core finds, each as the rule and the place."""
        await self.frame.add_script_tag(content=AXE.read_text())
        found = await self.frame.evaluate("axe.run().then(({ violations }) => violations)")
        return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]

    async def overflow(self) -> int:
        """Return how many pixels the page is wider than its window."""
        widths = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(await self.frame.evaluate(widths))


class OpenPanel(Protocol):
    """`open_panel`: show a page in a host."""

    async def __call__(
        self,
        client: Client,
        *,
        width: int = 900,
        capabilities: Mapping[str, Any] = EVERYTHING,
        context: Mapping[str, Any] | None = None,
    ) -> Panel:
        """Open the page that `client` reads from its server; calls of the page go through `client`."""


Answering = Callable[[str, dict[str, Any]], Any]


@cache
def host_script() -> str:
    """Bundle the host once for each process of tests."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "host.js"
        source = HOST / "host.js"
        subprocess.run(
            [str(ESBUILD), str(source), "--bundle", "--format=iife", f"--outfile={out}"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return out.read_text()


async def read_page(client: Client, tool: str) -> TextResourceContents:
    """Return the page that belongs to a tool, found as a host finds it."""
    [listed] = [each for each in (await client.list_tools()).tools if each.name == tool]
    assert listed.meta is not None
    [contents] = (await client.read_resource(listed.meta["ui"]["resourceUri"])).contents
    assert isinstance(contents, TextResourceContents)
    return contents


def as_sent(result: CallToolResult) -> dict[str, Any]:
    """Return a result as a host sends it on."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def without_structure(result: CallToolResult) -> dict[str, Any]:
    """Return a result as some hosts send it on: its text alone."""
    return as_sent(CallToolResult(content=[part for part in result.content if isinstance(part, TextContent)]))


@asynccontextmanager
async def browser_running() -> AsyncIterator[Browser]:
    """Start the browser, and end it with the context."""
    executable = shutil.which(BROWSER)
    assert executable
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable)
        yield running
        await running.close()


@asynccontextmanager
async def panels(browser: Browser) -> AsyncIterator[OpenPanel]:
    """Open panels that are closed with the context."""
    opened: list[Page] = []

    async def open_panel(
        client: Client,
        *,
        width: int = 900,
        capabilities: Mapping[str, Any] = EVERYTHING,
        context: Mapping[str, Any] | None = None,
    ) -> Panel:
        page = await browser.new_page(viewport={"width": width, "height": 900})
        opened.append(page)
        panel = Panel(page.main_frame, page)
        await _serve(page, panel)
        await page.expose_function("python", _answering(client, panel))
        page.on("pageerror", lambda error: panel.problems.append(str(error)))
        page.on("console", lambda said: panel.problems.append(said.text) if said.type == "error" else None)
        await page.goto("https://host.test/")
        html = (await read_page(client, DIAGNOSE)).text
        given = {"locale": "en-GB", "timeZone": "UTC", "theme": "light", **(context or {})}
        options = {"html": html, "capabilities": dict(capabilities), "context": given}
        await page.evaluate("(options) => openPanel(options)", options)
        [panel.frame] = [each for each in page.frames if each.url == "about:srcdoc"]
        return panel

    yield open_panel
    for page in opened:
        await page.close()


def _answering(client: Client, panel: Panel) -> Answering:
    """Return what answers the host's own requests; a tool is called through the client."""

    async def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
        panel.asked.append((method, params))
        if method != "tools/call":
            return {}
        return as_sent(await client.call_tool(params["name"], params["arguments"]))

    return answer


async def _serve(page: Page, panel: Panel) -> None:
    document = '<!doctype html><html lang="en"><title>Host</title><style>html, body, iframe { border: 0; margin: 0; '
    document += 'width: 100%; }</style><iframe title="Panel"></iframe><script src="/host.js"></script>'
    script = await anyio.to_thread.run_sync(host_script)
    answers = {
        "https://host.test/": {"content_type": "text/html", "body": document},
        "https://host.test/host.js": {"content_type": "text/javascript", "body": script},
        "https://sandbox.test/": {
            "headers": {"Content-Type": "text/html", "Content-Security-Policy": DEFAULT_POLICY},
            "body": (HOST / "sandbox.html").read_text(),
        },
    }

    async def handle(route: Route) -> None:
        known = answers.get(route.request.url)
        if known is None:
            panel.left.append(route.request.url)
            await route.abort()
        else:
            await route.fulfill(**known)  # type: ignore[arg-type]

    await page.context.route("**/*", handle)
