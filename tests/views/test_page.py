"""The panel as a document: small, complete in itself, and in agreement with the tools and states that it names."""

import re
from pathlib import Path

import pytest

from errtrack_mcp.builds.uploadable import MEANINGS
from errtrack_mcp.builds.verdict import OUTLOOKS
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import EVERY_TOOLSET
from errtrack_mcp.tools.annotations import PANEL
from errtrack_mcp.tools.uploads.models import HARMLESS, PLANNED, STATES, THERE
from errtrack_mcp.views import page
from errtrack_mcp.views.page import panel_page

UPLOAD = "error-tracking-symbol-sets-upload"
FILES = Path(page.__file__).parent
PAGE = panel_page("https://eu.posthog.com")


def without_idle(text: str) -> str:
    """Return a text without what the page may lack."""
    return text.replace(" ", "").replace(";}", "}")


TOOLS = {tool.name: tool for tools in EVERY_TOOLSET.values() for tool in tools}


def test_the_page_is_at_most_30_kilobytes() -> None:
    """A host sends it again and again; a library for the same would be twenty times as large."""
    assert len(PAGE.encode()) <= 30 * 1024


def test_every_file_is_in_the_page() -> None:
    """Nothing is left unread, and nothing that the document names is missing."""
    assert "/* " not in PAGE
    for file in FILES.glob("*.[jc]s*"):
        lines = [line.strip() for line in file.read_text().splitlines() if not line.startswith("//")]
        assert without_idle(max(lines, key=len)) in without_idle(PAGE), file.name


@pytest.mark.parametrize("kind", [r"https?:", r"//[a-z]", "src=", "href=", r"url\(", "@import", "import", "srcset"])
def test_the_page_refers_to_nothing_outside(kind: str) -> None:
    """It loads nothing: the one address in it is that of the caller's PostHog, as data."""
    without_origin = PAGE.replace('content="https://eu.posthog.com"', "").replace('"https:"', "")
    assert not re.search(kind, without_origin)


@pytest.mark.parametrize(
    "way", ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval", "Function", "fetch("]
)
def test_text_of_strangers_has_no_way_to_become_markup_or_code(way: str) -> None:
    """Everything goes in by textContent and append."""
    assert way not in PAGE


def test_the_origin_stands_in_the_page_as_data() -> None:
    """Settings allow no such origin; the page does not depend on that."""
    assert '<meta name="posthog-origin" content="https://eu.posthog.com">' in PAGE
    assert 'content="https://a&quot;&gt;&lt;b&gt;"' in panel_page('https://a"><b>')


def test_the_page_calls_only_tools_that_read() -> None:
    """Each of them exists, and no page is kept from calling it."""
    named = set(re.findall(r'"((?:query-)?error-tracking-[a-z-]+)"', PAGE))
    assert len(named) == 8
    assert all(is_read_only(TOOLS[name]) for name in named)


def test_each_tool_with_a_panel_has_a_view() -> None:
    """The page repeats the calls of those that read; it knows an upload by its shape alone."""
    named = set(re.findall(r'"((?:query-)?error-tracking-[a-z-]+)"', PAGE))
    assert {tool.name for tool in TOOLS.values() if PANEL.items() <= (tool.meta or {}).items()} == named | {UPLOAD}


def test_the_page_judges_every_state_of_a_script_as_the_tools_do() -> None:
    """A state that it does not know is judged neither way: those that cannot be told, and what is planned."""
    judged = {
        state: kind == "good"
        for kind, states in re.findall(r'(good|bad): ("[a-z_ ]+"(?: \+\n"[a-z_ ]+")?)', PAGE)
        for state in re.findall("[a-z_]+", states)
    }
    readable = {state: outlook.readable for state, outlook in OUTLOOKS.items() if outlook.readable is not None}
    needs_a_look = (STATES.keys() | MEANINGS.keys()) - OUTLOOKS.keys() - THERE - HARMLESS - PLANNED - {"not_compared"}
    assert judged == readable | dict.fromkeys(THERE | HARMLESS, True) | dict.fromkeys(needs_a_look, False)
