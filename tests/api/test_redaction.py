"""Keys taken out of text: what is one, and what only looks like one."""

import pytest

from errtrack_mcp.api.redaction import without_key, without_keys

KEY = "phx_Secret_Canary1"


@pytest.mark.parametrize(
    "text",
    ["alpha_release_2026", "graphs_of_releases", "phx_short", "100%70", "a\\u0053b", "&#83;", "phc_public_token1"],
)
def test_what_is_no_key_stays(text: str) -> None:
    """Words that end like a prefix, escapes of anything else, and tokens that are public."""
    assert without_keys(text, KEY) == text


@pytest.mark.parametrize("text", [KEY, KEY.lower(), KEY[:14], f"x{KEY}x", KEY.replace("S", "\\\\u0053")])
def test_a_key_goes_however_it_is_written(text: str) -> None:
    """In any case, cut, inside a word, or escaped in JSON that stands in JSON."""
    assert "anary" not in without_key(text, KEY)
    assert "phx_***" in without_key(text, KEY)
