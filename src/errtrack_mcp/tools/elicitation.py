"""A person's consent to a deletion, asked for wherever the client can ask its user."""

from typing import Any

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult
from pydantic import BaseModel, Field


class Consent(BaseModel):
    """What the user is asked."""

    delete: bool = Field(description="Delete it for good")


Decision = ElicitationResult[Consent]


def ask_user(context: Context[Any, Any], question: str) -> Elicit[Consent] | Consent:
    """Ask the user, or take the caller's `confirm` for consent where the client cannot ask (either protocol era)."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is not None and (elicitation.form is not None or elicitation.url is None):
        return Elicit(question, Consent)
    return Consent(delete=True)


def given(decision: Decision) -> bool:
    """Tell whether the user agreed; declining, closing the question and unticking it all mean no."""
    return isinstance(decision, AcceptedElicitation) and decision.data.delete
