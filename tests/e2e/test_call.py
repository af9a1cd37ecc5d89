"""One tool called by hand: in a pipe, on a terminal, with consent, and what each ending is worth."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, READ_KEY, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.fixtures import Run
from tests.support.installed import COMMAND, environment
from tests.support.invoked import invoke, show
from tests.support.misbehaving import http, misbehave
from tests.support.project import add_symbol_sets
from tests.support.terminal import Shown, run_on_terminal
from tests.support.upstream import Upstream

LIST = "error-tracking-releases-list"
CREATE = "error-tracking-releases-create"
RETRIEVE = "error-tracking-releases-retrieve"
DESTROY = "error-tracking-releases-destroy"
MERGE = "error-tracking-issues-merge-create"
VERSION = "2.13.2"  # of the release at index 2


@pytest.fixture
def configured(sandbox: Upstream) -> dict[str, str]:
    """Name the sandbox and its key."""
    return {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY}


def test_a_build_is_looked_for_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a client offers the folder that is open; ERRTRACK_BUILD_ROOT goes before it."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app.js").write_text("f();")
    monkeypatch.chdir(tmp_path)
    checked = invoke("call", "error-tracking-build-check", "directory=dist", "--sandbox")
    assert (checked.returncode, json.loads(checked.stdout)["readable"]) == (0, False)
    elsewhere = invoke("call", "error-tracking-build-check", "--sandbox", ERRTRACK_BUILD_ROOT=str(tmp_path / "dist"))
    assert elsewhere.returncode == 0


def still_there(database: Database) -> bool:
    """Return whether the release that the tests try to delete is there."""
    return database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),)) is not None


def delete(configured: dict[str, str], typed: str) -> Shown:
    """Ask on a terminal for a deletion that is confirmed, and answer the question."""
    preview = json.loads(invoke("call", DESTROY, f"id={release_id(2)}", **configured).stdout)
    confirm = f"confirm={preview['confirm']}"
    return run_on_terminal("call", DESTROY, f"id={release_id(2)}", confirm, typed=typed, variables=configured)


def test_in_a_pipe_it_prints_json(run: Run, configured: dict[str, str], sandbox: Upstream) -> None:
    """The whole answer goes to standard output, nothing to standard error, and values arrive as the schema's types."""
    result = run("call", LIST, "limit=2", "detail=full", "offset=1", **configured)
    assert (result.returncode, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert [len(answer["results"]), answer["next_offset"]] == [2, 3]
    assert sandbox.requests == ["GET /api/projects/@current/error_tracking/releases/?offset=1&limit=2"]


def test_arguments_come_as_one_json_object_too(configured: dict[str, str]) -> None:
    """An object inside an argument is written either way, and a version that looks like a number stays text."""
    release = {"version": "1.10", "project": "shell", "metadata": {"git": {"branch": "main"}}}
    by_json = invoke("call", CREATE, "--json", json.dumps(release), **configured)
    pairs = ["version=1.10", "project=shell", 'metadata={"git": {"branch": "main"}}']
    by_pairs = invoke("call", CREATE, *pairs, **configured)
    for result in (by_json, by_pairs):
        assert result.returncode == 0, result.stderr
        created = json.loads(result.stdout)
        assert {name: created[name] for name in release} == release


def test_the_sandbox_needs_no_key() -> None:
    """--sandbox answers whatever the environment holds."""
    result = invoke("call", "--sandbox", LIST, "limit=1", POSTHOG_PERSONAL_API_KEY="phc_x", POSTHOG_PROJECT_ID="1")
    assert result.returncode == 0
    assert len(json.loads(result.stdout)["results"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-tool"], "unknown_tool: "),
        ([LIST, "limit=many"], "invalid_arguments: limit should be"),
        ([LIST, "sort=up"], 'There is no argument "sort". Valid: limit'),
        ([LIST, "limit"], "'limit' is not like key=value. Valid keys: limit, "),
        ([LIST, "limit=1", "limit=2"], "limit is given twice"),
        ([LIST, "--json", "{"], "--json is not JSON"),
        ([LIST, "--json", "[]"], "--json must be an object"),
        ([LIST, "limit=1", "--json", "{}"], "not both"),
        ([RETRIEVE], "id is required"),
    ],
)
def test_a_wrong_call_asks_nothing_and_ends_with_2(
    configured: dict[str, str], sandbox: Upstream, arguments: list[str], words: str
) -> None:
    """Standard error says what is wrong and what would be right; standard output stays empty for the next program."""
    result = invoke("call", *arguments, **configured)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert sandbox.requests == []


def test_without_a_key_it_ends_with_2() -> None:
    """It says where to get one."""
    result = invoke("call", LIST)
    assert (result.returncode, result.stdout) == (2, "")
    assert "/settings/user-api-keys" in result.stderr


def test_a_failed_call_ends_with_1(run: Run, configured: dict[str, str]) -> None:
    """The words are the same that an assistant gets."""
    missing = invoke("call", RETRIEVE, f"id={release_id(99)}", **configured)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("errtrack-mcp: not_found: ")
    refused = invoke("call", CREATE, "version=1", "project=a", **configured | {"POSTHOG_PERSONAL_API_KEY": READ_KEY})
    assert refused.returncode == 1
    assert "error_tracking:write" in refused.stderr
    assert "errtrack-mcp doctor" in refused.stderr
    assert "errtrack-mcp doctor" not in missing.stderr
    with misbehave(http(502, "<html><title>down</title>", "text/html")) as upstream:
        failed = run("call", LIST, POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY="phx_canary")
    assert failed.returncode == 1
    assert failed.stderr.startswith("errtrack-mcp: server_failed: ")
    assert "canary" not in failed.stderr


def test_on_a_terminal_it_prints_a_table(configured: dict[str, str]) -> None:
    """With a heading and colours where there is room, as one block for each row where there is not."""
    wide = show("call", LIST, "limit=2", **configured)
    assert wide.returncode == 0
    assert wide.coloured
    assert wide.text.split()[:3] == ["id", "version", "project"]
    assert "untrusted" not in wide.text
    narrow = show("call", LIST, "limit=2", **configured, COLUMNS="80")
    assert f"id          {release_id(0)}" in narrow.text
    assert max(map(len, narrow.text.splitlines())) <= 80


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_colours_can_be_done_without(configured: dict[str, str], variables: dict[str, str]) -> None:
    """The table stays, no colour comes."""
    shown = show("call", LIST, "limit=1", **configured | variables)
    assert shown.returncode == 0
    assert "\x1b[3" not in shown.raw
    assert "version" in shown.text


def test_text_of_strangers_does_not_reach_the_terminal_as_commands(configured: dict[str, str]) -> None:
    """Neither escape sequences nor markup do anything."""
    evil = "\x1b]0;owned\x07[red]v[/red]\x1b[2J"
    assert invoke("call", CREATE, "--json", json.dumps({"version": evil, "project": "a"}), **configured).returncode == 0
    shown = show("call", LIST, "limit=1", **configured)
    assert "[red]v[/red]" in shown.text
    assert "\x1b]0" not in shown.raw
    assert "\x1b[2J" not in shown.raw


def test_a_deletion_on_a_terminal_asks_and_is_done(configured: dict[str, str], database: Database) -> None:
    """The question names what would be lost."""
    shown = delete(configured, "y\n")
    assert shown.returncode == 0
    assert f'Delete release "{VERSION}" of "storefront-web" in project 4242 and 3 symbol sets with it?' in shown.text
    assert not still_there(database)


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x03", "\x04"], ids=["n", "enter", "ctrl-c", "ctrl-d"])
def test_anything_but_yes_deletes_nothing(configured: dict[str, str], database: Database, typed: str) -> None:
    """It says so, with no traceback."""
    shown = delete(configured, typed)
    assert "perhaps without asking a" in " ".join(shown.text.split())
    assert "Traceback" not in shown.text
    assert shown.returncode == 1
    assert still_there(database)


def test_a_merge_with_a_wrong_confirm_is_not_called_a_success(configured: dict[str, str]) -> None:
    """A list is typed with commas; a preview ends well, and a confirm that led to nothing does not."""
    asked = (MERGE, f"issue_id={issue_id('merged')}", f"merged_ids={issue_id('cart-total')},{issue_id('python')}")
    preview = invoke("call", *asked, **configured)
    assert preview.returncode == 0
    assert len(json.loads(preview.stdout)["former_issues"]) == 2
    assert invoke("call", *asked, "confirm=aaaaaaaa", **configured).returncode == 1
    done = invoke("call", *asked, f"confirm={json.loads(preview.stdout)['confirm']}", **configured)
    assert (done.returncode, json.loads(done.stdout)["changed"]) == (0, True)


def test_without_a_terminal_a_deletion_needs_its_confirm(configured: dict[str, str], database: Database) -> None:
    """Without it there is only a preview; with it nobody is asked."""
    preview = invoke("call", DESTROY, f"id={release_id(2)}", **configured)
    assert json.loads(preview.stdout)["deleted"] is False
    assert still_there(database)
    confirm = json.loads(preview.stdout)["confirm"]
    done = invoke("call", DESTROY, f"id={release_id(2)}", f"confirm={confirm}", **configured)
    assert json.loads(done.stdout)["deleted"] is True
    assert not still_there(database)


def _number(database: Database) -> int:
    return int(database.execute("SELECT count(*) FROM symbol_sets").fetchone()[0])


def test_interrupting_a_deletion_reports_how_far_it_came(configured: dict[str, str], database: Database) -> None:
    """Ctrl-C in the middle: what is gone stays gone, and how much that is."""
    add_symbol_sets(database, 600)
    arguments = ["call", "error-tracking-symbol-sets-prune", "unbound=true", "limit=500"]
    plan = json.loads(invoke(*arguments, **configured).stdout)
    with subprocess.Popen(
        [COMMAND, *arguments, f"confirm={plan['confirm']}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**configured),
    ) as process:
        before = _number(database)
        while _number(database) > before - 20:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    found = re.search(r"Stopped\. Deleted (\d+) of 500 symbol sets\. What was done stays done\.", said)
    assert found, said
    assert 0 < int(found[1]) <= before - _number(database) < 500


def test_a_shell_completes_the_names_of_tools(run: Run) -> None:
    """As click's completion asks for them; the script to source names the command."""
    asked = {"_ERRTRACK_MCP_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    offered = run(COMP_WORDS="errtrack-mcp call error-tracking-releases-d", **asked).stdout
    assert offered == f"plain,{DESTROY}\n"
    assert "errtrack-mcp" in invoke(_ERRTRACK_MCP_COMPLETE="bash_source").stdout
    assert COMMAND.endswith("errtrack-mcp")


def test_tools_are_listed_with_their_sizes() -> None:
    """In a pipe a line each, as JSON whole, without a key; what the settings leave out is not there."""
    listed = [line.split("\t") for line in invoke("tools").stdout.splitlines()]
    whole = json.loads(invoke("tools", "--json").stdout)
    assert [row[0] for row in listed] == [tool["name"] for tool in whole["tools"]]
    for row, tool in zip(listed, whole["tools"], strict=True):
        size = len(json.dumps(tool["definition"], separators=(",", ":"), ensure_ascii=False).encode())
        assert [int(row[2]), int(row[3])] == [size, tool["tokens"]] == [tool["bytes"], round(size / 4)]
        assert tool["definition"]["inputSchema"]["type"] == "object"
    assert whole["bytes"] == sum(tool["bytes"] for tool in whole["tools"])
    assert "estimate" in whole["tokens_are"]
    fewer = json.loads(invoke("tools", "--json", ERRTRACK_READ_ONLY="1", ERRTRACK_TOOLSETS="symbol-sets").stdout)
    assert {tool["toolset"] for tool in fewer["tools"]} == {"symbol-sets"}
    assert {tool["kind"] for tool in fewer["tools"]} == {"reads"}
    wrong = invoke("tools", ERRTRACK_TOOLSETS="nope")
    assert wrong.returncode == 2
    assert "Valid: issues, releases" in wrong.stderr


def test_tools_on_a_terminal_are_a_table_with_a_sum() -> None:
    """And each toolset's share of it."""
    shown = show("tools")
    assert shown.returncode == 0
    assert shown.text.startswith("tool ")
    assert "estimate" in shown.text
    assert "releases " in shown.text.splitlines()[-2]
