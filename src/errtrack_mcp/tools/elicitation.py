"""A person's consent to a change that cannot be undone, asked for wherever the client can ask its user."""

from typing import Any

from mcp.server.mcpserver import AcceptedElicitation, CancelledElicitation, Context, Elicit, ElicitationResult
from mcp_types import ClientCapabilities
from pydantic import BaseModel, Field, StrictBool

from errtrack_mcp.tools.dependencies import ClientProvider
from errtrack_mcp.tools.refusal import Refusal

UNKNOWN = (
    "This client did not say over this connection whether it can ask its user, so nothing was changed. "
    "Send the Mcp-Session-Id that initialize returned, or connect by stdio, SSE or protocol 2026-07-28."
)


class Consent(BaseModel):
    """The form that the user fills in."""

    agree: StrictBool = Field(description="Do it for good")


Decision = ElicitationResult[Consent]


def can_ask(capabilities: ClientCapabilities) -> bool:
    """Return whether a client can show its user a form."""
    elicitation = capabilities.elicitation
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def ask_user(context: Context[ClientProvider, Any], question: str) -> Elicit[Consent] | Consent:
    """Ask the user, or take the caller's `confirm` for consent where the client has said that it cannot ask.

    Raises Refusal where the client has said neither: what is not known is not a no.
    """
    capabilities = context.client_capabilities
    if capabilities is not None:
        return Elicit(question, Consent) if can_ask(capabilities) else Consent(agree=True)
    request = context.request_context
    if request.lifespan_context.has_said_that_it_cannot_ask(request):
        return Consent(agree=True)
    raise Refusal("cannot_ask", UNKNOWN)


def why_not(decision: Decision) -> str:
    """Say that the user did not agree; a client may have answered without asking anybody."""
    answered = "canceled the question" if isinstance(decision, CancelledElicitation) else "answered no"
    return (
        f"the client {answered}, perhaps without asking a person. If the user wants it, repeat the call in a client "
        "that shows the question."
    )


def given(decision: Decision) -> bool:
    """Return whether the user agreed; declining, closing the question and unticking it all mean no."""
    return isinstance(decision, AcceptedElicitation) and decision.data.agree
