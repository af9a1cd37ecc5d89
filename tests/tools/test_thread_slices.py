"""Work in a thread, a moment at a time."""

import threading
import time
from collections.abc import Iterator

import anyio
import pytest

from errtrack_mcp.tools import thread_slices
from errtrack_mcp.tools.thread_slices import in_slices

pytestmark = pytest.mark.anyio


async def test_everything_arrives_in_its_order_from_another_thread() -> None:
    """Many quick items come together."""
    threads = set()

    def numbers() -> Iterator[int]:
        for number in range(1000):
            threads.add(threading.get_ident())
            yield number

    slices = [found async for found in in_slices(numbers())]
    assert [number for found in slices for number in found] == list(range(1000))
    assert threading.get_ident() not in threads


async def test_a_slow_item_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that somebody who waits hears of it, and a cancelled call ends behind it."""
    monkeypatch.setattr(thread_slices, "SECONDS", 0.0)
    assert [found async for found in in_slices(iter("ab"))] == [["a"], ["b"]]
    assert not [found async for found in in_slices(iter(()))]


async def test_a_cancelled_call_ends_between_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is taken from the iterator."""
    monkeypatch.setattr(thread_slices, "SECONDS", 0.0)
    made = []

    def slow() -> Iterator[int]:
        for number in range(100):
            time.sleep(0.02)
            made.append(number)
            yield number

    with anyio.move_on_after(0.05) as scope:
        async for _found in in_slices(slow()):
            pass
    assert scope.cancelled_caught
    assert len(made) < 10


async def test_a_failure_reaches_the_caller() -> None:
    """As it was raised."""

    def failing() -> Iterator[int]:
        yield 1
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        async for _found in in_slices(failing()):
            pass
