"""The panel as one HTML document. Clients that render MCP Apps show it next to the answers of some tools."""

import re
from functools import cache
from html import escape
from pathlib import Path

# Hosts keep a page by its address. It stays the same while pages and answers of different versions understand each
# other; with a change that breaks this there is a second address, and the first one is still served.
URI = "ui://errtrack/v1"
MIME_TYPE = "text/html;profile=mcp-app"
EXTENSION = "io.modelcontextprotocol/ui"

_FILES = Path(__file__).parent
_PLACE_OF_FILE = re.compile(r"/\* ([a-z]+\.(?:css|js)) \*/")
_INDENTATION_OR_COMMENT = re.compile(r"^(\s+|//.*\n)+", re.MULTILINE)
# What a browser needs nowhere. With what is above these are 4 KB beside the 30 that the page may have.
_IDLE_IN_CSS = re.compile(r"(?<=[:;{,>]) | (?=[{>])|;(?= \})|(?<=\})\n\s*")
_PLACE_OF_ORIGIN = "https://posthog.invalid"


def panel_page(origin: str) -> str:
    """Return the page. Links lead to `origin` alone, the caller's PostHog: text in answers cannot choose where to."""
    return _joined().replace(_PLACE_OF_ORIGIN, escape(origin))


@cache
def _joined() -> str:
    """Put each file into the document at the comment that names it, without indentation and lines of comment."""
    document = (_FILES / "panel.html").read_text("utf-8")
    joined = _PLACE_OF_FILE.sub(lambda place: _read(place[1]), document)
    return _INDENTATION_OR_COMMENT.sub("", joined)


def _read(name: str) -> str:
    text = (_FILES / name).read_text("utf-8")
    return _IDLE_IN_CSS.sub("", text) if name.endswith(".css") else text
