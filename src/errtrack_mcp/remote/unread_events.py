"""Events that streams of the older transport could not send yet: how many bytes of them may wait (pure)."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAX_WAITING = 32_000_000  # bytes, of all callers
MAX_WAITING_OF_KEY = 12_000_000


@dataclass(eq=False, slots=True)
class Outbox:
    """The events of one stream that wait, by their bytes; `end` ends the stream."""

    key_hash: str
    end: Callable[[], None]
    waiting: deque[int] = field(default_factory=deque)

    def sent(self) -> None:
        """Note that the oldest event has been sent."""
        if self.waiting:
            self.waiting.popleft()


class UnreadEvents:
    """What waits in the streams of one process; a stream that makes it too much is ended.

    It is of a key for which too much waits, or else of the one with most events, and there the stream with most.
    """

    def __init__(self, *, in_all: int = MAX_WAITING, of_key: int = MAX_WAITING_OF_KEY) -> None:
        self._in_all = in_all
        self._of_key = of_key
        self._outboxes: set[Outbox] = set()

    @contextmanager
    def outbox(self, key_hash: str, end: Callable[[], None]) -> Iterator[Outbox]:
        """Give a stream its outbox for as long as it is open."""
        outbox = Outbox(key_hash, end)
        self._outboxes.add(outbox)
        try:
            yield outbox
        finally:
            self._outboxes.discard(outbox)

    def add(self, outbox: Outbox, size: int) -> None:
        """Note an event that waits, and end streams until what waits in the others fits."""
        outbox.waiting.append(size)
        while self._outboxes:
            events, held = Counter[str](), Counter[str]()
            for each in self._outboxes:
                events[each.key_hash] += len(each.waiting)
                held[each.key_hash] += sum(each.waiting)
            key = next((key for key, size in held.items() if size > self._of_key), None)
            if key is None and held.total() <= self._in_all:
                return
            key = events.most_common(1)[0][0] if key is None else key
            fullest = max((one for one in self._outboxes if one.key_hash == key), key=lambda one: len(one.waiting))
            self._outboxes.discard(fullest)
            fullest.end()
