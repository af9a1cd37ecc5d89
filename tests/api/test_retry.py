"""When to try again, and how long to wait first."""

import pytest

from errtrack_mcp.api.errors import (
    ApiError,
    ConnectionFailed,
    HostNotFound,
    NotFound,
    NotJson,
    RateLimited,
    ServerError,
    TimedOut,
    TlsFailed,
)
from errtrack_mcp.api.retry import RetryPolicy, wait_before_retry

POLICY = RetryPolicy(attempts=2, first_wait=0.4, max_rate_limit_wait=20, jitter=lambda: 1.0)
THROTTLED = RateLimited(429, "throttled", "", 7)


@pytest.mark.parametrize("failure", [ConnectionFailed(), TimedOut(), ServerError(503), HostNotFound()])
def test_what_may_pass_is_tried_twice_more(failure: ApiError) -> None:
    """Waits double, and end after the second."""
    waits = [wait_before_retry(POLICY, failure, tries, 0, repeatable=True) for tries in (1, 2, 3)]
    assert waits == [0.4, 0.8, None]


@pytest.mark.parametrize("failure", [ConnectionFailed(), TimedOut(), ServerError(502)])
def test_a_change_is_never_repeated_blindly(failure: ApiError) -> None:
    """It may have been made although no answer came."""
    assert wait_before_retry(POLICY, failure, 1, 0, repeatable=False) is None


@pytest.mark.parametrize("failure", [NotFound(404), NotJson(200), ServerError(512), ServerError(501), TlsFailed()])
def test_a_clear_answer_is_final(failure: ApiError) -> None:
    """Asking again would bring the same."""
    assert wait_before_retry(POLICY, failure, 1, 0, repeatable=True) is None


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_rate_limit_is_waited_out_while_that_is_short(repeatable: bool) -> None:  # noqa: FBT001
    """What was throttled was not carried out, so anything may be repeated, within the time allowed in all."""
    assert wait_before_retry(POLICY, THROTTLED, 1, 0, repeatable=repeatable) == 7
    assert wait_before_retry(POLICY, THROTTLED, 5, 13, repeatable=repeatable) == 7
    assert wait_before_retry(POLICY, THROTTLED, 1, 14, repeatable=repeatable) is None


def test_callers_do_not_return_in_step() -> None:
    """The wait is spread over the second half of its step."""
    early = RetryPolicy(jitter=lambda: 0.0)
    assert wait_before_retry(early, TimedOut(), 1, 0, repeatable=True) == pytest.approx(0.2)
