"""When to try again, and how long to wait first. Pure: it decides, others sleep."""

import random
from collections.abc import Callable
from typing import NamedTuple

from errtrack_mcp.api.errors import ApiError, HostNotFound, RateLimited, ServerError, TransportError

RETRIED_STATUSES = {500, 502, 503, 504}
REPEATABLE = {"GET", "DELETE"}  # a POST may be so too, where it only reads


class RetryPolicy(NamedTuple):
    """How patient one call is.

    `attempts` is the number of further tries after a failure; `first_wait` (seconds) doubles with each of them;
    `max_rate_limit_wait` is the number of seconds spent waiting for rate limits in all.
    """

    attempts: int = 2
    first_wait: float = 0.4
    max_rate_limit_wait: float = 20.0
    jitter: Callable[[], float] = random.random


def wait_before_retry(
    policy: RetryPolicy, failure: ApiError, tries: int, rate_limit_waited: float, *, repeatable: bool
) -> float | None:
    """Return the seconds to wait before the next try, or None to give up.

    `tries` counts those already made. What a rate limit refused was not carried out, so it may always be repeated;
    anything else only where that does no harm (`repeatable`).
    """
    if isinstance(failure, RateLimited):
        wait = failure.retry_after
        if wait is None:
            wait = _backoff(policy, tries)
        return wait if rate_limit_waited + wait <= policy.max_rate_limit_wait else None
    if tries > policy.attempts or not _passing(failure):
        return None
    if not repeatable and not isinstance(failure, HostNotFound):
        return None
    return _backoff(policy, tries)


def _passing(failure: ApiError) -> bool:
    if isinstance(failure, ServerError):
        return failure.status in RETRIED_STATUSES
    return isinstance(failure, TransportError) and failure.transient


def _backoff(policy: RetryPolicy, tries: int) -> float:
    """Wait between half and all of a doubling step, so that callers do not return in step."""
    step = policy.first_wait * float(2 ** (tries - 1))
    return step * (0.5 + policy.jitter() / 2)
