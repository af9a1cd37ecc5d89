"""Which hosts have the query routes for issues: installations before April 2026 have none.

What one caller finds out holds for every caller of the same host, since it is a fact about the installation.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

REMEMBERED_SECONDS = 3_600  # an installation can be renewed while this process runs
HOSTS_REMEMBERED = 1_000


class QueryRoutes:
    """What is known of each host; unknown counts as present, so that a host is asked first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._missing_since: OrderedDict[str, float] = OrderedDict()

    def are_missing(self, origin: str) -> bool:
        """Return whether the host is known, since less than an hour, to lack the routes."""
        since = self._missing_since.get(origin)
        return since is not None and self._clock() - since < REMEMBERED_SECONDS

    def note_missing(self, origin: str) -> None:
        """Remember a host without the routes; the one noted longest ago makes room."""
        self._missing_since[origin] = self._clock()
        self._missing_since.move_to_end(origin)
        if len(self._missing_since) > HOSTS_REMEMBERED:
            self._missing_since.popitem(last=False)
