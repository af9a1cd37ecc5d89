"""Large answers: how many may be held at once, and in which turn they are parsed."""

import anyio
import pytest

from errtrack_mcp.api.large_answers import LargeAnswers

pytestmark = pytest.mark.anyio


async def test_a_large_answer_waits_for_a_place_and_a_small_one_does_not() -> None:
    """A place that is left goes to the one that waits."""
    answers = LargeAnswers(at_once=1)
    events: list[str] = []

    async def second() -> None:
        async with answers.place() as place:
            await place.take()
            events.append("second")

    async with anyio.create_task_group() as tasks, answers.place() as first:
        await first.take()
        await first.take()
        tasks.start_soon(second)
        async with answers.place() as small:
            await small.turn_to_parse()
            events.append("small")
        await anyio.wait_all_tasks_blocked()
        events.append("first")
    assert events == ["small", "first", "second"]


async def test_between_two_large_answers_others_get_a_turn() -> None:
    """The event loop comes round before each of them is parsed."""
    answers = LargeAnswers(at_once=2)
    events: list[str] = []

    async def parse() -> None:
        async with answers.place() as place:
            await place.take()
            await place.turn_to_parse()
            events.append("parsed")

    async def other() -> None:
        while events.count("parsed") < 2:
            events.append("other")
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        tasks.start_soon(parse)
        tasks.start_soon(parse)
    first, second = (number for number, event in enumerate(events) if event == "parsed")
    assert "other" in events[first:second]


async def test_a_place_is_left_by_a_failure() -> None:
    """Or the next answer would wait for ever."""
    answers = LargeAnswers(at_once=1)

    async def fail() -> None:
        async with answers.place() as place:
            await place.take()
            raise ValueError("not JSON")

    for _ in range(2):
        with anyio.fail_after(1), pytest.raises(ValueError, match="not JSON"):
            await fail()
