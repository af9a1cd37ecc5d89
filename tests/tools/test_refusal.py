"""The error by which a tool refuses a call."""

import pytest

from errtrack_mcp.tools.refusal import Refusal


def test_a_refusal_with_an_unknown_code_is_refused() -> None:
    """Nobody could look it up."""
    with pytest.raises(ValueError, match="is no code of a refusal"):
        Refusal("made_up", "Whatever.")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Refusal("A sentence without a code.")  # type: ignore[call-arg, arg-type]
