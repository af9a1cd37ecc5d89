"""Progress reports of long work."""

from collections.abc import Awaitable, Callable

# Takes how much is done, how much there is in all (None: not known), and a sentence.
Report = Callable[[float, float | None, str], Awaitable[None]]


def after(done: float, report: Report) -> Report:
    """Return the report of work that follows so much other work: progress under one token must rise."""

    async def report_sum(more: float, total: float | None, message: str) -> None:
        await report(done + more, None if total is None else done + total, message)

    return report_sum


async def silent(_done: float, _total: float | None, _message: str) -> None:
    """Report to nobody."""
