"""The page of `errtrack-mcp view`, in a real browser."""

import anyio
import pytest
from playwright.async_api import Browser

from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.viewing import viewing

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_shows_an_issue_and_its_buttons_work(browser: Browser, scheme: str) -> None:
    """In the colours of the system, as tall as it is, in a frame that can reach nothing but its host."""
    with viewing("--sandbox", issue_id("fixed-by-upload")) as running:
        page = await browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(running.link)
        panel = page.frame_locator("iframe")
        await panel.get_by_role("button", name="Resolve stack trace").click()
        await panel.get_by_text("const { percent } = customer.account!.discount;").wait_for()
        await panel.get_by_role("button", name="Refresh").click()
        await panel.get_by_text("Up to date.").wait_for()
        assert await panel.get_by_role("button", name="Ask the assistant").count() == 0
        [frame] = [each for each in page.frames if each.url.endswith("/panel")]
        assert await frame.evaluate("document.documentElement.style.colorScheme") == scheme
        assert await frame.evaluate("self.origin") == "null"
        blocked = "fetch('/call', { method: 'POST' }).then(() => 'went out', () => 'blocked')"
        assert await frame.evaluate(blocked) == "blocked"
        with anyio.fail_after(10):
            while await frame.evaluate("document.documentElement.scrollHeight > innerHeight"):
                await anyio.lowlevel.checkpoint()
        assert [line for line in said if "connect-src" not in line and "/call" not in line] == []
        await page.close()
