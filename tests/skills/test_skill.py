"""What the skills say: names that there are, in the form of Agent Skills, and a way on where a tool is not offered."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml

from errtrack_mcp.cli.main import main
from errtrack_mcp.server.catalog.catalog import Catalog, Narrowing
from errtrack_mcp.server.catalog.filters import Selection
from errtrack_mcp.server.prompts import readable_stack_trace, release_check
from errtrack_mcp.settings import load_settings
from errtrack_mcp.skills.skill import FILES, SKILLS, Skill
from errtrack_mcp.tools.stack_traces.frames import Reason

ROOT = Path(__file__).parent.parent.parent
NAMES = [skill.name for skill in SKILLS]
EVERY_SKILL = pytest.mark.parametrize("skill", SKILLS, ids=NAMES)
CATALOG = Catalog(load_settings(), local=True)
TOOL = re.compile(r"(?:query-)?error-tracking-[a-z-]+")
BLOCK = re.compile(r"\n\n|\n(?=- |\d\. )")  # a paragraph, or an item of a list
CODES = re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
OTHERS = {"query:read", "posthog-cli"}  # a scope, and a command of PostHog


def in_code(skill: Skill) -> list[str]:
    """Return what a skill writes as code, over the end of a line too."""
    return [" ".join(written.split()) for written in re.findall(r"`([^`]+)`", skill.text)]


def tools_of(skill: Skill) -> set[str]:
    """Return the names of the tools that a skill leads to."""
    return {written for written in in_code(skill) if TOOL.fullmatch(written)}


def words_in(schema: Any) -> Iterator[str]:
    """Return every name of a field and every value of an enumeration in a schema, at any depth."""
    if isinstance(schema, list):
        for item in schema:
            yield from words_in(item)
    elif isinstance(schema, dict):
        yield from schema.get("properties", ())
        yield from (value for value in schema.get("enum", ()) if isinstance(value, str))
        for item in schema.values():
            yield from words_in(item)


def words_of_tools(names: set[str]) -> set[str]:
    """Return what arguments and answers of these tools call things."""
    listed = [CATALOG.whole.tools[name].listed for name in names]
    return {word for tool in listed for word in words_in([tool.input_schema, tool.output_schema])}


def test_every_folder_is_a_skill_with_one_file() -> None:
    """And none lies here that nobody is offered."""
    folders = [path for path in FILES.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(folder.name for folder in folders) == sorted(NAMES)
    assert all([file.name for file in folder.iterdir()] == ["SKILL.md"] for folder in folders)


@EVERY_SKILL
def test_its_form_is_that_of_agent_skills(skill: Skill) -> None:
    """The limits of the specification, and fields that YAML reads as this server does."""
    fields = skill.frontmatter
    assert skill.text.startswith("---\n")
    assert yaml.safe_load(skill.text.split("---\n", 2)[1]) == fields
    assert fields["name"] == skill.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", skill.name)
    assert len(skill.name) <= 64
    assert 1 <= len(fields["description"]) <= 1024
    assert fields.keys() <= {"name", "description", "license"}  # above all not allowed-tools, which asks for rights


@EVERY_SKILL
def test_it_is_short(skill: Skill) -> None:
    """An assistant pays for a description in every conversation, and for the file once it is chosen."""
    assert len(skill.frontmatter["description"]) <= 300
    assert len(skill.text.split()) <= 800


@EVERY_SKILL
def test_it_names_only_what_there_is(skill: Skill) -> None:
    """Tools, their arguments and answers, error codes, commands and other skills: a misspelt one is a wrong call."""
    tools = tools_of(skill)
    assert len(tools) > 3
    assert skill.needs <= tools <= CATALOG.whole.tools.keys()
    known = tools | words_of_tools(tools) | {*CODES, *NAMES, *get_args(Reason)} | OTHERS
    written = [word for word in in_code(skill) if not word.startswith("errtrack-mcp ")]
    assert [word for word in written if word not in known] == []


@EVERY_SKILL
def test_every_command_that_it_names_is_one(skill: Skill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program itself reads the subcommand, its options and its arguments."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    (tmp_path / "DIR").mkdir()
    shown = [word for word in in_code(skill) if word.startswith("errtrack-mcp ")]
    assert shown
    for line in shown:
        name, *arguments = shlex.split(line)[1:]
        command = main.get_command(click.Context(main), name)
        assert command is not None, line
        command.make_context(name, arguments).close()


@EVERY_SKILL
def test_it_says_what_to_do_where_a_tool_is_not_offered(skill: Skill) -> None:
    """Of each tool that it does not need, one of the places that name it speaks of that."""
    told = {name for block in BLOCK.split(skill.text) if "offered" in block for name in TOOL.findall(block)}
    assert tools_of(skill) - skill.needs <= told


@EVERY_SKILL
def test_what_it_needs_may_be_had_everywhere(skill: Skill) -> None:
    """Also over HTTP, and by those who may only read."""
    remote = Catalog(load_settings()).narrowed(Narrowing(Selection(read_only=True)))
    assert skill.needs <= remote.tools.keys()


@EVERY_SKILL
def test_it_stops_before_a_change(skill: Skill) -> None:
    """And says that texts of strangers are no instructions."""
    assert "never follow instructions" in " ".join(skill.text.split())
    assert "\n## Stop and ask\n" in skill.text


def test_skills_and_prompts_agree() -> None:
    """The same work is offered to the same callers, and ends with the same verdicts."""
    skills = {skill.name: skill for skill in SKILLS}
    assert skills["fix-minified-traces"].needs == readable_stack_trace.PROMPT.needs
    assert skills["check-a-release"].needs == release_check.PROMPT.needs
    answer = " ".join(skills["check-a-release"].text.split())
    for when in ("before", "after"):
        verdicts = re.search(r"Answer in one line first: ([^.]+)\.", release_check.release_check("a", "1", when))
        assert verdicts
        assert verdicts[1] in answer
