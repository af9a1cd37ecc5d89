"""What one call leaves for the next of the same caller, in this process and for as long as there is room."""

from collections import OrderedDict
from typing import Any

MAX_KEPT = 16


class Kept:
    """Things by owner and name, of which the oldest go first; whoever finds nothing has to make it again."""

    def __init__(self) -> None:
        self._things: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def keep(self, owner: str, name: str, thing: Any) -> None:
        """Keep a thing, in place of any of that name."""
        self._things[owner, name] = thing
        self._things.move_to_end((owner, name))
        while len(self._things) > MAX_KEPT:
            self._things.popitem(last=False)

    def find(self, owner: str, name: str) -> Any:
        """Return the thing of that name, or None."""
        return self._things.get((owner, name))

    def forget(self, owner: str, name: str) -> None:
        """Let go of it."""
        self._things.pop((owner, name), None)
