"""`errtrack-mcp install CLIENT`, as a person or a script runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from errtrack_mcp.client_config.clients import CLIENTS
from tests.support.fixtures import Run
from tests.support.homes import MOVING
from tests.support.installed import Session, environment
from tests.support.invoked import invoke
from tests.support.terminal import run_on_terminal

URL = "https://mcp.example.com/mcp"
SECRETS = ("phx_the_key", "ghp_othersecret", "s3cret", "plaintoken", "inargs", "joined")
OTHERS = """\
{
  // mine
  "mcpServers": {
    "b": {
      "env": {"API_TOKEN": "plaintoken", "X": "ghp_othersecret"},
      "args": ["--api-key", "inargs", "--token=joined"],
      "headers": {"Authorization": "Bearer s3cret"},
    },
  },
}
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Set a home of its own, and a key that must not be seen anywhere."""
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE")}
    elsewhere = dict.fromkeys(MOVING, "")
    return {**home, **elsewhere, "POSTHOG_PERSONAL_API_KEY": "phx_the_key"}


@pytest.fixture
def cursor(tmp_path: Path) -> Path:
    """Write a configuration of Cursor's, with another server and its secrets."""
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(OTHERS)
    return path


def test_it_is_shown_changed_and_given_back(variables: dict[str, str], cursor: Path) -> None:
    """With --print, without a terminal, with --yes, again, and out: what was said is what was done."""
    shown = invoke("install", "cursor", "--print", **variables)
    unasked = invoke("install", "cursor", **variables)
    assert (shown.returncode, unasked.returncode) == (0, 1)
    assert '+    "errtrack": {' in shown.stdout == unasked.stdout
    assert "Nothing was changed" in shown.stderr
    assert "Nothing was changed" in unasked.stderr
    assert "--yes" in unasked.stderr
    assert cursor.read_text() == OTHERS
    done = invoke("install", "cursor", "--yes", **variables)
    assert (done.returncode, done.stdout) == (0, shown.stdout)
    assert f"Changed {cursor}. Before: {cursor}.before-errtrack" in done.stderr
    assert "Set POSTHOG_PERSONAL_API_KEY" in done.stderr
    again = invoke("install", "cursor", "--yes", **variables)
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to change" in again.stderr
    out = invoke("install", "cursor", "--uninstall", "--yes", **variables)
    assert out.returncode == 0
    assert "is again what it was" in out.stderr
    assert cursor.read_text() == OTHERS
    assert list(cursor.parent.iterdir()) == [cursor]
    everything = "".join(result.stdout + result.stderr for result in (shown, done, again, out))
    assert not [secret for secret in SECRETS if secret in everything]
    assert "${env:POSTHOG_PERSONAL_API_KEY}" in done.stdout


def test_an_entry_of_another_name_is_named(variables: dict[str, str], cursor: Path) -> None:
    """Else every tool would be there twice, or the server still there after it was taken out."""
    cursor.write_text('{"mcpServers": {"mine": {"command": "errtrack-mcp"}}}')
    for option in ("--yes", "--uninstall"):
        said = invoke("install", "cursor", option, "--yes", **variables).stderr
        assert "mine there starts this server too; take it out by hand." in said
    again = invoke("install", "cursor", "--uninstall", "--yes", **variables)
    assert "holds no entry errtrack; nothing to change.\nmine there starts" in again.stderr


