"""Text that a stranger may have written: cleaned, marked as data, cut with the cut said."""

import json
import re
from html import unescape
from typing import Any

# Control and format characters, line and paragraph separators, surrogates, and what Unicode lets a font leave out:
# nothing that a person can see, and room for what a model would obey.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# What looks as if it ended a quotation.
_QUOTES = re.compile(
    '["\xab\xbb\u2018\u2019\u201b-\u201f\u2039\u203a\u2e02-\u2e05\u2e09\u2e0a\u2e0c\u2e0d\u2e1c\u2e1d\u2e20\u2e21\uff02]'
)
# Every escape but those of quote, backslash and slash: what cannot be seen is among them.
_ESCAPES = re.compile(rb'\\[^"\\/]')
FIELD_LIMIT = 4_000
BACKSLASH = ord("\\")
QUOTE_LIMIT = 80


def clean(text: str, limit: int = FIELD_LIMIT) -> str:
    r"""Show what cannot be seen as an escape such as `\u200b`, and cut beyond `limit` characters, saying so."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    if len(text) > limit:
        text = f"{text[:limit]}… [cut: {len(text) - limit} more characters]"
    return INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def clean_value(value: Any) -> Any:
    """Clean every string in a JSON value, keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): clean_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    return value


def needs_no_cleaning(body: bytes) -> bool:
    """Return whether, without reading it, a body of JSON holds no string that `clean` would change."""
    if not body.isascii() or b"\x7f" in body:
        return False
    if b"\\" in body and _ESCAPES.search(body):
        return False
    place = 0
    while place + FIELD_LIMIT < len(body):
        place = _last_quote(body, place, place + FIELD_LIMIT) + 1
        if not place:
            return False  # a string begins here and goes on beyond the limit
    return True


def _last_quote(body: bytes, start: int, end: int) -> int:
    """Return where the last quote is that begins or ends a string, or -1."""
    place = body.rfind(b'"', start, end)
    while place > start and body[place - 1] == BACKSLASH:
        before = place - 1
        while before > start and body[before - 1] == BACKSLASH:
            before -= 1
        if (place - before) % 2 == 0:
            break
        place = body.rfind(b'"', start, before)
    return place


def can_be_sent(value: Any) -> bool:
    """Return whether a JSON value can travel as UTF-8 and be stored: no NUL, no half of a surrogate pair, no NaN."""
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (ValueError, RecursionError):
        return False
    return not re.search(r"(?<!\\)(?:\\\\)*\\u0000", written)


def quoted(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Quote text inside a sentence of ours, so that it reads as data."""
    return '"' + _QUOTES.sub("'", clean(text, limit)) + '"'


def title_of_page(body: bytes) -> str:
    """Return the title of a page of HTML, or nothing."""
    match = re.search(rb"<title[^>]*>(.{1,300}?)</title>", body[:20_000], re.IGNORECASE | re.DOTALL)
    return " ".join(unescape(match[1].decode(errors="replace")).split())[:QUOTE_LIMIT] if match else ""
