"""Stack traces as people paste them: of Chrome, Node and Edge, Firefox, Safari, React Native and Java. Pure.

Nothing here matches with a regular expression that could take long: text of strangers is split, not searched.
"""

from typing import NamedTuple

from errtrack_mcp.symbolication.line_breaks import with_line_breaks

MAX_CHARACTERS = 200_000
MAX_LINES = 2_000
MAX_LINE_LENGTH = 4_000
MAX_DIGITS = 9
MAX_SCHEME = 40  # characters of `https://` and the like

_ASYNC_V8 = ("async ", "new async ")
_EVAL = "eval at "
_HERMES = "address at "
_NATIVE = "[native code]"  # of Safari
_NO_PLACE = ("native", "<anonymous>", _NATIVE, "[wasm code]", "native method", "unknown source", "sourcefile")
_NO_LINE = (".java", ".kt")  # a file of Java without a line
_WASM = ":wasm-function["  # `name.wasm:wasm-function[1]:0x1a2b`: source maps do not know such places
_IN_TIMES = "0123456789-/.T"  # up to the hour, with its date: 12:30:45, 2026-11-27T12:30:45
_NOT_IN_SCHEMES = frozenset("@/() \t")
_FIREFOX_EVAL = (" > eval", " > Function")


class TraceFrame(NamedTuple):
    """One line of a stack trace: `line` and `column` count from 1; a frame without a place in a file has none.

    `text` is the line as it was pasted.
    """

    text: str
    function: str
    url: str
    line: int | None = None
    column: int | None = None

    @property
    def is_java(self) -> bool:
        """Whether the frame names a class and a method; JavaScript's frames always have a column."""
        return self.line is not None and self.column is None and "." in self.function


class Trace(NamedTuple):
    """One error: the lines before its first frame, and its frames with the throw site first, as browsers print them."""

    header: str
    frames: tuple[TraceFrame, ...]


class UnreadableTrace(Exception):  # noqa: N818 - named after what it is
    """A text that is too long, or in which no line is a stack frame; the message says which."""


def read_traces(text: str) -> list[Trace]:
    """Read every stack trace in a text, log prefixes included, also without its line breaks. Raises UnreadableTrace."""
    text = with_line_breaks(text) if len(text) <= MAX_CHARACTERS else text
    if len(text) > MAX_CHARACTERS or text.count("\n") > MAX_LINES:
        raise UnreadableTrace(f"The text is longer than {MAX_CHARACTERS:,} characters or {MAX_LINES:,} lines.")
    traces: list[Trace] = []
    header: list[str] = []
    frames: list[TraceFrame] = []
    for line in text.splitlines():
        frame = read_frame(line[:MAX_LINE_LENGTH])
        if frame is not None:
            frames.append(frame)
            continue
        if frames and line.strip():
            traces.append(Trace("\n".join(header), tuple(frames)))
            header, frames = [], []
        if line.strip():
            header.append(line.rstrip())
    if frames:
        traces.append(Trace("\n".join(header), tuple(frames)))
    if not traces:
        raise UnreadableTrace("No line of the text is a stack frame with a file, a line and a column.")
    return traces


def read_frame(text: str) -> TraceFrame | None:
    """Return the frame that a line holds, or None for a line of another kind."""
    line = text.rstrip()
    for at in _marks(line, "at "):
        body = line[at + 3 :].strip()
        if (frame := _after_at(line, body)) is not None:
            return frame
        if not line[max(0, at - 2) : at].strip() and (frame := _without_function(line, body)) is not None:
            return frame
    return _with_at_sign(line)


def _marks(line: str, mark: str) -> list[int]:
    """Return where a word begins in a line: at its start, or after a blank. The first few are enough."""
    places: list[int] = []
    at = line.find(mark)
    while at >= 0 and len(places) < 5:
        if at == 0 or line[at - 1].isspace():
            places.append(at)
        at = line.find(mark, at + 1)
    return places