def test_continue_is_added_to_a_file_that_is_there(variables: dict[str, str], tmp_path: Path) -> None:
    """Of what stays there no value is shown. A file is not made: it would hide the models that it uses without."""
    assert "Start Continue, choose a model" in invoke("install", "continue", "--yes", **variables).stderr
    path = tmp_path / ".continue" / "config.yaml"
    path.parent.mkdir()
    path.write_text("models:\n  - apiKey: plaintoken\n    |\n      block\n")
    broken = invoke("install", "continue", "--print", **variables).stderr
    assert "in line 3, column 5" in broken
    assert "plaintoken" not in broken
    path.write_text("models:\n  - apiKey: |\n      plaintoken\n")
    shown = invoke("install", "continue", "--print", **variables)
    assert " models:\n   ...\n       ...\n+mcpServers:\n+  - name: errtrack\n" in shown.stdout
    assert "POSTHOG_PERSONAL_API_KEY: ${{ secrets.POSTHOG_PERSONAL_API_KEY }}" in shown.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("typed", "code", "said"), [("y\n", 0, "Changed"), ("\n", 1, "Nothing was changed")])
def test_on_a_terminal_it_asks_first(typed: str, code: int, said: str, variables: dict[str, str], cursor: Path) -> None:
    """Only a yes changes anything; Return alone does not."""
    shown = run_on_terminal("install", "cursor", variables=variables, typed=typed)
    assert (shown.returncode, shown.coloured) == (code, True)
    assert shown.text.index('+    "errtrack": {') < shown.text.index(f"Change {cursor}? [y/N]") < shown.text.index(said)
    assert ("errtrack" in cursor.read_text()) is (code == 0)
    assert not [secret for secret in SECRETS if secret in shown.text]


