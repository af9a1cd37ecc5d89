"""A change whose answer may be lost: made once, then what is true afterwards is read.

PostHog also answers with 500 to changes that it has made (docs/posthog-api.md, section 10.5).
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from errtrack_mcp.api.errors import ApiError, InvalidResponse, ServerError, TransportError
from errtrack_mcp.tools.refusal import Refusal

Made = TypeVar("Made")
Now = TypeVar("Now")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Made, Now]):
    """What PostHog answered to a change (None: the answer was lost, `lost` says how), and what is true `now`."""

    made: Made | None
    now: Now
    lost: str = ""

    @property
    def how(self) -> str:
        """Say in a sentence that the answer was lost; nothing where it came."""
        return f"PostHog's answer to the change was lost ({self.lost}); this is what was read afterwards. " * bool(
            self.lost
        )


async def made_and_read(
    change: Callable[[], Awaitable[Made]], read: Callable[[], Awaitable[Now]]
) -> Outcome[Made, Now]:
    """Make a change once and read what is true afterwards, also where the answer to the change was lost.

    Raises ApiError where PostHog refused, or nothing was sent; Refusal where reading fails too.
    """
    made, lost = None, ""
    try:
        made = await change()
    except ApiError as error:
        if not _may_have_happened(error):
            raise
        lost = error.code
    with suppress(ApiError):
        return Outcome(made, await read(), lost)
    said = f"its answer was lost ({lost})" if lost else "it answered with success"
    raise Refusal(
        "incomplete",
        f"PostHog was asked to make the change, and {said}. What is true now could not be read. Read the issue with "
        "query-error-tracking-issue before you repeat anything.",
    )


def _may_have_happened(error: ApiError) -> bool:
    """Return whether the change may have been made although this was raised."""
    if isinstance(error, TransportError):
        return error.may_have_happened
    return isinstance(error, ServerError | InvalidResponse)
