"""The two rate-limit buckets, with a clock that the test holds."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import READ_KEY
from errtrack_mcp.sandbox.throttle import DEFAULT, SYMBOL_SETS, Throttle
from tests.support.fixtures import MakeClient


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def fill(throttle: Throttle, clock: Clock, requests: int, seconds: float) -> None:
    """Send so many default requests, so far apart."""
    for _ in range(requests):
        assert throttle.admit("key", DEFAULT) is None
        clock.now += seconds


def test_burst_slides() -> None:
    """After 480 requests in a minute the next one waits until the first is a minute old."""
    clock = Clock()
    throttle = Throttle(clock)
    fill(throttle, clock, 480, 0.1)
    assert throttle.admit("key", DEFAULT) == pytest.approx(12.0)
    clock.now += 12.01
    assert throttle.admit("key", DEFAULT) is None
    assert throttle.admit("key", DEFAULT) == pytest.approx(0.09)


def test_sustained_limit_holds_over_an_hour() -> None:
    """After 4800 requests at an allowed pace the hour is used up."""
    clock = Clock()
    throttle = Throttle(clock)
    fill(throttle, clock, 4800, 0.25)
    assert throttle.admit("key", DEFAULT) == pytest.approx(2400.0)


def test_symbol_sets_have_a_bucket_of_their_own() -> None:
    """Symbol sets allow 1200 a minute, and neither bucket empties the other."""
    throttle = Throttle(Clock())
    for _ in range(1200):
        assert throttle.admit("key", SYMBOL_SETS) is None
    assert throttle.admit("key", SYMBOL_SETS) == 60.0
    assert throttle.admit("key", DEFAULT) is None


def test_keys_do_not_share() -> None:
    """One key's requests do not count for another."""
    clock = Clock()
    throttle = Throttle(clock)
    fill(throttle, clock, 480, 0)
    assert throttle.admit("key", DEFAULT) == 60.0
    assert throttle.admit("other", DEFAULT) is None


@pytest.fixture
def clock(stage: Any, database: Database) -> Clock:
    """Put an app on the stage that goes by a standing clock."""
    clock = Clock()
    stage.app = create_app(database, clock=clock)
    return clock


@pytest.mark.parametrize(("passed", "wait"), [(0.0, "60 seconds"), (17.2, "43 seconds"), (59.5, "1 second")])
def test_throttled_answer(api: httpx.Client, clock: Clock, passed: float, wait: str) -> None:
    """A throttled request is told when to come back, in whole seconds rounded up."""
    for _ in range(480):
        api.get("releases/hash/none")
    clock.now += passed
    response = api.get("releases/")
    assert response.status_code == 429
    assert response.headers["retry-after"] == wait.split(maxsplit=1)[0]
    assert response.json() == {
        "type": "throttled_error",
        "code": "throttled",
        "detail": f"Request was throttled. Expected available in {wait}.",
        "attr": None,
    }
    assert api.get("symbol_sets/").status_code == 200
    clock.now += 60
    assert api.get("releases/").status_code == 200


def test_throttling_can_be_off(stage: Any, database: Database, make_client: MakeClient) -> None:
    """An installation that does not limit answers every request."""
    stage.app = create_app(database, throttled=False)
    api = make_client(READ_KEY)
    assert {api.get("releases/hash/none").status_code for _ in range(490)} == {404}
