"""A key's budget of upstream requests: PostHog's own limits, kept exactly, in the process and in Redis."""

import pytest

from errtrack_mcp.remote.rate_limit import KEYS_REMEMBERED, Budget

KEY, OTHER = "hash-of-a-key", "hash-of-another"


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds since an unimportant moment."""
        return self.now


@pytest.mark.anyio
@pytest.mark.parametrize(("resource", "a_minute", "an_hour"), [("releases", 480, 4800), ("symbol_sets", 1200, 12000)])
async def test_both_windows_hold(resource: str, a_minute: int, an_hour: int) -> None:
    """The minute's limit, then the hour's; the wait that is told is exact."""
    clock = Clock()
    budget = Budget(clock=clock)
    for minute in range(an_hour // a_minute):
        clock.now = minute * 60.0
        for _ in range(a_minute):
            assert await budget.spend(KEY, resource) is None
        clock.now += 1
        assert await budget.spend(KEY, resource) == (59 if minute < 9 else 3600 - clock.now)
    clock.now = 3599.9
    assert await budget.spend(KEY, resource) == pytest.approx(0.1)
    clock.now = 3600
    assert await budget.spend(KEY, resource) is None


@pytest.mark.anyio
async def test_keys_and_kinds_of_calls_have_budgets_of_their_own() -> None:
    """One key's spending is not another's, nor releases' that of symbol sets."""
    budget = Budget(clock=Clock())
    for _ in range(480):
        assert await budget.spend(KEY, "releases") is None
    assert await budget.spend(KEY, "releases") == 60
    assert await budget.spend(KEY, "symbol_sets") is None
    assert await budget.spend(OTHER, "releases") is None


@pytest.mark.anyio
async def test_what_is_remembered_is_bounded() -> None:
    """However many keys come, the oldest make room."""
    budget = Budget(clock=Clock())
    for number in range(KEYS_REMEMBERED + 100):
        await budget.spend(str(number), "releases")
    assert len(budget._spent) == KEYS_REMEMBERED  # noqa: SLF001 - the bound is what is tested
