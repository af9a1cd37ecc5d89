"""A deletion asks the user wherever the client can ask one, on either protocol era."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.app import build_server
from errtrack_mcp.tools import symbol_set_reader as reader_module
from tests.support.fixtures import Answer, MakeSettings, Refusal
from tests.support.project import add_symbol_sets
from tests.support.upstream import Upstream

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("mode", ["legacy", "2026-07-28"]),
    pytest.mark.attack("deletions without a yes"),
]

RELEASES = "error-tracking-releases-list"
SYMBOL_SETS = "error-tracking-symbol-sets-list"
DESTROY_RELEASE = "error-tracking-releases-destroy"
DESTROY_SYMBOL_SET = "error-tracking-symbol-sets-destroy"


@pytest.fixture
def connect_asking(settings: MakeSettings) -> Any:
    """Connect a client whose user gives one answer to every question; the questions are kept."""

    @asynccontextmanager
    async def connected(mode: str, answer: ElicitResult, questions: list[str]) -> AsyncIterator[Client]:
        async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            assert context is not None
            questions.append(params.message)
            return answer

        pool = HttpTransport(settings().host)
        try:
            async with Client(build_server(settings(), pool), mode=mode, elicitation_callback=ask) as client:
                yield client
        finally:
            await pool.aclose()

    return connected


async def confirmed(answer: Answer, client: Client, tool: str, id_: str) -> Any:
    """Preview a deletion, confirm it with the preview's code, and return the answer."""
    return await answer(client, tool, id=id_, confirm=(await answer(client, tool, id=id_))["confirm"])


YES = ElicitResult(action="accept", content={"agree": True})
NOES = [
    ElicitResult(action="accept", content={"agree": False}),
    ElicitResult(action="decline"),
    ElicitResult(action="cancel"),
]


async def test_the_user_is_asked_and_agrees(connect_asking: Any, answer: Answer, mode: str) -> None:
    """With consent the release and the symbol set go; each question names what would be lost."""
    questions: list[str] = []
    async with connect_asking(mode, YES, questions) as client:
        release = (await answer(client, RELEASES, limit=1))["results"][0]
        done = await confirmed(answer, client, DESTROY_RELEASE, release["id"])
        assert done["deleted"] is True
        symbol_set = (await answer(client, SYMBOL_SETS, limit=1))["results"][0]
        assert (await confirmed(answer, client, DESTROY_SYMBOL_SET, symbol_set["id"]))["deleted"]
    assert len(questions) == 2
    assert f'"{release["version"]}"' in questions[0]
    assert f"{done['symbol_sets']} symbol sets" in questions[0]


async def test_a_count_that_was_cut_short_is_reported_as_such(
    connect_asking: Any, answer: Answer, database: Database, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting ends at a limit, and the question says that there may be more."""
    questions: list[str] = []
    monkeypatch.setattr(reader_module, "MAX_PAGES", 3)
    add_symbol_sets(database, 2_100)
    with database.transaction():
        database.execute("UPDATE symbol_sets SET release_id = ? WHERE ref LIKE 'added-%'", (release_id(2),))
    async with connect_asking(mode, NOES[1], questions) as client:
        preview = await confirmed(answer, client, DESTROY_RELEASE, release_id(2))
    assert preview["more_than_counted"] is True
    assert f"more than {preview['symbol_sets']} symbol sets" in questions[0]


@pytest.mark.parametrize("no", NOES, ids=["unticked", "declined", "cancelled"])
async def test_a_user_who_says_no_loses_nothing(
    connect_asking: Any, answer: Answer, sandbox: Upstream, mode: str, no: ElicitResult
) -> None:
    """Declining, cancelling and unticking all delete nothing, and the model is told."""
    questions: list[str] = []
    async with connect_asking(mode, no, questions) as client:
        release = (await answer(client, RELEASES, limit=1))["results"][0]
        kept = await confirmed(answer, client, DESTROY_RELEASE, release["id"])
        symbol_set = (await answer(client, SYMBOL_SETS, limit=1))["results"][0]
        spared = await confirmed(answer, client, DESTROY_SYMBOL_SET, symbol_set["id"])
    assert (kept["deleted"], spared["deleted"]) == (False, False)
    assert "the client canceled" in kept["next_step"] or "the client answered no" in kept["next_step"]
    assert "perhaps without asking a person" in kept["next_step"]
    assert len(questions) == 2
    assert not any(request.startswith("DELETE") for request in sandbox.requests)


async def test_a_preview_asks_nothing(connect_asking: Any, answer: Answer, mode: str) -> None:
    """Without the right confirm there is nothing to consent to."""
    questions: list[str] = []
    async with connect_asking(mode, YES, questions) as client:
        release = (await answer(client, RELEASES, limit=1))["results"][0]
        for confirm in ({}, {"confirm": "wrong"}):
            assert (await answer(client, DESTROY_RELEASE, id=release["id"], **confirm))["deleted"] is False
    assert questions == []


@pytest.mark.parametrize("word", ["perhaps", "yes", "y", "true", 1, 1.0])
async def test_an_unreadable_answer_deletes_nothing(
    connect_asking: Any, answer: Answer, refusal: Refusal, mode: str, word: Any
) -> None:
    """An answer that is not what was asked for is an error, not consent."""
    async with connect_asking(mode, ElicitResult(action="accept", content={"agree": word}), []) as client:
        release = (await answer(client, RELEASES, limit=1))["results"][0]
        confirm = (await answer(client, DESTROY_RELEASE, id=release["id"]))["confirm"]
        text = await refusal(client, DESTROY_RELEASE, id=release["id"], confirm=confirm)
        assert await answer(client, "error-tracking-releases-retrieve", id=release["id"])
    assert text.startswith("no_clear_answer: ")


async def test_a_target_that_changes_during_the_question_stays(
    settings: MakeSettings, answer: Answer, database: Database, mode: str
) -> None:
    """Between the question and the yes the release is renamed: the user agreed to something else."""

    async def rename_and_agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context is not None
        assert params.message
        with database.transaction():
            database.execute("UPDATE releases SET version = 'renamed' WHERE id = ?", (release_id(2),))
        return YES

    pool = HttpTransport(settings().host)
    async with Client(build_server(settings(), pool), mode=mode, elicitation_callback=rename_and_agree) as client:
        kept = await confirmed(answer, client, DESTROY_RELEASE, release_id(2))
    await pool.aclose()
    assert kept["deleted"] is False
    assert kept["release"]["version"] == "renamed"
    assert "something has changed since" in kept["next_step"]
    assert database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),)) is not None
