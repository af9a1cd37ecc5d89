"""Events that wait: too many bytes of them end a stream, one that has most of them."""

from contextlib import ExitStack

from errtrack_mcp.remote.unread_events import UnreadEvents


def test_a_key_for_which_too_much_waits_loses_its_fullest_stream() -> None:
    """What was sent waits no longer."""
    ended: list[str] = []
    unread = UnreadEvents(in_all=100, of_key=10)
    with ExitStack() as stack:
        one, two, other = (
            stack.enter_context(unread.outbox(name[0], lambda name=name: ended.append(name)))  # type: ignore[misc]
            for name in ("a1", "a2", "b1")
        )
        unread.add(one, 6)
        unread.add(two, 4)
        unread.add(other, 10)
        assert ended == []
        two.sent()
        for size in (1, 1, 1):
            unread.add(two, size)
        assert ended == []
        unread.add(two, 2)
        assert ended == ["a2"]
        unread.add(one, 4)
        assert ended == ["a2"]


def test_all_keys_together_have_a_limit() -> None:
    """One that has little keeps its stream."""
    ended: list[str] = []
    unread = UnreadEvents(in_all=10, of_key=8)
    with unread.outbox("a", lambda: ended.append("a")) as one, unread.outbox("b", lambda: ended.append("b")) as other:
        for size in (3, 3):
            unread.add(one, size)
        unread.add(other, 5)
    assert ended == ["a"]


def test_a_stream_that_has_ended_counts_no_longer() -> None:
    """Its bytes are gone with it."""
    ended: list[str] = []
    unread = UnreadEvents(in_all=10, of_key=10)
    with unread.outbox("a", lambda: ended.append("a")) as first:
        unread.add(first, 9)
    with unread.outbox("a", lambda: ended.append("a")) as second:
        unread.add(second, 9)
    assert ended == []