def _after_at(text: str, body: str) -> TraceFrame | None:
    """Read what follows `at`: a place alone, or a function with its place in brackets."""
    for prefix in _ASYNC_V8:
        body = body.removeprefix(prefix)
    if not body.endswith(")"):
        return _frame(text, "", body) if _position(body) is not None else None
    opened = body.find(" (")
    function, inner = (body[:opened], body[opened + 2 : -1]) if opened >= 0 else ("", "")
    if not inner:
        return _java_frame(text, body)
    if inner.startswith(_EVAL):
        inner = inner[inner.rfind("(") + 1 :].partition(")")[0] if "(" in inner else inner.removeprefix(_EVAL)
    return _frame(text, function.partition(" [as ")[0], inner.removeprefix(_HERMES))


def _without_function(text: str, body: str) -> TraceFrame | None:
    """Read a place alone that is in no file; only behind blanks as frames have them: messages end like it as well."""
    place = body.removeprefix("async ")
    return TraceFrame(text, "", place) if place == "<anonymous>" or _WASM in place else None


def _java_frame(text: str, body: str) -> TraceFrame | None:
    """Read `package.Class.method(File.java:12)`, and what stands there without a line."""
    function, _, place = body[:-1].partition("(")
    file, _, line = place.rpartition(":")
    if "." not in function or " " in function:
        return None
    if file and _is_number(line):
        return TraceFrame(text, function, file, int(line))
    known = place.lower() in _NO_PLACE or place.endswith(_NO_LINE)
    return TraceFrame(text, function, place) if known else None


def _with_at_sign(line: str) -> TraceFrame | None:
    """Read `function@place` of Firefox, Safari and React Native, and a place that stands alone."""
    function, sign, place = _parted(line.strip())
    if not sign and not (place.startswith("/") or "://" in place or place == _NATIVE):
        return None
    for prefix in ("async*", "promise callback*", "setTimeout handler*", "setInterval handler*"):
        function = function.removeprefix(prefix)
    for mark in _FIREFOX_EVAL:  # `script.js line 7 > eval:1:1`: only the script has a map
        if mark in place:
            script, _, number = place.partition(mark)[0].rpartition(" line ")
            if not script or not _is_number(number):
                return None
            return TraceFrame(line, function, script, int(number), 1)
    known = (function and place in _NO_PLACE) or place == _NATIVE or (sign and _WASM in place)
    if _position(place) is None and not known:
        return None
    return _frame(line, function.rpartition("\t")[2], place)


def _parted(body: str) -> tuple[str, str, str]:
    """Split `function@place`; an @ may be part of the place, as in `/node_modules/@scope/`, or of the function."""
    at = body.find("@")
    while at >= 0:
        scheme, ends, _ = body[at + 1 : at + 1 + MAX_SCHEME].partition("://")
        if ends and scheme and _NOT_IN_SCHEMES.isdisjoint(scheme):
            return body[:at], "@", body[at + 1 :]
        at = body.find("@", at + 1)
    function, sign, place = body.partition("@")
    in_path = "://" in function or function.startswith("/") or function.endswith("/")
    return ("", "", body) if in_path or not sign else (function, sign, place)


def _frame(text: str, function: str, place: str) -> TraceFrame | None:
    position = _position(place)
    if position is not None:
        url, line, column = position
        return TraceFrame(text, function.strip(), url, line, column)
    known = place.lower() in _NO_PLACE or place.startswith("index ") or _WASM in place
    return TraceFrame(text, function.strip(), place) if known else None


def _position(place: str) -> tuple[str, int, int] | None:
    """Split `url:line:column`; None for a text that does not end so, and for one that ends in a time."""
    parts = place.rsplit(":", 2)
    words = parts[0].split()
    if len(parts) != 3 or not words or not (_is_number(parts[1]) and _is_number(parts[2])):
        return None
    is_time = not words[-1].strip(_IN_TIMES)
    holds_another = any(_ends_a_place(word) for word in words[:-1])
    return None if is_time or holds_another else (parts[0].strip(), int(parts[1]), int(parts[2]))


def _ends_a_place(word: str) -> bool:
    parts = word.removesuffix(")").rsplit(":", 2)
    return len(parts) == 3 and _is_number(parts[1]) and _is_number(parts[2])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
