"""docs/panel-*.png: the four views of the panel on the sandbox, for the README and docs/panel.md."""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import anyio
import uvicorn
from mcp import Client
from playwright.async_api import Browser, Page, async_playwright
from tests.support.bundler import inject
from tests.support.panel import BROWSER

from errtrack_mcp.cli.in_process import connected
from errtrack_mcp.cli.options import embedded_sandbox, open_socket
from errtrack_mcp.cli.view.server import View
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.storage import BUILD
from errtrack_mcp.settings import load_settings

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = 820
MAX_BYTES = 120_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A call, the buttons that are pressed then, the colours, and how much of the page is shown."""

    tool: str
    arguments: dict[str, Any]
    presses: tuple[str, ...]
    scheme: Literal["light", "dark"]
    max_height: int


FIXED = {"issue_id": issue_id("fixed-by-upload")}
PICTURES = {
    "health": Picture("error-tracking-symbol-sets-diagnose", {}, (), "light", 720),
    "issue": Picture("query-error-tracking-issue", FIXED, ("Resolve stack trace",), "dark", 686),
    "releases": Picture("error-tracking-releases-compare", {"first": "2.13.1", "second": "2.13.2"}, (), "light", 600),
    "build": Picture("error-tracking-build-check", {}, (), "dark", 610),
}


def make_build(folder: Path) -> None:
    """Write a build whose scripts differ in state: two are uploaded, one is injected, one has a map, one has none."""
    uploaded = {"checkout": chunk_id("unbound/main"), "search": chunk_id("unbound/search")}
    for name in ("checkout", "search", "admin", "main", "vendor"):
        script = folder / f"{name}.js"
        script.write_text(f"{(BUILD / 'checkout.js').read_text()}\n// {name}")
        if name != "vendor":
            shutil.copy(BUILD / "checkout.js.map", folder / f"{name}.js.map")
        if name in {*uploaded, "admin"}:
            made = inject(script)
            script.write_text(script.read_text().replace(made, uploaded.get(name, made)))


async def draw(browser: Browser, client: Client, name: str) -> None:
    """Serve one view as `errtrack-mcp view` does, and keep its picture."""
    picture = PICTURES[name]
    listener = open_socket("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    view = View(client, picture.tool, picture.arguments, "https://us.posthog.com")
    server = uvicorn.Server(uvicorn.Config(view.app(address), ws="none", lifespan="off", log_level="warning"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        page = await browser.new_page(device_scale_factor=1.25, color_scheme=picture.scheme, locale="en-GB")
        await page.set_viewport_size({"width": WIDTH, "height": picture.max_height})
        await page.goto(f"{address}/?token={view.token}")
        height = await look(page, picture.presses)
        await page.set_viewport_size({"width": WIDTH, "height": min(picture.max_height, height)})
        file = DOCS / f"panel-{name}.png"
        size = len(await page.screenshot(path=file))
        await page.close()
        server.should_exit = True
    assert size <= MAX_BYTES, f"{file.name} has {size:,} bytes"
    sys.stdout.write(f"Written: docs/{file.name}\n")


async def look(page: Page, presses: Iterable[str]) -> int:
    """Wait for the panel, press buttons one after another, leave them, and return how high it is by then."""
    panel = page.frame_locator("iframe")
    await panel.locator("h1").wait_for()
    for name in presses:
        await panel.get_by_role("button", name=name, exact=True).click()
        await panel.locator("button[aria-busy]").wait_for(state="detached")
    await page.mouse.move(0, 0)
    await panel.locator("body").evaluate("() => document.activeElement.blur()")
    return int(await panel.locator("body").evaluate("(body) => body.offsetHeight"))


async def main() -> None:
    """Draw every view, where there is a browser."""
    executable = shutil.which(BROWSER)
    if executable is None:
        sys.stdout.write(f"The pictures of the panel stay as they are: {BROWSER} is missing.\n")
        return
    app, fixed = embedded_sandbox()
    with TemporaryDirectory() as folder:
        make_build(Path(folder))
        settings = load_settings(None, **fixed).model_copy(update={"build_root": Path(folder)})
        async with connected(settings, app) as client, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable)
            for name in PICTURES:
                await draw(browser, client, name)
            await browser.close()


if __name__ == "__main__":
    anyio.run(main)
