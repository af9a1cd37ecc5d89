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


@pytest.mark.parametrize("escape", ["%53", "&#83;", "&#083", "&#x53;", "&#x053", "\\u0053", "\\\\\\u0053"])
def test_every_escape_is_resolved(escape: str) -> None:
    """Percent, HTML in both notations with or without its end, and JSON however deep."""
    for without in (without_key, without_keys):
        assert without(f"a {KEY.replace('S', escape)} b", KEY) == "a phx_*** b"


@pytest.mark.parametrize(
    "text", ["PHX_ANOTHER_KEY1", "\\npha_another_key1", "\\u000apha_another_key1", "%70hx_another_key1"]
)
def test_what_looks_like_a_key_goes_too(text: str) -> None:
    """Whoever's it is, in any case, and behind an escape that ends in a letter."""
    assert "nother" not in without_keys(text, KEY).lower()


def test_a_text_without_a_key_keeps_its_escapes() -> None:
    """Also where another escape stands for what is no part of a key, next to a key."""
    for without in (without_key, without_keys):
        assert without("100%25 %53 &#83;", KEY) == "100%25 %53 &#83;"
    assert without_keys(f"%22 {KEY} \\u0022", KEY) == "%22 phx_*** \\u0022"
    assert without_keys(f"&#34; %53 {KEY.replace('S', '%53')}", KEY) == "&#34; S phx_***"


def test_a_key_that_is_too_short_hides_nothing() -> None:
    """Each of its letters would be one."""
    assert without_key("a short text", "short") == "a short text"


def test_half_a_surrogate_pair_does_no_harm() -> None:
    """JSON may hold one."""
    assert without_keys(f"\ud800 {KEY}", KEY) == "\ud800 phx_***"