def test_what_it_wrote_starts_the_server(run: Run, variables: dict[str, str], tmp_path: Path) -> None:
    """The command and its arguments in the file are a server that answers, whatever PATH the client has."""
    assert run("install", "vscode", "--yes", **variables).returncode == 0
    [path] = tmp_path.rglob("mcp.json")
    entry = json.loads(path.read_text())["servers"]["errtrack"]
    assert entry["type"] == "stdio"
    with subprocess.Popen(
        [entry["command"], *entry["args"], "serve", "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PATH=""),
    ) as process:
        session = Session(process)
        assert session.initialize("2025-11-25")["serverInfo"]["name"]
        assert session.close() == 0


def test_the_doctor_finds_what_it_wrote(variables: dict[str, str], tmp_path: Path) -> None:
    """For every client, under the name by which a person knows it."""
    (tmp_path / ".continue").mkdir()
    (tmp_path / ".continue" / "config.yaml").write_text("")
    for slug in CLIENTS:
        assert invoke("install", slug, "--yes", **variables).returncode == 0
    said = invoke("doctor", **variables, POSTHOG_HOST="http://127.0.0.1:9").stdout
    assert all(client.name in said for client in CLIENTS.values())


@pytest.mark.parametrize("slug", ["claude-code", "codex", "windsurf", "cline", "continue"])
def test_the_doctor_finds_a_server_at_an_address(slug: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Also where nothing but its name says that it is ours."""
    (tmp_path / ".continue").mkdir()
    (tmp_path / ".continue" / "config.yaml").write_text("")
    assert invoke("install", slug, "--url", URL, "--yes", **variables).returncode == 0
    said = invoke("doctor", **variables, POSTHOG_HOST="http://127.0.0.1:9").stdout
    assert f"known to {CLIENTS[slug].name}" in said


def test_folders_that_gemini_does_not_trust_are_named(variables: dict[str, str]) -> None:
    """Its entry is off there: installing says so, and the doctor where it found the entry."""
    words = "In a folder that Gemini CLI does not trust the entry is off"
    assert words in invoke("install", "gemini", "--yes", **variables).stderr
    assert words in " ".join(invoke("doctor", **variables, POSTHOG_HOST="http://127.0.0.1:9").stdout.split())
    other = invoke("install", "cursor", "--yes", **variables)
    assert words not in other.stderr


def test_a_refusal_and_a_wrong_name_are_said(variables: dict[str, str], cursor: Path) -> None:
    """A file that is none is named and left; an unknown client is answered with those that are known."""
    cursor.write_text("{ broken")
    refused = invoke("install", "cursor", "--yes", **variables)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{cursor} could not be read as JSON" in refused.stderr
    assert cursor.read_text() == "{ broken"
    unknown = invoke("install", "emacs", **variables)
    assert unknown.returncode == 2
    assert all(slug in unknown.stderr for slug in CLIENTS)


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("POSTHOG_HOST", "https://user:hunter2secret@eu.posthog.com", "hunter2secret"),
        ("POSTHOG_PROJECT_ID", "phx_in_the_wrong_place", "phx_in"),
        ("ERRTRACK_READ_ONLY", "perhaps", ""),
    ],
)
def test_what_the_server_would_not_take_is_not_written(
    name: str, value: str, hidden: str, variables: dict[str, str], cursor: Path
) -> None:
    """The refusal names the variable, and repeats no secret."""
    refused = invoke("install", "cursor", "--yes", **variables | {name: value})
    assert (refused.returncode, cursor.read_text()) == (1, OTHERS)
    assert name in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert not hidden or hidden not in refused.stderr + refused.stdout


def test_an_entry_of_a_person_is_back_after_uninstalling(variables: dict[str, str], cursor: Path) -> None:
    """It says so, as the server is still started then, and how to take that out too."""
    own = '{"mcpServers": {"errtrack": {"command": "errtrack-mcp", "env": {"POSTHOG_PERSONAL_API_KEY": "phx_own"}}}}'
    cursor.write_text(own)
    assert invoke("install", "cursor", "--yes", **variables).returncode == 0
    out = invoke("install", "cursor", "--uninstall", "--yes", **variables)
    assert "is again what it was" in out.stderr
    assert "The entry that was there before is back" in out.stderr
    assert "to be rid of it" not in out.stderr
    assert cursor.read_text() == own
    assert "to be rid of it" in invoke("install", "cursor", "--uninstall", "--yes", **variables).stderr
    assert "errtrack" not in cursor.read_text()


def test_a_server_at_an_address_is_added_without_a_key(variables: dict[str, str], tmp_path: Path) -> None:
    """It says how to log in, what to do where there is no login, and what is set here without holding there."""
    variables["ERRTRACK_READ_ONLY"] = "1"
    done = invoke("install", "claude-code", "--url", URL, "--yes", **variables)
    assert done.returncode == 0
    assert json.loads((tmp_path / ".claude.json").read_text())["mcpServers"]["errtrack"] == {"type": "http", "url": URL}
    for said in (
        "claude mcp login errtrack",
        "where you trust them",
        "--send-key",
        "not hold there: ERRTRACK_READ_ONLY",
    ):
        assert said in done.stderr
    with_key = invoke("install", "claude-code", "--url", URL, "--send-key", "--yes", **variables)
    assert "Bearer ${POSTHOG_PERSONAL_API_KEY}" in (tmp_path / ".claude.json").read_text()
    assert "Set POSTHOG_PERSONAL_API_KEY where Claude Code is started from" in with_key.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + with_key.stdout]
    assert invoke("install", "claude-code", "--uninstall", "--yes", **variables).returncode == 0
    assert not (tmp_path / ".claude.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("claude-desktop", "--url", URL), 1, "Settings > Connectors"),
        (("jetbrains", "--url", URL), 1, "on this machine alone"),
        (("zed", "--url", URL, "--send-key"), 1, "cannot refer to the environment"),
        (("cursor", "--url", "http://mcp.example.com/mcp"), 1, "use https://"),
        (("cursor", "--url", ""), 1, "whole address"),
        (("cursor", "--send-key"), 2, "--send-key goes with --url"),
        (("cursor", "--uninstall", "--url", URL), 2, "--uninstall with neither"),
    ],
)
def test_what_a_client_cannot_do_is_refused_in_words(
    arguments: tuple[str, ...], code: int, said: str, variables: dict[str, str], tmp_path: Path
) -> None:
    """Nothing is written."""
    refused = invoke("install", *arguments, "--yes", **variables)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr
    assert list(tmp_path.rglob("*.json")) == []
