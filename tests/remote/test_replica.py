"""Calls in flight, and the end of a replica that waits for them."""

import anyio
import pytest

from errtrack_mcp.remote import replica as module
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica


def test_a_call_is_in_flight_until_it_ends_however_it_ends() -> None:
    """For each key apart; a key without calls is not remembered."""
    replica = Replica(Metrics())

    def break_off() -> None:
        with replica.track_call("one"):
            assert (replica.calls["one"], replica.in_flight) == (2, 3)
            assert b"errtrack_calls_in_flight 3.0" in replica.metrics.exposition()[0]
            raise KeyboardInterrupt

    with replica.track_call("one"), replica.track_call("two"):
        with pytest.raises(KeyboardInterrupt):
            break_off()
        assert (replica.calls["one"], replica.in_flight) == (1, 2)
    assert dict(replica.calls) == {}
    assert b"errtrack_calls_in_flight 0.0" in replica.metrics.exposition()[0]


@pytest.mark.anyio
async def test_streams_end_after_the_last_of_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the first is not the end of all; one that begins meanwhile is waited for too."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0)
    replica = Replica(Metrics())
    async with anyio.create_task_group() as tasks:
        with replica.track_call("late"):
            with replica.track_call("early"):
                tasks.start_soon(replica.end_streams_when_idle)
                await anyio.wait_all_tasks_blocked()
            await anyio.wait_all_tasks_blocked()
            assert not replica.streams_end.is_set()
    assert replica.streams_end.is_set()
