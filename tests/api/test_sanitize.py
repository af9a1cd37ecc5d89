"""Cleaning, and the shortcut past it."""

import json
import sys
import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from errtrack_mcp.api.sanitize import FIELD_LIMIT, INVISIBLE, clean, clean_value, needs_no_cleaning, quoted

TEXT = st.text(st.one_of(st.sampled_from('\\"/bnu\t\n\x7f\u200b\x00 aé'), st.characters(codec="utf-8")), max_size=12)
JSON = st.recursive(
    st.none() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8
)


@settings(max_examples=600, deadline=None)
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


EVERY_CHARACTER = [chr(number) for number in range(sys.maxunicode + 1)]
# Of Unicode's Default_Ignorable_Code_Point those that are no format characters; unassigned ones among them.
IGNORABLE = [(0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x3164, 0x3164)]
IGNORABLE += [(0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)]
IGNORABLE += [(0xE0000, 0xE0FFF)]


def test_nothing_that_cannot_be_seen_is_left() -> None:
    """Every control, format and separating character of this Python's Unicode, and what fonts may leave out."""
    unseen = {c for c in EVERY_CHARACTER if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    unseen |= {chr(number) for first, last in IGNORABLE for number in range(first, last + 1)}
    assert not {f"{ord(c):04x}" for c in unseen if not INVISIBLE.fullmatch(c)}
    beyond = {c for c in EVERY_CHARACTER if INVISIBLE.fullmatch(c)} - unseen
    assert all(unicodedata.category(c) in {"Cn", "Mn", "Zs"} for c in beyond), beyond


def test_nothing_that_looks_like_a_quote_ends_a_quotation() -> None:
    """Every opening and closing quote of Unicode becomes an apostrophe."""
    for character in (c for c in EVERY_CHARACTER if unicodedata.category(c) in {"Pi", "Pf"}):
        assert quoted(f"a{character}b") == '"a\'b"', hex(ord(character))
    assert quoted('a"b\uff02c\u201ed\u201fe') == "\"a'b'c'd'e\""
    assert clean("a\u201cb") == "a\u201cb"
