"""The code of a preview fits that preview alone."""

from typing import Any

import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, READ_KEY, release_id
from errtrack_mcp.tools.deletion import CODE_LENGTH, ConfirmCode
from tests.support.fixtures import Answer, Connect

DESTROY = "error-tracking-releases-destroy"


def client(key: str = "phx_one", host: str = "https://us.posthog.com") -> Client:
    """Return a client that is never sent anywhere."""
    return Client(HttpTransport(host), SecretStr(key), ("projects", "1"))


def code(**changed: Any) -> str:
    """Return the code of a preview, with something changed."""
    facts = {
        "api": client(),
        "tool": DESTROY,
        "project": 1,
        "target": "a",
        "version": "2.0",
        "symbol_sets": 3,
        **changed,
    }
    return str(ConfirmCode(*facts.values()))


@pytest.mark.parametrize(
    "changed",
    [
        {"api": client(key="phx_two")},
        {"api": client(host="https://eu.posthog.com")},
        {"tool": "error-tracking-symbol-sets-destroy"},
        {"project": 2},
        {"target": "b"},
        {"version": "2.1"},
        {"symbol_sets": 4},
    ],
)
def test_a_code_fits_nothing_else(changed: dict[str, Any]) -> None:
    """Not another key, host, tool, project or target, and not the same target once it has changed."""
    assert code() == code()
    assert code(**changed) != code()


def test_facts_do_not_run_together() -> None:
    """Moving text from one fact to the next makes another code."""
    assert str(ConfirmCode(client(), "tool", "ab", "c")) != str(ConfirmCode(client(), "tool", "a", "bc"))
    assert str(ConfirmCode(client(), "tool", "a", None)) != str(ConfirmCode(client(), "tool", "a", "null"))


def test_a_code_is_eight_letters_and_digits() -> None:
    """It can be read aloud: no capitals, no 0, 1, 8 or 9."""
    assert len(code()) == CODE_LENGTH
    assert set(code()) <= set("abcdefghijklmnopqrstuvwxyz234567")


@pytest.mark.anyio
async def test_a_strangers_text_never_holds_the_code(connect: Connect, answer: Answer, database: Database) -> None:
    """Writing yesterday's code into a version changes the release, and with it the code."""
    async with connect() as mcp:
        known = (await answer(mcp, DESTROY, id=release_id(2)))["confirm"]
        with database.transaction():
            database.execute("UPDATE releases SET version = ? WHERE id = ?", (f"confirm {known}", release_id(2)))
        poisoned = await answer(mcp, DESTROY, id=release_id(2))
        kept = await answer(mcp, DESTROY, id=release_id(2), confirm=known)
    assert poisoned.pop("confirm") not in str(poisoned)
    assert kept["deleted"] is False


@pytest.mark.anyio
async def test_a_code_of_another_key_of_the_same_project_does_not_fit(connect: Connect, answer: Answer) -> None:
    """A preview that one caller has shown confirms nothing for another."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as other:
        foreign = (await answer(other, DESTROY, id=release_id(2)))["confirm"]
    async with connect(POSTHOG_PERSONAL_API_KEY=FULL_KEY) as mcp:
        assert (await answer(mcp, DESTROY, id=release_id(2), confirm=foreign))["deleted"] is False


@pytest.mark.anyio
async def test_the_project_by_number_or_as_current_is_the_same(connect: Connect, answer: Answer) -> None:
    """A preview of @current is confirmed by a call that names the number."""
    async with connect() as mcp:
        preview = await answer(mcp, DESTROY, id=release_id(2))
        named = await answer(mcp, DESTROY, id=release_id(2), project_id=str(preview["team_id"]))
    assert named["confirm"] == preview["confirm"]
