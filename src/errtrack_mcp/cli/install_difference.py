"""What a person is shown of a change to a client's file: the lines that change, and nothing that may be a secret."""

import difflib
import os
import re

import click
from rich.text import Text

from errtrack_mcp.cli.output import is_terminal, screen
from errtrack_mcp.client_config.edit import Change
from errtrack_mcp.client_config.entries import KEY

# A value is hidden by what it is called, in quotes or without, or by what it looks like.
_NAME = r"(?:key|token|secret|passwo?r?d|pass\b|authorization|cookie)\w{0,40}"
_QUOTED = re.compile(
    rf"""({_NAME}["']?\s{{0,8}}[:=,]\s{{0,8}})("{{3}}[^"]*+"*+|'{{3}}[^']*+'*+|"(?:[^"\\]|\\.)*+"?|'[^']*+'?)""",
    re.IGNORECASE,
)
_BARE = re.compile(rf"""({_NAME}[:=][ \t]{{0,8}})[^\s"'$\[{{][^"'\n]*+""", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"\b(?:ph[a-z]|sk|gh[a-z]|github_pat|glpat|xox[a-z])[_-][\w-]{4,}"
    r"""|\b(?:Bearer|Basic) [^\s"'${]+|(?<=://)[^/\s"'@]+(?=@)""",
    re.IGNORECASE,
)
# A variable, as clients refer to one, with what may stand before it; or the name of ours alone.
_REFERENCE = re.compile(
    rf"""["'](?:Bearer )?(?:\$[A-Z_][A-Z0-9_]*|\${{[^"'{{}}]*}}|\${{{{[^"'{{}}]*}}}}|{{env:\w+}}|{KEY})["']"""
)
# A line that opens or closes something and holds no value.
_STRUCTURE = re.compile(
    r"""\[[\w.-]++\]\s*+|\s*+(?:(?:["']?[\w./@ -]{1,80}["']?\s*+[:=]\s*+)?[\[{]|[\w-]{1,80}+:|[\]}]++,?)?\s*+"""
)
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def show_difference(change: Change) -> None:
    """Print a change, in colours on a terminal."""
    lines = difflib.unified_diff(
        _lines(change.before),
        _lines(change.after),
        str(change.path) if change.before is not None else os.devnull,
        str(change.path) if change.after is not None else os.devnull,
        lineterm="",
    )
    shown = without_secrets(list(lines))
    if not is_terminal():
        click.echo("\n".join(shown))
        return
    console = screen()
    for line in shown:
        console.print(Text(line, style=_COLOURS.get(line[:1], "")), soft_wrap=True)


def without_secrets(difference: list[str]) -> list[str]:
    """Return a difference in which lines that stay show no more than names and brackets, and others no secrets.

    A line that only gets or loses a comma at its end is one that stays.
    """
    head, body = difference[:2], difference[2:]
    removed, added = ({line[1:].rstrip(", ") for line in body if line.startswith(sign)} for sign in "-+")
    return head + [_shown(line, staying=removed & added) for line in body]


def _shown(line: str, *, staying: set[str]) -> str:
    if line.startswith("@"):
        return line
    text = line[1:]
    if not line.startswith(" ") and text.rstrip(", ") not in staying:
        return line[:1] + hide_secrets(text)
    return line if _STRUCTURE.fullmatch(text) else line[: len(line) - len(text.lstrip())] + "..."


def hide_secrets(line: str) -> str:
    """Return a line with values that are called or look like secrets replaced; references to variables stay."""

    def hidden(found: re.Match[str]) -> str:
        return found[0] if _REFERENCE.fullmatch(found[2]) else f'{found[1]}"***"'

    return _LOOKS_SECRET.sub("***", _BARE.sub(r"\1***", _QUOTED.sub(hidden, line)))


def _lines(data: bytes | None) -> list[str]:
    return (data or b"").decode().splitlines()
