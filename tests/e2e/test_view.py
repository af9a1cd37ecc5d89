"""The command that shows the panel in a browser, as a process; tests/views/test_view.py looks at it in one."""

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from errtrack_mcp.cli.view.command import posthog_of
from errtrack_mcp.login.stored_logins import StoredLogin, change_logins, file_path, with_login
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.settings import load_settings
from tests.support.installed import run_to_its_end
from tests.support.viewing import Viewing, viewing

RELEASES = "error-tracking-releases-list"
ISSUE = issue_id("cart-total")


@pytest.fixture(scope="module")
def view() -> Iterator[Viewing]:
    """Show the health of the made-up project."""
    with viewing("--sandbox") as running:
        yield running


@pytest.fixture(scope="module")
def page(view: Viewing) -> str:
    """Open its page, which can be done once."""
    return httpx.get(view.link).raise_for_status().text


def meta(page: str, name: str) -> str:
    """Return what the page holds under a name."""
    found = re.search(f'<meta name="{name}" content="([^"]*)">', page)
    assert found
    return unescape(found[1])


def call(view: Viewing, secret: str, body: object, **headers: str) -> httpx.Response:
    """Call a tool as the page does."""
    content = body if isinstance(body, str) else json.dumps(body)
    return httpx.post(f"{view.origin}/call", content=content, headers={"X-View-Secret": secret, **headers})


def test_the_link_opens_the_page_once(view: Viewing, page: str) -> None:
    """Who finds it later in a history or a log gets nothing."""
    assert json.loads(meta(page, "view-call")) == {"name": "error-tracking-symbol-sets-diagnose", "arguments": {}}
    again = httpx.get(view.link)
    assert (again.status_code, "Run the command again" in again.text) == (403, True)


def test_a_guess_does_not_use_the_link_up() -> None:
    """Without the token there is no page, and with it there still is one."""
    with viewing("--sandbox") as running:
        assert httpx.get(f"{running.origin}/").status_code == 403
        assert httpx.get(f"{running.link}x").status_code == 403
        assert httpx.get(running.link).status_code == 200


@pytest.mark.parametrize("path", ["/", "/host.js", "/panel", "/call"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "localhost"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_it_answers_to_its_own_page_alone(view: Viewing, path: str, headers: dict[str, str]) -> None:
    """A name that leads here, and a page of another origin, are refused at every address."""
    assert httpx.request("POST" if path == "/call" else "GET", view.origin + path, headers=headers).status_code == 403


def test_only_the_page_with_the_secret_calls_tools_and_only_tools_that_read(view: Viewing, page: str) -> None:
    """A change is refused before the server hears of it, as is what is no call."""
    secret = meta(page, "view-secret")
    asked = {"name": RELEASES, "arguments": {"limit": 1}}
    assert call(view, secret, asked).json()["structuredContent"]["count"] == 12
    assert call(view, "", asked).status_code == 403
    assert call(view, f"{secret}x", asked).status_code == 403
    assert call(view, secret, asked, Origin="https://evil.example").status_code == 403
    for name in ("error-tracking-releases-destroy", "error-tracking-releases-create", "unknown"):
        assert call(view, secret, {"name": name, "arguments": {"id": release_id(2)}}).status_code == 403
    for body in ("", "[]", "7", '{"name": 7, "arguments": 7}', f'{{"name": "{"x" * 200_000}"}}'):
        assert call(view, secret, body).status_code == 400, body[:40]


def test_no_page_holds_the_key_and_each_has_a_policy(view: Viewing, page: str) -> None:
    """The panel is in a sandbox even where it is opened alone; nothing is kept, and no address is told to others."""
    assert FULL_KEY not in page
    script, panel = httpx.get(f"{view.origin}/host.js"), httpx.get(f"{view.origin}/panel")
    for answer in (script, panel):
        assert FULL_KEY not in answer.text
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in panel.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("subject", "name", "arguments"),
    [
        (ISSUE, "query-error-tracking-issue", {"issue_id": ISSUE}),
        (f"http://localhost/error_tracking/{ISSUE}", "query-error-tracking-issue", None),
        (release_id(2), "error-tracking-symbol-sets-diagnose", {"release_id": release_id(2)}),
    ],
)
def test_a_subject_is_an_issue_or_a_release(subject: str, name: str, arguments: dict[str, str] | None) -> None:
    """By what there is."""
    with viewing("--sandbox", subject) as running:
        asked = json.loads(meta(httpx.get(running.link).text, "view-call"))
    assert asked == {"name": name, "arguments": arguments or {"issue_id": subject}}


def test_a_build_is_shown_without_a_key(tmp_path: Path) -> None:
    """Its directory is the only one that the page can have read."""
    (tmp_path / "app.js").write_text("run()")
    with viewing(str(tmp_path)) as running:
        page = httpx.get(running.link).text
        answer = call(running, meta(page, "view-secret"), meta(page, "view-call")).json()
        elsewhere = {"name": "error-tracking-build-check", "arguments": {"directory": str(tmp_path.parent)}}
        refused = call(running, meta(page, "view-secret"), elsewhere).json()
    assert [script["path"] for script in answer["structuredContent"]["scripts"]] == ["app.js"]
    assert refused["isError"]


def test_what_there_is_not_is_said() -> None:
    """Without a page, with exit code 1."""
    ended = run_to_its_end("view", "--sandbox", "no such thing")
    assert (ended.returncode, "There is no issue, release or directory 'no such thing'." in ended.stderr) == (1, True)


def test_ctrl_c_ends_it() -> None:
    """That is how it ends, so the exit code is 0."""
    with viewing("--sandbox") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=30) == 0


@pytest.mark.anyio
async def test_links_lead_to_the_posthog_of_the_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the settings hold a key, or name a host, to that one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    eu = "https://eu.posthog.com"
    login = StoredLogin(host=eu, project="7", made_at=datetime.now(UTC), key=SecretStr("phx_made_up"))
    change_logins(file_path(), with_login(login))
    assert await posthog_of(load_settings()) == eu
    assert await posthog_of(load_settings(POSTHOG_PERSONAL_API_KEY="phx_other")) == "https://us.posthog.com"
    assert await posthog_of(load_settings(POSTHOG_HOST="https://us.posthog.com")) == "https://us.posthog.com"
