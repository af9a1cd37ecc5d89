"""Keys taken out of text, in whatever encoding they stand there. Pure."""

import re
from string import ascii_letters, digits
from typing import Any

HIDDEN = "phx_***"
MIN_KEY_LENGTH = 8
BEGINNING = 12  # a sentence may quote only the beginning of a key

# `pha_` and `phs_` also end words, as in `alpha_` and `graphs_`, unless what stands before them is an escape.
_LIKE_A_KEY = re.compile(
    r"(?:phx_|(?:(?<![a-z0-9])|(?<=\\[nrt])|(?<=\\u[0-9a-f]{4}))ph[as]_)[a-z0-9_-]{8,}", re.IGNORECASE
)
# Each branch begins with one character, which lets the pattern pass over others 2.5 times as fast as with `\\+`.
_ESCAPE = re.compile(r"%([0-9a-f]{2})|\\\\*u00([0-9a-f]{2})|&#x0*([0-9a-f]{2});?|&#0*(\d{2,3});?", re.IGNORECASE)
_PREFIXES, _MARKS = ("phx_", "pha_", "phs_"), ("%", "\\u", "&#")  # sought first: ten times as fast as a pattern
_OF_A_KEY = {ord(character): character for character in f"{ascii_letters}{digits}_.~+/=-"}
# What the most frequent escapes stand for, since millions of them may stand in one text.
_PERCENT = {
    form: _OF_A_KEY.get(int(form[1:], 16), form) for code in range(256) for form in (f"%{code:02x}", f"%{code:02X}")
}


def without_key(text: str, key: str) -> str:
    """Return the text without this key, be it escaped, encoded, cut or in another case."""
    plain = _without(text, key)
    unescaped = _unescaped(plain)
    if unescaped == plain:
        return plain
    found = _without(unescaped, key)
    return plain if found == unescaped else found


def without_keys(text: str, key: str) -> str:
    """Return the text without this key and without anything that looks like a secret key of PostHog."""
    plain = _without_any(_without(text, key))
    unescaped = _unescaped(plain)
    if unescaped == plain:  # what was sought already would be sought again
        return plain
    found = _without_any(_without(unescaped, key))
    return plain if found == unescaped else found


def value_without_keys(value: Any, key: str) -> Any:
    """Take keys out of every string in a JSON value, names of fields included."""
    if isinstance(value, str):
        return without_keys(value, key)
    if isinstance(value, dict):
        return {without_keys(name, key): value_without_keys(item, key) for name, item in value.items()}
    if isinstance(value, list):
        return [value_without_keys(item, key) for item in value]
    return value


def _unescaped(text: str) -> str:
    """Resolve the escapes of those characters that keys consist of; JSON stays JSON."""
    return _ESCAPE.sub(_resolved, text) if any(mark in text for mark in _MARKS) else text


def _resolved(match: re.Match[str]) -> str:
    return _PERCENT.get(match[0]) or _character(match)


def _character(match: re.Match[str]) -> str:
    percent, json, hexadecimal, decimal = match.groups()
    number = int(decimal) if decimal else int(percent or json or hexadecimal, 16)
    return _OF_A_KEY.get(number, match[0])


def _without_any(text: str) -> str:
    lowered = text.lower()
    return _LIKE_A_KEY.sub(HIDDEN, text) if any(prefix in lowered for prefix in _PREFIXES) else text


def _without(text: str, key: str) -> str:
    """Replace a key, or a beginning of it, in any case. Only ASCII is lowered, which moves no character."""
    wanted = key.lower().encode(errors="surrogatepass")
    if len(wanted) < MIN_KEY_LENGTH or wanted[:BEGINNING].decode(errors="replace") not in text.lower():
        return text
    raw = text.encode(errors="surrogatepass")
    lowered, parts, start = raw.lower(), [], 0
    while (found := lowered.find(wanted[:BEGINNING], start)) >= 0:
        parts.append(raw[start:found])
        start = found + _length_of_beginning(lowered, found, wanted)
    return HIDDEN.encode().join([*parts, raw[start:]]).decode(errors="surrogatepass")


def _length_of_beginning(text: bytes, at: int, key: bytes) -> int:
    """Return how much of a key stands at a place, where at least its first bytes do."""
    surely, at_most = min(BEGINNING, len(key)), len(key)
    if text.startswith(key, at):
        return at_most
    if text[at + surely : at + surely + 1] != key[surely : surely + 1]:
        return surely
    while surely < at_most:
        middle = (surely + at_most + 1) // 2
        surely, at_most = (middle, at_most) if text.startswith(key[:middle], at) else (surely, middle - 1)
    return surely
