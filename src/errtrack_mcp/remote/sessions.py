"""The sessions of the older protocol that this process holds: those of clients that can ask their user.

A question to the user travels from the server to the client in the middle of a call, and the client's reply comes as a
request of its own. Both must meet in one process, so such a client gets a session, and every other client none.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

IDLE_SECONDS = 1_800
MAX_SESSIONS = 500  # 80 KB each
MAX_SESSIONS_OF_A_KEY = 20


@dataclass(slots=True)
class Session:
    """One session: whose it is, and when it was last used."""

    key_hash: str
    used_at: float


class Sessions:
    """The open sessions by their ids, each dropped after half an hour without a request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: OrderedDict[str, Session] = OrderedDict()  # the one used longest ago comes first

    def has_room_for(self, key_hash: str) -> bool:
        """Return whether this key may open one more session."""
        self._drop_idle()
        of_this_key = sum(session.key_hash == key_hash for session in self._open.values())
        return len(self._open) < MAX_SESSIONS and of_this_key < MAX_SESSIONS_OF_A_KEY

    def open(self, session_id: str, key_hash: str) -> None:
        """Note a session that was opened."""
        self._open[session_id] = Session(key_hash, self._clock())

    def use(self, session_id: str) -> bool:
        """Note a request of a session, and tell whether this process holds it."""
        self._drop_idle()
        session = self._open.get(session_id)
        if session is None:
            return False
        session.used_at = self._clock()
        self._open.move_to_end(session_id)
        return True

    def close(self, session_id: str) -> None:
        """Forget a session."""
        self._open.pop(session_id, None)

    def _drop_idle(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        while self._open and next(iter(self._open.values())).used_at < oldest:
            self._open.popitem(last=False)
