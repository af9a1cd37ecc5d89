"""Line breaks that a pasted stack trace lost: escaped in JSON, or turned into blanks. Pure.

Every part of the patterns has a bound or cannot match in two ways, so that the time grows with the length alone.
"""

import re

_NO_FILE = r"<anonymous>|\(native|native code\]|index \d{1,9}|Native Method|Unknown Source"
# A time looks like a line and a column: it has an hour, of at most two digits, before its colons.
_NOT_AN_HOUR = r"(?:(?<!\d)|(?<=\d{3})|(?<=[a-zA-SU-Z/._=]\d)|(?<=[a-zA-SU-Z/._=]\d\d))"
_END = rf"(?:{_NOT_AN_HOUR}:\d{{1,9}}:\d{{1,9}}|\.(?:java|kt):\d{{1,9}}|{_NO_FILE})\)?"
_SIGN = r"[^\s@\\]{0,80}@(?:[a-z-]{1,20}://|/)"  # `function@https://` of Firefox and Safari
_BREAK = r"\\{1,2}(?:r\\{1,2})?n(?:\\{1,2}t)?"

# A path of Windows holds \n too: it is a line break only behind a frame, or before one.
_ESCAPED = re.compile(rf"(?P<end>{_END}){_BREAK}|{_BREAK}(?=[ \t]|at[ \t]|{_SIGN})")
_JOINED = re.compile(rf"(?P<end>{_END})[ \t]+(?=at[ \t][^\n]{{0,300}}?{_END}|{_SIGN})")
_QUOTED = re.compile(rf'(?P<end>{_END})(?=\\{{0,2}}")')
_THROWN = re.compile(r"(.*)(?<!eval)[ \t](?=at[ \t])")  # what stands before the first frame


def with_line_breaks(text: str) -> str:
    """Return a text with a line for each frame; a line that holds one frame stays as it is."""
    lines = (_unescaped(line) for line in text.split("\n"))
    return "\n".join(_apart(line) for broken in lines for line in broken.split("\n"))


def _unescaped(line: str) -> str:
    """Break a line at what was a line break, and behind the last frame of a text in quotes, where there was one."""
    broken = _ESCAPED.sub(_broken, line)
    return line if broken == line else _QUOTED.sub(r"\g<end>\n", broken)


def _broken(found: re.Match[str]) -> str:
    return f"{found['end'] or ''}\n"


def _apart(line: str) -> str:
    """Put the frames of a line, and what was thrown before them, into lines of their own."""
    parts = _JOINED.sub(r"\g<end>\n", line)
    thrown = _THROWN.match(parts) if parts != line else None
    return f"{thrown[1]}\n{parts[thrown.end() :]}" if thrown else parts
