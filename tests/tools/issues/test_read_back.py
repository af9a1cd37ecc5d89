"""A change is made once; what is true afterwards is read whatever became of its answer."""

import pytest

from errtrack_mcp.api.errors import (
    ApiError,
    BadRequest,
    ConnectionFailed,
    NotFound,
    NotJson,
    RateLimited,
    ServerError,
    TimedOut,
)
from errtrack_mcp.tools.issues.read_back import made_and_read
from errtrack_mcp.tools.refusal import Refusal

pytestmark = pytest.mark.anyio

PERHAPS_MADE = [
    ConnectionFailed(may_have_happened=True),
    TimedOut(may_have_happened=True),
    ServerError(500),
    NotJson(200),
]
NOT_MADE = [ConnectionFailed(), BadRequest(400), NotFound(404), RateLimited(429, "", "", 3.0)]


class Posthog:
    """Counts what it is asked; `change` and `read` fail where an error is given."""

    def __init__(self, change: ApiError | None = None, read: ApiError | None = None) -> None:
        self.errors = {"change": change, "read": read}
        self.asked: list[str] = []

    async def change(self) -> str:
        """Make the change."""
        return self._answer("change")

    async def read(self) -> str:
        """Read what is true."""
        return self._answer("read")

    def _answer(self, name: str) -> str:
        self.asked.append(name)
        if error := self.errors[name]:
            raise error
        return f"answer to {name}"


async def test_a_change_that_was_answered_is_read_back() -> None:
    """Nothing is said of a loss."""
    posthog = Posthog()
    outcome = await made_and_read(posthog.change, posthog.read)
    assert (outcome.made, outcome.now, outcome.how) == ("answer to change", "answer to read", "")
    assert posthog.asked == ["change", "read"]


@pytest.mark.parametrize("error", PERHAPS_MADE, ids=lambda error: type(error).__name__)
async def test_a_lost_answer_is_made_up_for_by_reading(error: ApiError) -> None:
    """The change is not repeated."""
    posthog = Posthog(change=error)
    outcome = await made_and_read(posthog.change, posthog.read)
    assert (outcome.made, outcome.now) == (None, "answer to read")
    assert error.code in outcome.how
    assert posthog.asked == ["change", "read"]


@pytest.mark.parametrize("error", NOT_MADE, ids=lambda error: type(error).__name__)
async def test_what_was_surely_not_made_is_an_error(error: ApiError) -> None:
    """There is nothing to read then."""
    posthog = Posthog(change=error)
    with pytest.raises(type(error)):
        await made_and_read(posthog.change, posthog.read)
    assert posthog.asked == ["change"]


@pytest.mark.parametrize("lost", [None, TimedOut(may_have_happened=True)])
async def test_what_cannot_be_read_is_not_guessed(lost: ApiError | None) -> None:
    """Whether the change was answered is all that can be said."""
    posthog = Posthog(change=lost, read=ServerError(503))
    with pytest.raises(Refusal, match="timed_out" if lost else "it answered with success"):
        await made_and_read(posthog.change, posthog.read)
