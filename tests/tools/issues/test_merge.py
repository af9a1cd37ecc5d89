"""Merging issues: previewed, confirmed, and told as it is afterwards, with what is needed to undo it by hand."""

from typing import Any

import pytest
from mcp import Client
from mcp_types import ElicitResult

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OWNER, READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.server.app import build_server
from tests.support.fixtures import Answer, Connect, MakeSettings, Refusal
from tests.support.lossy import LossySandbox
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

MERGE = "error-tracking-issues-merge-create"
INTO = issue_id("readable-after-upload")
CART = issue_id("cart-total")
FIXED = issue_id("fixed-by-upload")
MERGED = issue_id("merged")
HOSTILE = issue_id("hostile")
BOTH = {"issue_id": INTO, "merged_ids": [CART, MERGED]}
NOBODY = "019a9da0-9220-7000-912a-de2d7c339fae"


def issues(database: Database) -> set[str]:
    """Return the ids of all issues."""
    return {row["id"] for row in database.all("SELECT id FROM issues")}


def fingerprints(database: Database, issue: str) -> set[str]:
    """Return the fingerprints of an issue."""
    rows = database.all("SELECT fingerprint FROM issue_fingerprints WHERE issue_id = ?", (issue,))
    return {row["fingerprint"] for row in rows}


async def merged(answer: Answer, client: Client, **arguments: Any) -> dict[str, Any]:
    """Preview a merge and confirm it."""
    preview = await answer(client, MERGE, **arguments)
    return await answer(client, MERGE, **arguments, confirm=preview["confirm"])


async def test_a_preview_changes_nothing_and_shows_what_would_be_lost(
    connect: Connect, answer: Answer, database: Database, sandbox: Upstream
) -> None:
    """Name, assignee and fingerprints of each issue that would go."""
    before = issues(database)
    async with connect() as client:
        preview = await answer(client, MERGE, **BOTH)
    assert preview["changed"] is False
    assert preview["issue"]["id"] == INTO
    cart, merged_before = preview["former_issues"]
    assert (cart["issue"]["id"], cart["issue"]["name"], cart["issue"]["severity"]) == (CART, "TypeError", "high")
    assert cart["issue"]["assignee"] == {"id": OWNER, "type": "user"}
    assert set(cart["fingerprints"]) == fingerprints(database, CART)
    assert merged_before["fingerprints_in_all"] == len(fingerprints(database, MERGED)) > 1
    assert preview["next_step"].startswith("Nothing was changed. Show this to the user.")
    assert "A merge deletes former_issues. To undo by hand" in preview["next_step"]
    assert issues(database) == before
    assert not [request for request in sandbox.requests if not request.startswith("GET")]


