"""The structure of a JSON file, read in blocks: no value is built, so that no text can be slow or large."""

import codecs
import re
import time
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from pydantic_core import from_json

MAX_KEPT_BYTES = 64  # bytes of a key, a string or a number; of the rest it is only seen that it is there
_BLOCK = 1 << 16
_ESCAPE_BYTES = 6
_BLANKS = re.compile(rb"[ \t\n\r]*+")
# A class that says what it holds is read twice as fast as one that says what it leaves out.
_INSIDE_STRING = re.compile(rb'(?:[\]-\xff#-\[ !]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+')
_INSIDE_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")
_SCALAR = re.compile(rb"true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?")
_LONG_NUMBER = re.compile(rb"-?[0-9][-+.0-9eE]*+")
_STARTS = {b"{": ("start_map", "end_map", b"}"), b"[": ("start_array", "end_array", b"]")}


class LateError(Exception):
    """The file has not been read to its end before the deadline."""


class _Scanner:
    """The bytes of a file from one place on; raises ValueError for what is no UTF-8."""

    def __init__(self, file: BinaryIO, deadline: float) -> None:
        self._file, self._deadline = file, deadline
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._data, self._at = b"", 0

    def next(self) -> bytes:
        """Return the next byte that is not blank, or nothing at the end."""
        byte = self._data[self._at : self._at + 1]
        if not byte or byte in b" \t\n\r":
            self._skip(_BLANKS)
            byte = self._data[self._at : self._at + 1]
        self._at += len(byte)
        return byte

    def string(self) -> str:
        """Pass over a string behind its first quote, and return it; a long one only in its first bytes."""
        kept = self._skip(_INSIDE_STRING)
        if self._data[self._at : self._at + 1] != b'"':
            _refuse()
        self._at += 1
        if len(kept) > MAX_KEPT_BYTES:
            return kept.decode(errors="replace")
        return str(from_json(b'"' + kept + b'"')) if b"\\" in kept else kept.decode()

    def scalar(self) -> str:
        """Pass over a number, true, false or null whose first byte has been read."""
        self._at -= 1
        kept = self._skip(_INSIDE_SCALAR)
        if not (_SCALAR if len(kept) <= MAX_KEPT_BYTES else _LONG_NUMBER).fullmatch(kept):
            _refuse()
        return kept.decode()

    def _skip(self, pattern: re.Pattern[bytes]) -> bytes:
        """Pass over what a pattern matches, however long, and return its first bytes."""
        kept = b""
        while True:
            match = pattern.match(self._data, self._at)
            end = match.end() if match else self._at
            kept += self._data[self._at : min(end, self._at + MAX_KEPT_BYTES + 1 - len(kept))]
            self._at = end
            if len(self._data) - end >= _ESCAPE_BYTES or not self._refill():
                return kept

    def _refill(self) -> bool:
        """Read one block more; tell whether there was one. Raises LateError."""
        if time.monotonic() > self._deadline:
            raise LateError
        block = self._file.read(_BLOCK)
        self._decoder.decode(block, final=not block)
        self._data, self._at = self._data[self._at :] + block, 0
        return bool(block)


def events(file: BinaryIO, deadline: float) -> Iterator[tuple[str, str]]:  # noqa: C901 - the grammar of JSON
    """Yield what a file of JSON is made of, each with its text where that is short: `start_map`, `map_key`, `string`...

    Raises ValueError where it is no JSON, and LateError after `deadline`, a moment of `time.monotonic`.
    """
    scanner = _Scanner(file, deadline)
    ends: list[tuple[str, bytes]] = []  # of what is open: the event of its end, and the byte
    byte = scanner.next()
    while True:
        ended = b""
        if byte in _STARTS:
            start, end, closing = _STARTS[byte]
            yield start, ""
            ends.append((end, closing))
            byte = scanner.next()
            if byte != closing:
                if closing == b"}":
                    yield "map_key", _key(scanner, byte)
                    byte = scanner.next()
                continue
            ended = byte
        elif byte == b'"':
            yield "string", scanner.string()
        elif byte:
            yield "scalar", scanner.scalar()
        else:
            _refuse()
        while ends and (ended or (byte := scanner.next())) == ends[-1][1]:
            ended = b""
            yield ends.pop()[0], ""
        if not ends:
            break
        if byte != b",":
            _refuse()
        if ends[-1][1] == b"}":
            yield "map_key", _key(scanner, scanner.next())
        byte = scanner.next()
    if scanner.next():
        _refuse()


def _key(scanner: _Scanner, quote: bytes) -> str:
    """Read a key and the colon behind it."""
    if quote != b'"':
        _refuse()
    key = scanner.string()
    if scanner.next() != b":":
        _refuse()
    return key


def _refuse() -> NoReturn:
    raise ValueError("not JSON")
