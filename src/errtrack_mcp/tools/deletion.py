"""The one way to make a change that cannot be undone: a preview, its code, a question to the user, the change.

1. Without `confirm` nothing changes. The answer says exactly what would change, and holds `confirm`.
2. `confirm` is a code of 8 characters: an HMAC under the caller's own API key over the tool, the host, the target and
   what the preview showed. Nothing is stored, so every replica can check it. A person who only writes text into PostHog
   cannot compute it, and it stops fitting when the target has changed.
3. With the right code the user is asked where the client can ask. The target is read again after the answer.
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from mcp.server.mcpserver import Context, Elicit
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.tools.dependencies import ClientProvider
from errtrack_mcp.tools.elicitation import Consent, Decision, ask_user, given, why_not

CODE_LENGTH = 8

PREVIEWED = (
    "Nothing was changed. Show this to the user. Once they agree, call again with the same arguments and this confirm."
)
NO_FIT = (
    "Nothing was changed: confirm is not the code of this preview. It belongs to another target, or something has "
    "changed since. This is the present state with its own confirm: show it to the user first."
)


class PreviewedOutput(ToolOutput):
    """A change that cannot be undone, previewed or made; the field that `flag` names says which."""

    flag: ClassVar[str]
    confirm: Annotated[str, OURS, Field(description="For the second call")] = ""
    next_step: Annotated[str, OURS]

    def because(self, reason: str) -> Self:
        """Return the preview again, saying why nothing was changed."""
        return self.model_copy(update={"next_step": reason})

    def done(self, consequence: str) -> Self:
        """Return what was previewed as done; a code that is spent is left out."""
        done = self.model_copy(update={self.flag: True, "next_step": consequence})
        done.model_fields_set.discard("confirm")
        return done


class DeletionOutput(PreviewedOutput):
    """A deletion, previewed or made."""

    flag = "deleted"
    deleted: bool


class ChangeOutput(PreviewedOutput):
    """Another change that cannot be undone, previewed or made."""

    flag = "changed"
    changed: bool


Shown = TypeVar("Shown", bound=PreviewedOutput)


@dataclass(frozen=True, slots=True)
class Preview(Generic[Shown]):
    """The preview of a change: the answer that shows it, its code included, and the question for the user."""

    shown: Shown
    question: str

    def is_confirmed_by(self, confirm: str) -> bool:
        """Return whether a code is the one of this preview."""
        return bool(confirm) and hmac.compare_digest(confirm.encode(), self.shown.confirm.encode())


class ConfirmCode:
    """The code of one preview; `facts` are added in the order in which the preview shows them."""

    def __init__(self, api: Client, tool: str, *facts: Any) -> None:
        self._hmac = hmac.new(api.secret().encode(), digestmod="sha256")
        self.add(tool, api.origin, *facts)

    def add(self, *facts: Any) -> None:
        """Let the code cover more facts, each a value of JSON."""
        for fact in facts:
            encoded = json.dumps(fact, sort_keys=True).encode()
            self._hmac.update(len(encoded).to_bytes(8, "big") + encoded)

    def __str__(self) -> str:
        """Return the code of all facts so far: letters and digits that are not mistaken for each other."""
        return base64.b32encode(self._hmac.digest())[:CODE_LENGTH].decode().lower()


def consent_to(context: Context[ClientProvider, Any], preview: Preview[Any], confirm: str) -> Elicit[Consent] | Consent:
    """Ask the user once the code fits; without it nobody is asked, since nothing will be changed."""
    return ask_user(context, preview.question) if preview.is_confirmed_by(confirm) else Consent(agree=False)


async def kept_from_changing(
    preview: Preview[Shown], confirm: str, decision: Decision, read_again: Callable[[], Awaitable[Preview[Shown]]]
) -> Shown | None:
    """Return the answer that says why nothing is changed, or None where the change may be made.

    The target is read again after the user's answer: it may have changed while they were thinking.
    """
    if not confirm:
        return preview.shown
    if not preview.is_confirmed_by(confirm):
        return preview.shown.because(NO_FIT)
    if not given(decision):
        return preview.shown.because(f"Nothing was changed: {why_not(decision)}")
    now = await read_again()
    return None if now.is_confirmed_by(confirm) else now.shown.because(NO_FIT)