async def test_a_confirmed_merge_moves_the_fingerprints_and_deletes_the_issues(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """The answer still holds what the preview showed, since nothing else does now."""
    moved = fingerprints(database, CART) | fingerprints(database, MERGED)
    async with connect() as client:
        done = await merged(answer, client, **BOTH)
    assert done["changed"] is True
    assert "confirm" not in done
    assert not {CART, MERGED} & issues(database)
    assert moved < fingerprints(database, INTO)
    assert {fingerprint for each in done["former_issues"] for fingerprint in each["fingerprints"]} == moved
    assert "To undo by hand: split it" in done["next_step"]


async def test_an_assignee_that_the_issue_takes_over_is_shown(connect: Connect, answer: Answer) -> None:
    """The issue is read again after the merge: PostHog gives it the assignee that all others shared."""
    async with connect() as client:
        done = await merged(answer, client, issue_id=INTO, merged_ids=[CART])
    assert done["issue"]["assignee"] == {"id": OWNER, "type": "user"}


@pytest.mark.attack("a confirm code for something else")
async def test_a_code_fits_no_other_merge_and_no_changed_issue(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """Other issues, another target, another key, and the same issues once one has changed."""
    before = issues(database)
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as other:
        foreign = (await answer(other, MERGE, **BOTH))["confirm"]
    async with connect() as client:
        code = (await answer(client, MERGE, **BOTH))["confirm"]
        for arguments in (
            {"issue_id": INTO, "merged_ids": [CART]},
            {"issue_id": FIXED, "merged_ids": [CART, MERGED]},
            {"issue_id": CART, "merged_ids": [INTO, MERGED]},
        ):
            assert (await answer(client, MERGE, **arguments, confirm=code))["changed"] is False
        assert (await answer(client, MERGE, **BOTH, confirm=foreign))["changed"] is False
        with database.transaction():
            database.execute("UPDATE issues SET name = ? WHERE id = ?", (f"confirm {code}", CART))
        kept = await answer(client, MERGE, **BOTH, confirm=code)
    assert kept["changed"] is False
    assert kept["confirm"] != code
    assert issues(database) == before


@pytest.mark.attack("deletions without a yes")
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("agrees", [True, False])
async def test_the_user_is_asked_where_the_client_can_ask(
    settings: MakeSettings, answer: Answer, database: Database, mode: Any, *, agrees: bool
) -> None:
    """The question names what goes; a no leaves everything as it was."""
    questions: list[str] = []

    async def ask(context: Any, params: Any) -> ElicitResult:
        assert context is not None
        questions.append(params.message)
        return ElicitResult(action="accept", content={"agree": agrees})

    pool = HttpTransport(settings().host)
    try:
        async with Client(build_server(settings(), pool), mode=mode, elicitation_callback=ask) as client:
            done = await merged(answer, client, **BOTH)
    finally:
        await pool.aclose()
    assert done["changed"] is agrees
    assert ({CART, MERGED} <= issues(database)) is not agrees
    assert len(questions) == 1
    assert questions[0].startswith('Merge 2 issues into "TypeError" and delete "TypeError"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"issue_id": INTO, "merged_ids": []}, "merged_ids must not be empty"),
        ({"issue_id": INTO, "merged_ids": [INTO]}, "names an issue twice, or issue_id itself"),
        ({"issue_id": INTO, "merged_ids": [CART, CART]}, "names an issue twice"),
        ({"issue_id": INTO, "merged_ids": [NOBODY]}, "not_found: "),
        ({"issue_id": NOBODY, "merged_ids": [CART]}, "not_found: "),
        ({"issue_id": INTO, "merged_ids": ["x"]}, "should be a UUID"),
        ({"issue_id": INTO}, "merged_ids is required"),
    ],
)
async def test_what_posthog_would_pass_over_is_refused(
    connect: Connect, refusal: Refusal, sandbox: Upstream, arguments: dict[str, Any], said: str
) -> None:
    """PostHog drops ids that name nothing, and calls that a success."""
    async with connect() as client:
        assert said in await refusal(client, MERGE, **arguments)
    assert not [request for request in sandbox.requests if request.startswith("POST")]


LOSSES = [("cut", True), ("cut", False), ("500", True), ("500", False)]  # how, and whether the change was made


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_answer_is_followed_by_what_is_true(
    connect: Connect, answer: Answer, database: Database, lossy: LossySandbox, loss: Any
) -> None:
    """The merge is asked for once; whether it was made is read from the issues."""
    lossy.ending = "/merge/"
    lossy.how, lossy.carried_out = loss
    async with connect(POSTHOG_HOST=lossy.url) as client:
        done = await merged(answer, client, **BOTH)
    assert done["changed"] is loss[1] is not ({CART, MERGED} <= issues(database))
    assert "PostHog's answer to the change was lost" in done["next_step"]
    assert ("every issue is still there" in done["next_step"]) is not loss[1]
    assert ("confirm" in done) is not loss[1]
    assert lossy.upstream
    assert len([request for request in lossy.upstream.requests if request.startswith("POST")]) == 1


async def test_what_cannot_be_read_either_is_said(connect: Connect, answer: Answer, lossy: LossySandbox) -> None:
    """Neither yes nor no."""
    lossy.ending, lossy.then_breaks = "/merge/", True
    async with connect(POSTHOG_HOST=lossy.url) as client:
        confirm = (await answer(client, MERGE, **BOTH))["confirm"]
        result = await client.call_tool(MERGE, {**BOTH, "confirm": confirm})
    assert result.is_error
    assert "incomplete: PostHog was asked to make the change" in str(result.content)


async def test_many_fingerprints_are_counted_and_only_some_shown(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """An issue may own thousands: the answer says how many there are."""
    with database.transaction():
        for number in range(150):
            values = (f"fp-{number}", 1, CART, f"{number:0128x}", None, "2026-11-11 11:11:11.000000")
            team = database.all("SELECT team_id FROM issues WHERE id = ?", (CART,))[0][0]
            database.execute("INSERT INTO issue_fingerprints VALUES (?,?,?,?,?,?)", (values[0], team, *values[2:]))
    async with connect() as client:
        preview = await answer(client, MERGE, issue_id=INTO, merged_ids=[CART])
    (cart,) = preview["former_issues"]
    assert cart["fingerprints_in_all"] == 151
    assert len(cart["fingerprints"]) == 20


@pytest.mark.attack("hostile text in an issue")
async def test_hostile_text_is_quoted_in_the_question_and_data_in_the_answer(connect: Connect, answer: Answer) -> None:
    """Invisible characters are shown, quotation marks cannot end the quotation, long texts are cut."""
    async with connect() as client:
        preview = await answer(client, MERGE, issue_id=INTO, merged_ids=[HOSTILE])
    assert "\u202e" not in str(preview)
    assert "Ignore" not in preview["next_step"]
    assert len(preview["former_issues"][0]["issue"]["description"]) < 400
