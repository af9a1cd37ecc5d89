"""The commands a person types, and what they say when they cannot work."""

import json
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp import __version__
from tests.support.fixtures import Run, Spawn
from tests.support.installed import COMMAND, environment
from tests.support.invoked import invoke


def test_without_a_key_a_command_says_what_is_missing() -> None:
    """The sentence names the variable, the page where keys are made, the scopes, and a way to look around."""
    result = invoke("diagnose")
    assert (result.returncode, result.stdout) == (2, "")
    for part in (
        "errtrack-mcp login",
        "https://us.posthog.com/settings/user-api-keys",
        "error_tracking:read",
        "error_tracking:write",
        "errtrack-mcp demo",
    ):
        assert part in result.stderr


def test_unusable_settings_are_reported_on_stderr(run: Run) -> None:
    """It exits with 2 and says which variables to fix, with no traceback and no key."""
    wrong = {
        "POSTHOG_PERSONAL_API_KEY": "phc_canary",
        "POSTHOG_HOST": "https://eu.i.posthog.com",
        "ERRTRACK_TIMEOUT": "never",
    }
    result = run("serve", **wrong)
    assert (result.returncode, result.stdout) == (2, "")
    for variable, words in zip(wrong, ("public project token", "https://eu.posthog.com", "should be"), strict=True):
        (line,) = (line for line in result.stderr.splitlines() if variable in line)
        assert words in line
    assert "Traceback" not in result.stderr
    assert "canary" not in result.stderr


def is_one_sentence(result: "subprocess.CompletedProcess[str]", words: str) -> bool:
    """Return whether a command that could not start says so: no traceback, and what to do instead."""
    return result.returncode == 2 and words in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("server", [["sandbox"], ["serve", "--sandbox", "--transport", "http"]])
def test_an_address_that_is_taken_is_reported_in_one_sentence(server: list[str]) -> None:
    """With two ways out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = invoke(*server, "--port", str(taken.getsockname()[1]))
    assert is_one_sentence(result, "Address already in use. --port 0 takes a free port"), result.stderr


def test_a_file_that_holds_no_data_is_reported_in_one_sentence(run: Run, tmp_path: Path) -> None:
    """Where it holds something else, and where it cannot be made."""
    text = tmp_path / "text.db"
    text.write_text("this is no database, whatever its name says")
    for path, words in ((text, "file is not a database"), ("/nowhere/at/all.db", "unable to open database file")):
        result = run("sandbox", "--port", "0", "--data", str(path))
        assert is_one_sentence(result, words), result.stderr


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
    shown = invoke("--help").stdout
    assert all(command in shown for command in ("serve", "sandbox", "demo", "doctor", "tools", "call", "--env-file"))
    misplaced = invoke("--env-file", "x", "demo")
    assert misplaced.returncode == 2
    assert "after the command" in misplaced.stderr


def test_the_demo_shows_the_main_job(run: Run) -> None:
    """It begins with an issue, goes from an upload to a readable error, and shows the rest; in less than 15 seconds."""
    began = time.monotonic()
    result = run("demo")
    assert (result.returncode, result.stderr) == (0, "")
    assert time.monotonic() - began < 15
    assert "query-error-tracking-issues-list(limit=5)" in result.stdout.splitlines()[4]
    for part in (
        "    at qe (/static/js/missing-cart.js:1:88213)\n    at onPayClicked (src/checkout/PayButton.tsx:34:11)",
        "Not readable: 3 of 6 frames are minified",
        "What fixes it: Upload the map",
        "    at u (/assets/checkout.js:1:38)\n    at i (/assets/checkout.js:1:159)",
        "1 of 1 script has its source map in PostHog: 1 was uploaded now.",
        "    at discountFor (source/order/discount.ts:8:23)\n    at orderAmount (source/order/amount.ts:16:16)",
        "    at discountFor (source/order/discount.ts:8:41)",
        "      >     8 |   const { percent } = customer.account!.discount;",
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
