"""A key's budget of upstream requests: PostHog's own limits, kept exactly, in the process and in Redis."""

import pytest

from errtrack_mcp.remote.rate_limit import KEYS_REMEMBERED, KeyRateLimiter

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
    limiter = KeyRateLimiter(clock=clock)
    for minute in range(an_hour // a_minute):
        clock.now = minute * 60.0
        for _ in range(a_minute):
            assert await limiter.acquire(KEY, resource) is None
        clock.now += 1
        assert await limiter.acquire(KEY, resource) == (59 if minute < 9 else 3600 - clock.now)
    clock.now = 3599.9
    assert await limiter.acquire(KEY, resource) == pytest.approx(0.1)
    clock.now = 3600
    assert await limiter.acquire(KEY, resource) is None


@pytest.mark.anyio
async def test_keys_and_kinds_of_calls_have_budgets_of_their_own() -> None:
    """One key's spending is not another's, nor releases' that of symbol sets."""
    limiter = KeyRateLimiter(clock=Clock())
    for _ in range(480):
        assert await limiter.acquire(KEY, "releases") is None
    assert await limiter.acquire(KEY, "releases") == 60
    assert await limiter.acquire(KEY, "symbol_sets") is None
    assert await limiter.acquire(OTHER, "releases") is None


@pytest.mark.anyio
async def test_what_is_remembered_is_bounded() -> None:
    """However many keys come, the oldest make room."""
    limiter = KeyRateLimiter(clock=Clock())
    for number in range(KEYS_REMEMBERED + 100):
        await limiter.acquire(str(number), "releases")
    assert len(limiter._sent) == KEYS_REMEMBERED  # noqa: SLF001 - the bound is what is tested
