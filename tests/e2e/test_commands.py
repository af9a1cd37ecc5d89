"""The commands a person types, and what they say when they cannot work."""

import json
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp import __version__
from tests.support.fixtures import Run, Spawn
from tests.support.installed import COMMAND, environment


def test_without_a_key_a_command_says_what_is_missing(run: Run) -> None:
    """The sentence names the variable, the page where keys are made, the scopes, and a way to look around."""
    result = run("diagnose")
    assert (result.returncode, result.stdout) == (2, "")
    for part in (
        "POSTHOG_PERSONAL_API_KEY is not set",
        "https://us.posthog.com/settings/user-api-keys",
        "error_tracking:read",
        "error_tracking:write",
        "errtrack-mcp demo",
    ):
        assert part in result.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"POSTHOG_PERSONAL_API_KEY": "phc_canary"}, "public project token"),
        ({"POSTHOG_PERSONAL_API_KEY": "phx_k", "POSTHOG_HOST": "https://eu.i.posthog.com"}, "https://eu.posthog.com"),
        ({"POSTHOG_PERSONAL_API_KEY": "phx_k", "ERRTRACK_TIMEOUT": "never"}, "ERRTRACK_TIMEOUT"),
    ],
)
def test_unusable_settings_are_reported_on_stderr(run: Run, variables: dict[str, str], words: str) -> None:
    """It exits with 2 and says which variable to fix, with no traceback and no key."""
    result = run("serve", **variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "canary" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sandbox", "--port", "TAKEN"], "Address already in use. --port 0 takes a free port"),
        (["serve", "--sandbox", "--transport", "http", "--port", "TAKEN"], "Address already in use"),
        (["sandbox", "--port", "0", "--data", "TEXT"], "file is not a database"),
        (["sandbox", "--port", "0", "--data", "/nowhere/at/all.db"], "unable to open database file"),
    ],
)
def test_what_keeps_a_server_from_starting_is_one_sentence(
    run: Run, tmp_path: Path, arguments: list[str], words: str
) -> None:
    """No traceback, and what to do instead."""
    text = tmp_path / "text.db"
    text.write_text("this is no database, whatever its name says")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        true = {"TAKEN": str(taken.getsockname()[1]), "TEXT": str(text)}
        result = run(*(true.get(argument, argument) for argument in arguments))
    assert result.returncode == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_misspelt_setting_is_not_passed_over(spawn: Spawn) -> None:
    """It may have been meant to keep something out."""
    with spawn("serve", "--sandbox", ERRTRACK_READONLY="1") as session:
        session.initialize("2025-11-25")
        session.close()
        said = session.errors()
    assert said == "errtrack-mcp: ERRTRACK_READONLY is no setting, and ignored. Did you mean ERRTRACK_READ_ONLY?\n"


def test_a_console_without_utf_8_ends_no_command(run: Run, tmp_path: Path) -> None:
    """What it cannot show is escaped, and the exit code stays what it was."""
    (tmp_path / "\u9875.js").write_text("a()")
    shown, plain = (run("build-check", str(tmp_path), PYTHONIOENCODING=encoding) for encoding in ("cp1252", "utf-8"))
    assert shown.returncode == plain.returncode == 1
    assert "\\u9875.js" in shown.stdout


def test_the_sandbox_ignores_settings_of_a_real_account(spawn: Spawn) -> None:
    """A wrong key or host in the environment does not keep anyone from looking around."""
    variables = {
        "POSTHOG_PERSONAL_API_KEY": "phc_x",
        "POSTHOG_HOST": "https://us.i.posthog.com",
        "POSTHOG_PROJECT_ID": "1",
    }
    with spawn("serve", "--sandbox", **variables) as session:
        session.initialize("2025-11-25")
        call = {"name": "error-tracking-releases-list", "arguments": {"limit": 1}}
        assert not session.request("tools/call", call).get("isError")


def test_version_and_help(run: Run) -> None:
    """--version says the version, --help every command."""
    assert __version__ in run("--version").stdout
    shown = run("--help").stdout
    assert all(command in shown for command in ("serve", "sandbox", "demo", "doctor", "tools", "call", "--env-file"))
    misplaced = run("--env-file", "x", "demo")
    assert misplaced.returncode == 2
    assert "after the command" in misplaced.stderr


def test_the_demo_shows_the_main_job(run: Run) -> None:
    """It begins with an issue, ends well, and shows tools, releases, reasons, a release's life and a deletion."""
    result = run("demo")
    assert (result.returncode, result.stderr) == (0, "")
    assert "query-error-tracking-issues-list(limit=5)" in result.stdout.splitlines()[3]
    for part in (
        "    at qe (/static/js/missing-cart.js:1:88213)\n    at onPayClicked (src/checkout/PayButton.tsx:34:11)",
        "Not readable: 3 of 6 frames are minified",
        "What fixes it: Upload the map",
        "error-tracking-releases-create",
        "storefront-web",
        "the script names no source map",
        "It is now version 2.0.0.",
        "Would delete",
        "Deleted: the release and",
    ):
        assert part in result.stdout


def test_the_sandbox_serves_any_http_client(tmp_path: Path) -> None:
    """It prints its address, project and keys; what is written to its file is there after a restart."""
    data = tmp_path / "project.db"
    version = "7.7.7"
    created = _ask_sandbox(data, "POST", {"version": version, "project": "app", "hash_id": "kept"})
    assert created["version"] == version
    assert "kept" in [row["hash_id"] for row in _ask_sandbox(data, "GET", None)["results"]]


def _ask_sandbox(data: Path, method: str, body: Any) -> Any:
    process = subprocess.Popen(
        [COMMAND, "sandbox", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        shown = [process.stdout.readline() for _ in range(4)]
        assert "4242" in shown[0]
        assert any("phx_sandbox_full" in line for line in shown)
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
            f"{address}/api/projects/4242/error_tracking/releases/",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer phx_sandbox_full", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            answer = json.load(response)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 0
    return answer
