"""How far long work is, told to whoever waits for it."""

from collections.abc import Awaitable, Callable

# Told how far the work is: so many done, out of so many where that is known, and a sentence.
Report = Callable[[float, float | None, str], Awaitable[None]]


def after(done: float, report: Report) -> Report:
    """Return the report of work that follows so much other work: progress under one token must rise."""

    async def further(more: float, total: float | None, words: str) -> None:
        await report(done + more, None if total is None else done + total, words)

    return further


async def silent(_done: float, _total: float | None, _words: str) -> None:
    """Tell nobody."""
