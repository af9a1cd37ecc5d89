"""The documentation tells the truth: pages made from the code are current, commands exist, links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest
from scripts.pages import configuration, readme, tools

from errtrack_mcp.cli.main import main
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS

ROOT = Path(__file__).parent.parent
AT_THE_ROOT = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "plugin/README.md")
PAGES = [ROOT / name for name in AT_THE_ROOT] + sorted((ROOT / "docs").glob("*.md"))
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
COMMAND = re.compile(r"^ {4}(?:\$ )?(errtrack-mcp(?: [^#\n|]*)?)", re.MULTILINE)
MADE_UP = {"DIR": ".", "FILE": "settings.env"}
FOLDERS_SHOWN = ("dist",)
FILES_SHOWN = ("settings.env", "trace.txt")


def commands(page: Path) -> list[str]:
    """Return every command of ours that a page shows in a block of its own."""
    return [found.strip().removesuffix("|").strip() for found in COMMAND.findall(page.read_text())]


@pytest.mark.anyio
async def test_the_pages_made_from_the_code_are_current() -> None:
    """After a change of settings or tools: make docs."""
    assert (ROOT / "docs" / "configuration.md").read_text() == configuration()
    assert (ROOT / "docs" / "tools.md").read_text() == await tools()
    assert (ROOT / "README.md").read_text() == readme((ROOT / "README.md").read_text())


def test_the_readme_names_every_tool_and_no_other() -> None:
    """The table has a row for each."""
    rows = re.findall(r"^\| `((?:query-)?error-tracking-[a-z-]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(
        tool.name for each in (TOOLSETS, LOCAL_TOOLSETS) for set_ in each.values() for tool in set_
    )


def test_commands_are_found() -> None:
    """Or the next test would show nothing."""
    assert sum(len(commands(page)) for page in PAGES) > 15


@EVERY_PAGE
def test_every_command_shown_is_one(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program itself reads the subcommand, options and arguments, in a folder that holds what the pages name."""
    monkeypatch.chdir(tmp_path)
    for folder in FOLDERS_SHOWN:
        (tmp_path / folder).mkdir()
    for file in FILES_SHOWN:
        (tmp_path / file).touch()
    for shown in commands(page):
        words = [MADE_UP.get(word, word) for word in shlex.split(shown)[1:]]
        context = main.make_context("errtrack-mcp", list(words), resilient_parsing=True)
        rest = [*context._protected_args, *context.args]  # noqa: SLF001 - where click leaves the subcommand
        if rest:
            name, command, arguments = main.resolve_command(context, rest)
            assert isinstance(command, click.Command)
            command.make_context(name, arguments, parent=context).close()  # and with it the files that it opened


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    """Within the repository; others cannot be followed from here."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@EVERY_PAGE
def test_every_make_target_shown_exists(page: Path) -> None:
    """What a page tells to make can be made."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


def test_every_section_that_the_code_cites_exists() -> None:
    """A newcomer can look up each surprise of PostHog's API."""
    headings = re.findall(r"^#{2,3} (\d+(?:\.\d+)?)[. ]", (ROOT / "docs" / "posthog-api.md").read_text(), re.MULTILINE)
    code = "\n".join(path.read_text() for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py"))
    cited = re.findall(r"docs/posthog-api\.md, section (\d+(?:\.\d+)?)", code)
    assert len(cited) > 10
    assert set(cited) <= set(headings)
    anywhere = re.findall(r"\bsections? (\d+(?:\.\d+)?)", code)
    assert len(anywhere) == len(cited), "a section is cited without its page"
