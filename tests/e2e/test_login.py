"""`errtrack-mcp login`, and all that uses the key that it gets."""

import json
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from errtrack_mcp.cli.login import has_browser, lacking_scopes
from errtrack_mcp.client_config import atomic_write
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.approving import Approving, approving_sandbox
from tests.support.file_keyring import keyring_at
from tests.support.fixtures import Spawn
from tests.support.invoked import invoke
from tests.support.misbehaving import http, misbehave
from tests.support.terminal import run_on_terminal
from tests.support.upstream import Upstream, serve

LIST = "error-tracking-releases-list"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


@pytest.fixture
def person(database: Database) -> Iterator[tuple[Upstream, Approving]]:
    """Serve a sandbox with somebody who allows each code."""
    with approving_sandbox(database) as served:
        yield served


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Set a home of its own, without a keyring."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "APPDATA": str(tmp_path), **NO_KEYRING}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which pages a browser would open."""
    pages: list[str] = []
    monkeypatch.setattr(webbrowser, "open", pages.append)
    return pages


def stored(home: dict[str, str]) -> Path:
    """Return the file of logins."""
    return Path(home["XDG_CONFIG_HOME"]) / "errtrack-mcp" / "logins.json"


def test_a_login_serves_every_command(person: tuple[Upstream, Approving], home: dict[str, str]) -> None:
    """Login, doctor, a call, install: without a variable, and the key is in one file alone."""
    upstream, _ = person
    done = invoke("login", "--host", upstream.url, "--no-browser", **home)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{upstream.url}/cli/authorize?code=" in done.stderr
    assert f"Logged in to project 4242 at {upstream.url}. The key is kept in {stored(home)}." in done.stderr
    assert "called 'CLI - Northwind" in done.stderr
    assert "Calls go to this project unless they name another one" in done.stderr
    assert f"at {upstream.url}/settings/user-api-keys, where you can delete it" in done.stderr
    key = json.loads(stored(home).read_text())["logins"][0]["key"]
    assert stored(home).stat().st_mode & 0o777 == 0o600
    found = invoke("doctor", **home)
    assert found.returncode == 0
    assert f"ok\tkey kind\tpersonal API key (phx_***), from the login to project 4242 at {upstream.url}" in found.stdout
    assert f"kept in {stored(home)}" in found.stdout
    called = invoke("call", LIST, "limit=1", **home)
    assert json.loads(called.stdout)["results"]
    shown = invoke("install", "claude-code", "--print", **home)
    assert "POSTHOG_PERSONAL_API_KEY" not in shown.stdout
    everything = "".join(result.stdout + result.stderr for result in (done, found, called, shown))
    assert key not in everything


def test_a_running_server_finds_it_at_the_next_call(
    spawn: Spawn, person: tuple[Upstream, Approving], home: dict[str, str]
) -> None:
    """The first call says what to run, the one after it works; a logout ends it. Nothing is imported before."""
    call = {"name": LIST, "arguments": {"limit": 1}}
    with spawn(**home, PYTHONPROFILEIMPORTTIME="1") as session:
        session.initialize("2025-11-25")
        session.request("tools/list")
        first = session.request("tools/call", call)
        assert "The user runs in a terminal: errtrack-mcp login;" in first["content"][0]["text"]
        assert invoke("login", "--host", person[0].url, **home).returncode == 0
        assert session.request("tools/call", call)["isError"] is False
        assert invoke("logout", **home).returncode == 0
        assert session.request("tools/call", call)["isError"] is True
        session.close()
        imported = session.errors()
    assert "errtrack_mcp.login.stored_logins" in imported
    assert "| keyring" not in imported.replace("|   ", "| ")


def test_a_server_with_a_key_imports_nothing_of_it(spawn: Spawn) -> None:
    """Its start is what it was."""
    with spawn(PYTHONPROFILEIMPORTTIME="1", POSTHOG_PERSONAL_API_KEY="phx_made_up") as session:
        session.initialize("2025-11-25")
        session.close()
        imported = session.errors()
    assert "errtrack_mcp.server.app" in imported
    assert "errtrack_mcp.login" not in imported
    assert "login_key" not in imported


