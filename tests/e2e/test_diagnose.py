"""The diagnosis as a command: for a person, for a pipe, and for the exit code of a CI job."""

import json

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.seed import FULL_KEY, NO_SCOPES_KEY, chunk_id, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from tests.support.fixtures import Run
from tests.support.invoked import invoke, show
from tests.support.terminal import run_on_terminal
from tests.support.upstream import Upstream


@pytest.fixture
def configured(sandbox: Upstream) -> dict[str, str]:
    """Name the sandbox and its key."""
    return {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY}


@pytest.mark.parametrize(
    ("arguments", "code", "readable"),
    [
        ([], 1, False),
        ([chunk_id("unbound/main")], 0, True),
        ([chunk_id("never/admin")], 2, None),
        ([FAILURES[0][0]], 1, False),
        (["--release-id", release_id(1)], 2, None),
        (["--project", "storefront-web", "--version", "2.12.4"], 2, None),
        (["--release-id", release_id(3)], 2, None),
        (["--issue", issue_id("cart-total")], 1, False),
        (["--issue", issue_id("readable-after-upload")], 0, True),
        (["--issue", issue_id("no-event-in-7-days")], 2, None),
        (["--issue", issue_id("no-event-in-7-days"), "--date-from", "-30d"], 0, True),
        ([chunk_id("never/admin"), "--verify", "--line", "1", "--column", "48"], 0, True),
        ([chunk_id("pending/main"), "--verify"], 1, False),
    ],
)
def test_the_exit_code_says_whether_it_is_readable(
    configured: dict[str, str], arguments: list[str], code: int, *, readable: bool | None
) -> None:
    """0 readable, 1 not, 2 could not tell; in a pipe there is JSON and nothing else."""
    result = invoke("diagnose", *arguments, **configured)
    assert (result.returncode, result.stderr) == (code, "")
    assert json.loads(result.stdout)["readable"] is readable


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {"POSTHOG_PERSONAL_API_KEY": NO_SCOPES_KEY}, "missing_scope"),
        ([], {"POSTHOG_PERSONAL_API_KEY": ""}, "There is no key."),
        ([], {"POSTHOG_HOST": "http://127.0.0.1:9"}, "connection_failed"),
        ([], {"ERRTRACK_TOOLSETS": "releases"}, "unknown_tool"),
        (["--version", "1"], {}, "invalid_arguments"),
        ([""], {}, "ref must not be empty"),
        (["--release-id", ""], {}, "release_id must not be empty"),
        (["--issue", "cart"], {}, "issue_id is neither an id"),
        (["--issue", issue_id("cart-total"), "--version", "1"], {}, "Give an issue, or version, not both"),
        (["--issue", issue_id("cart-total"), "--expiring-within-days", "7"], {}, "or expiring-within-days, not both"),
        (["--issue", issue_id("cart-total"), "--verify"], {}, "Give an issue, or verify, not both"),
        (["--line", "1", "--column", "48"], {}, "verify, line and column need ref"),
        (["--date-from", "-3d"], {}, "give --issue too"),
    ],
)
def test_what_fails_leaves_it_open(
    configured: dict[str, str], arguments: list[str], variables: dict[str, str], said: str
) -> None:
    """Never an exit code that says readable or not, whatever went wrong."""
    result = invoke("diagnose", *arguments, **{**configured, **variables})
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_on_a_terminal_there_are_tables_and_a_bar(configured: dict[str, str]) -> None:
    """A person sees what failed, which releases are covered, what to do, and how far the reading is."""
    shown = run_on_terminal("diagnose", variables=configured)
    assert shown.returncode == 1
    assert "Read 58 of 58" not in shown.text.splitlines()[-1]
    for part in ("Not all readable: of 58 symbol sets", "HttpStatus", "2.14.0", "1. Release", "━"):
        assert part in shown.text
    as_json = show("diagnose", "--json", chunk_id("unbound/main"), **configured)
    assert '"readable": true' in as_json.text


def test_an_issue_is_named_by_the_address_of_its_page(run: Run, configured: dict[str, str]) -> None:
    """What a person copies from the browser."""
    page = f"{configured['POSTHOG_HOST']}/error_tracking/{issue_id('cart-total')}?timestamp=x"
    named = json.loads(run("diagnose", "--issue", issue_id("cart-total"), **configured).stdout)
    by_page = json.loads(run("diagnose", page, **configured).stdout)
    assert by_page["causes"] == named["causes"]


def test_on_a_terminal_each_cause_of_an_issue_has_its_frame_and_its_remedy(configured: dict[str, str]) -> None:
    """Where it is, what is true by now, and what to do."""
    shown = run_on_terminal("diagnose", "--issue", issue_id("still-broken"), variables=configured)
    assert shown.returncode == 1
    words = " ".join(shown.text.split())
    for part in ("map does not fit: 3 frames", "fd at /static/js/", ":1:90412", "Still broken at", "Deploy the very"):
        assert part in words


def test_on_a_terminal_it_is_said_why_a_file_was_not_looked_into(configured: dict[str, str]) -> None:
    """The summary names the field of the JSON that a person does not see."""
    words = " ".join(show("diagnose", chunk_id("pending/main"), "--verify", **configured).text.split())
    assert "The file: its storage answered 404." in words


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_however_narrow_the_terminal_nothing_is_cut_off(configured: dict[str, str], columns: int) -> None:
    """Counts, reasons and what they mean are whole, if not in a table."""
    words = " ".join(show("diagnose", **configured, COLUMNS=str(columns)).text.split())
    for part in (
        "JavaScript InvalidSourceMapHeader",
        "header of the script is not readable",
        "storefront-web",
        "2.14.0",
    ):
        assert part in words


def test_it_needs_no_account(run: Run) -> None:
    """With --sandbox it diagnoses the made-up project."""
    result = run("diagnose", "--sandbox")
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads(result.stdout)["no_file"] == len(FAILURES)


def test_the_database_is_left_alone(configured: dict[str, str], database: Database) -> None:
    """A diagnosis changes nothing."""
    before = [tuple(row) for row in database.all("SELECT * FROM symbol_sets ORDER BY id")]
    invoke("diagnose", **configured)
    assert [tuple(row) for row in database.all("SELECT * FROM symbol_sets ORDER BY id")] == before
