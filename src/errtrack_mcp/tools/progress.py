"""How far long work is, told to whoever waits for it."""

from collections.abc import Awaitable, Callable

# Told how far the work is: so many done, out of so many where that is known, and a sentence.
Report = Callable[[float, float | None, str], Awaitable[None]]


async def silent(_done: float, _total: float | None, _words: str) -> None:
    """Tell nobody."""
