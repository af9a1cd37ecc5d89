"""Cleaning, and the shortcut past it."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from errtrack_mcp.api.sanitize import FIELD_LIMIT, clean_value, needs_no_cleaning

TEXT = st.text(st.one_of(st.sampled_from('\\"/bnu\t\n\x7f\u200b\x00 aé'), st.characters(codec="utf-8")), max_size=12)
JSON = st.recursive(
    st.none() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8
)


@settings(max_examples=1500, deadline=None)
@given(value=JSON, ascii_only=st.booleans())
def test_a_body_that_is_not_cleaned_needed_no_cleaning(value: Any, *, ascii_only: bool) -> None:
    """Whatever the shortcut lets pass, cleaning would have left as it is."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if needs_no_cleaning(body):
        assert clean_value(value) == value


@settings(deadline=None)
@given(pattern=st.text('"\\a/', min_size=1, max_size=6), around=st.lists(st.text('"\\a', max_size=6), max_size=6))
def test_a_long_string_is_noticed(pattern: str, around: list[str]) -> None:
    """Neither escaped quotes nor backslashes in front of a quote hide its length."""
    text = (pattern * (FIELD_LIMIT + 1))[: FIELD_LIMIT + 1]
    assert not needs_no_cleaning(json.dumps([*around, {"ref": text}, *around]).encode())


def test_a_string_that_ends_in_a_backslash_is_passed_too() -> None:
    """The quote behind two backslashes is no part of the string."""
    row = {"ref": "C:\\", "failure_reason": "\\" * 101}
    assert needs_no_cleaning(json.dumps({"results": [row] * 100}).encode())


def test_an_ordinary_page_takes_the_shortcut() -> None:
    """JSON inside a string, as failure reasons are, is ordinary."""
    row = {"ref": "https://shop.example/app.js", "failure_reason": json.dumps({"kind": "Js", "details": {"a": "b"}})}
    assert needs_no_cleaning(json.dumps({"results": [row] * 100}).encode())