def test_the_keyring_keeps_the_key_where_there_is_one(
    person: tuple[Upstream, Approving], home: dict[str, str], tmp_path: Path
) -> None:
    """The file says only that it is there; --file goes round it, and doctor names the place."""
    with_keyring = home | keyring_at(tmp_path / "ring")
    done = invoke("login", "--host", person[0].url, **with_keyring)
    assert "The key is kept in the system's keyring (file keyring FileKeyring)." in done.stderr
    assert "phx_" not in stored(home).read_text()
    assert "phx_" in (tmp_path / "ring").read_text()
    assert json.loads(invoke("call", LIST, "limit=1", **with_keyring).stdout)["results"]
    assert "kept in the system's keyring" in invoke("doctor", **with_keyring).stdout
    assert invoke("login", "--host", person[0].url, "--file", **with_keyring).returncode == 0
    assert "phx_" in stored(home).read_text()


def test_a_keyring_that_stays_locked_leaves_the_file(
    person: tuple[Upstream, Approving], home: dict[str, str], tmp_path: Path
) -> None:
    """A login does not fail over it."""
    done = invoke("login", "--host", person[0].url, **(home | keyring_at(tmp_path / "locked")))
    assert done.returncode == 0
    assert f"The key is kept in {stored(home)}." in done.stderr


def test_the_environment_and_a_named_file_go_before_a_login(
    person: tuple[Upstream, Approving], home: dict[str, str], tmp_path: Path
) -> None:
    """In this order; login says so where the variable is set."""
    upstream, _ = person
    done = invoke("login", "--host", upstream.url, **home, POSTHOG_PERSONAL_API_KEY="phx_wrong")
    assert "POSTHOG_PERSONAL_API_KEY is set in this environment, and goes before it" in done.stderr
    file = tmp_path / "settings.env"
    file.write_text("POSTHOG_PERSONAL_API_KEY=phx_of_the_file\n")
    host = {"POSTHOG_HOST": upstream.url}
    assert "unauthenticated" in invoke("call", LIST, **home, **host, POSTHOG_PERSONAL_API_KEY="phx_wrong").stderr
    assert "unauthenticated" in invoke("call", LIST, "--env-file", str(file), **home, **host).stderr
    assert invoke("call", LIST, "limit=1", **home, **host).returncode == 0
    assert "There is no key." in invoke("call", LIST, **home, POSTHOG_HOST="https://eu.posthog.com").stderr


def test_the_doctor_says_that_a_login_is_for_another_host(
    person: tuple[Upstream, Approving], home: dict[str, str]
) -> None:
    """With both ways out."""
    upstream, _ = person
    invoke("login", "--host", upstream.url, "--no-browser", **home)
    found = invoke("doctor", **home, POSTHOG_HOST="http://127.0.0.1:9").stdout
    assert f"You are logged in to project 4242 at {upstream.url}; POSTHOG_HOST is http://127.0.0.1:9." in found
    assert "errtrack-mcp login --host http://127.0.0.1:9" in found


def test_a_second_login_says_which_key_is_left_over(person: tuple[Upstream, Approving], home: dict[str, str]) -> None:
    """PostHog keeps it until a person deletes it. Another project's is kept next to it."""
    upstream, page = person
    invoke("login", "--host", upstream.url, **home)
    again = invoke("login", "--host", upstream.url, **home)
    assert "It takes the place of the key 'CLI - Northwind" in again.stderr
    page.project = 4343
    assert "takes the place" not in invoke("login", "--host", upstream.url, **home).stderr
    assert len(json.loads(stored(home).read_text())["logins"]) == 2


def test_missing_scopes_are_named(person: tuple[Upstream, Approving], home: dict[str, str]) -> None:
    """A person may have unticked them."""
    upstream, page = person
    page.scopes = ["query:read"]
    done = invoke("login", "--host", upstream.url, **home)
    assert "It lacks the scope error_tracking:read: add it there" in done.stderr
    assert "It lacks the scope error_tracking:write" in done.stderr
    assert lacking_scopes(("error_tracking:read",)) == ["error_tracking:write"]
    assert lacking_scopes(("*",)) == lacking_scopes(None) == []


