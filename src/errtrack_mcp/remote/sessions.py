"""The sessions of the older protocol that this process holds: those of clients that can ask their user.

A question to the user travels from the server to the client in the middle of a call, and the client's reply comes as a
request of its own. Both must meet in one process, so such a client gets a session, and every other client none.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

IDLE_SECONDS = 1_800
MAX_SESSIONS = 500  # 80 KB each
MAX_SESSIONS_OF_A_KEY = 20


@dataclass(slots=True)
class Session:
    """One session: its id, whose it is, and when it was last used."""

    id: str
    key_hash: str
    used_at: float


class Sessions:
    """The open sessions by their ids, each dropped after half an hour without a request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: OrderedDict[str, Session] = OrderedDict()  # the one used longest ago comes first

    def may_open(self, key_hash: str) -> bool:
        """Return whether this key may open one more session."""
        self._drop_idle()
        return sum(session.key_hash == key_hash for session in self._open.values()) < MAX_SESSIONS_OF_A_KEY

    def make_room(self) -> Session | None:
        """Forget a session where there is no room for another: of the key that holds most, the one used longest ago.

        Made-up keys cost nothing, so they would otherwise keep everybody else out.
        """
        self._drop_idle()
        if len(self._open) < MAX_SESSIONS:
            return None
        held = Counter(session.key_hash for session in self._open.values())
        most = max(held.values())
        session = next(session for session in self._open.values() if held[session.key_hash] == most)
        return self._open.pop(session.id)

    def open(self, session_id: str, key_hash: str) -> None:
        """Note a session that was opened."""
        self._open[session_id] = Session(session_id, key_hash, self._clock())

    def holder(self, session_id: str) -> str:
        """Return whose session this is, or nothing if this process does not hold it."""
        self._drop_idle()
        session = self._open.get(session_id)
        return session.key_hash if session else ""

    def use(self, session_id: str) -> None:
        """Note a request of a session."""
        self._open[session_id].used_at = self._clock()
        self._open.move_to_end(session_id)

    def close(self, session_id: str) -> None:
        """Forget a session."""
        self._open.pop(session_id, None)

    def _drop_idle(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        while self._open and next(iter(self._open.values())).used_at < oldest:
            self._open.popitem(last=False)