def test_a_browser_opens_only_in_front_of_the_person(
    person: tuple[Upstream, Approving], home: dict[str, str], opened: list[str]
) -> None:
    """Not over SSH, not without a display, not where they say no."""
    display = {"DISPLAY": ":0"}
    for more, options in ((display | {"SSH_CONNECTION": "x"}, []), (display, ["--no-browser"])):
        invoke("login", "--host", person[0].url, *options, **home, **more)
    assert opened == []
    invoke("login", "--host", person[0].url, **home, **display)
    assert [page.startswith(f"{person[0].url}/cli/authorize?code=") for page in opened] == [True]
    assert has_browser({}, "darwin")
    assert not has_browser({}, "linux")
    assert not has_browser({"SSH_TTY": "x"}, "darwin")


def test_an_installation_without_it_says_where_to_make_a_key(home: dict[str, str]) -> None:
    """And nothing is stored."""
    with misbehave(http(404, b"<html>")) as upstream:
        done = invoke("login", "--host", upstream.url, **home)
    assert done.returncode == 1
    assert f"Create a personal API key at {upstream.url}/settings/user-api-keys" in done.stderr
    assert not stored(home).exists()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (http(429, b'{"detail": "x"}', Retry_After="42"), "rate_limited: "),
        (http(200, b"{}"), "unexpected_answer: "),
        (http(500, b"{}"), "server_failed: "),
    ],
)
def test_a_code_that_cannot_be_had_is_explained(home: dict[str, str], reply: bytes, said: str) -> None:
    """In the words of any other call."""
    with misbehave(reply) as upstream:
        done = invoke("login", "--host", upstream.url, **home)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_would_be_told_in_the_open_is_refused(home: dict[str, str]) -> None:
    """Before anything is sent; https:// may be left out."""
    assert "would send the key unencrypted" in invoke("login", "--host", "http://posthog.internal", **home).stderr
    assert "use https://eu.posthog.com" in invoke("login", "--host", "eu.i.posthog.com", **home).stderr


def test_a_key_that_cannot_be_kept_is_named(
    person: tuple[Upstream, Approving], home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there all the same, so somebody must delete it."""

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "write", full)
    done = invoke("login", "--host", person[0].url, **home)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert f"delete it at {person[0].url}/settings/user-api-keys (CLI - Northwind" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_stops_waiting(database: Database, home: dict[str, str]) -> None:
    """Nothing is stored, and the person learns of a key that may be there."""
    with serve(create_app(database)) as upstream:
        host = ("--host", upstream.url, "--no-browser")
        shown = run_on_terminal("login", *host, variables=home, typed="\x03", awaited="Ctrl-C stops")
    assert shown.returncode == 130
    assert "Stopped; nothing was stored." in shown.text
    assert "Traceback" not in shown.text
    assert not stored(home).exists()


def test_the_doctor_warns_of_a_file_that_others_may_read(
    person: tuple[Upstream, Approving], home: dict[str, str]
) -> None:
    """With what to type."""
    invoke("login", "--host", person[0].url, **home)
    stored(home).chmod(0o644)
    assert f"-> Others may read it: chmod 600 {stored(home)}" in invoke("doctor", **home).stdout


def test_the_doctor_says_why_a_stored_key_cannot_be_read(
    person: tuple[Upstream, Approving], home: dict[str, str], tmp_path: Path
) -> None:
    """A locked keyring is no missing key."""
    invoke("login", "--host", person[0].url, **home | keyring_at(tmp_path / "ring"))
    found = invoke("doctor", **home | keyring_at(tmp_path / "locked"))
    assert found.returncode == 1
    assert (
        "failed\tkey kind\tPOSTHOG_PERSONAL_API_KEY is not set -> The key of errtrack-mcp login is in" in found.stdout
    )
    assert "it is locked" in found.stdout
