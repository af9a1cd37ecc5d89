"""One entry put into a list in YAML, and taken out again."""

import pytest
import yaml as library

from errtrack_mcp.client_config import yaml
from errtrack_mcp.client_config.jsonc import UnreadableError

SERVERS = "mcpServers"
ENTRY = {"command": "/opt/errtrack-mcp", "args": [], "env": {"A": "${{ secrets.A }}"}}
OTHER = "mcpServers:\n  - name: other # first\n    command: x\n"
FILES = [
    "",
    "# only this",
    "name: mine\n",
    "name: mine",
    "---\nname: mine\nmodels:\n- name: a\n\n# the end\n",
    OTHER,
    OTHER.strip(),
    OTHER.replace("\n", "\r\n"),
    f"{OTHER}\n\n# what follows\nmodels:\n  - name: a\n",
    "mcpServers:\n- name: other\n  args:\n  - |\n    a\n    b\n\n\nlast: 1\n",
    "mcpServers:\n- name: other\n  env:\n\n# of the end\nlast: 1\n",
    'mcpServers:\n- {name: other, command: "-"}   # here\n- uses: a/b\nlast: 1\n',
    "mcpServers:\nlast: 1\n",
    "mcpServers: # none\nlast: 1\n",
    "  a: 1\n  b: 2\n",
    "---\n# mine\n",
    "mcpServers: []\nlast: 1\n",
    "mcpServers: ~ # none\nlast: 1\n",
    "name: mine\nmcpServers:\r\n  - name: other\n    command: x\n",
]


@pytest.mark.parametrize("text", FILES)
def test_an_entry_is_added_and_all_else_stays(text: str) -> None:
    """Every line is where it was, in its order; taking the entry out gives the same values back."""
    before = yaml.parse(text, SERVERS)
    written = yaml.put(text, SERVERS, "errtrack", ENTRY)
    assert yaml.parse(written, SERVERS) == before | {SERVERS: before.get(SERVERS, {}) | {"errtrack": ENTRY}}
    kept = text.replace("mcpServers: []", "mcpServers:").replace("mcpServers: ~ #", "mcpServers: #")
    lines = iter(written.splitlines(keepends=True))
    assert all(line in lines for line in (kept.rstrip("\n") + "\n" if kept else "").splitlines(keepends=True))
    taken = yaml.take(written, SERVERS, "errtrack")
    assert yaml.parse(taken, SERVERS).get(SERVERS, {}) == before.get(SERVERS, {})
    assert yaml.take(text, SERVERS, "errtrack") == text


def test_the_entry_stands_below_the_others_as_they_do() -> None:
    """Before blank lines and comments that belong to what follows."""
    assert yaml.put(f"{OTHER}\n# models\nmodels: []\n", SERVERS, "new", {"command": "y", "args": ["a"]}) == (
        f"{OTHER}  - name: new\n    command: y\n    args:\n      - a\n\n# models\nmodels: []\n"
    )


def test_an_entry_that_is_there_is_replaced_where_it_stands() -> None:
    """Whatever stands before and behind it; a comment behind its last value stays too."""
    before = "mcpServers:\n  - name: a\n  - command: old\n    name: errtrack # mine\n  - name: z\n"
    assert yaml.put(before, SERVERS, "errtrack", {"command": "new"}) == (
        "mcpServers:\n  - name: a\n  - name: errtrack\n    command: new # mine\n  - name: z\n"
    )


def test_only_its_own_lines_are_taken_out() -> None:
    """The first, one between others, and the last, with the list itself when nothing is left in it."""
    three = "a: 1\nmcpServers:\n  # one\n  - name: x\n    args: []\n  -\n    name: y\n  - {name: z}\nb: 2\n"
    assert yaml.take(three, SERVERS, "x") == three.replace("  - name: x\n    args: []\n", "")
    assert yaml.take(three, SERVERS, "y") == three.replace("  -\n    name: y\n", "")
    assert yaml.take(three, SERVERS, "z") == three.replace("  - {name: z}\n", "")
    assert yaml.take("a: 1\nmcpServers:\n  - name: x\nb: 2\n", SERVERS, "x") == "a: 1\nb: 2\n"


@pytest.mark.parametrize("text", ["{a: 1}", "mcpServers: [{name: errtrack}]", "mcpServers: {a: {}}"])
def test_what_is_written_in_brackets_is_left_to_a_person(text: str) -> None:
    """A line more would not belong to it."""
    with pytest.raises(UnreadableError):
        yaml.put(text, SERVERS, "errtrack", ENTRY)
    with pytest.raises(UnreadableError):
        yaml.take(text, SERVERS, "errtrack")


def test_an_alias_at_the_end_is_left_to_a_person() -> None:
    """It stands elsewhere."""
    with pytest.raises(UnreadableError, match="ends with an alias"):
        yaml.put("a: &a {b: 1}\nmcpServers:\n  - name: other\n    env: *a\n", SERVERS, "errtrack", ENTRY)


def test_what_is_wrong_is_said_without_a_word_of_the_file() -> None:
    """It may be a secret."""
    for text in (
        "a: *SECRET",
        "a:\n  - b: 1\n   c: SECRET\n",
        "a: 'SECRET",
        "a: @SECRET",
        "a: !SECRET x",
        "a: \x01SECRET",
    ):
        with pytest.raises(UnreadableError) as refused:
            yaml.parse(text, SERVERS)
        assert "SECRET" not in str(refused.value)
    with pytest.raises(UnreadableError, match=r"in line 3, column 4$"):
        yaml.parse("a:\n  - b: 1\n   c: SECRET\n", SERVERS)


@pytest.mark.parametrize(
    "text",
    [
        "- a",
        "a",
        "a: [",
        "a: 1\n---\nb: 2\n",
        "mcpServers: 3",
        "mcpServers: {a: {}}",
        "mcpServers: [{name: a}, {name: a}]",
        "a: !!python/object/apply:os.getcwd []",
        "when: 2026-99-99",
        "a: !!bool x",
        "a: !!int ''",
        "a: !!timestamp x",
    ],
)
def test_what_is_no_such_file_is_refused(text: str) -> None:
    """In the words of the parser, or ours."""
    with pytest.raises(UnreadableError):
        yaml.parse(text, SERVERS)


def test_what_is_too_long_to_be_read_in_seconds_is_refused() -> None:
    """The sentence has the limit."""
    with pytest.raises(UnreadableError, match="longer than 100,000 characters"):
        yaml.parse("#" * (yaml.LARGEST + 1), SERVERS)


def test_what_has_no_name_is_kept() -> None:
    """Continue fetches such a server from elsewhere."""
    assert yaml.parse("mcpServers: [{uses: a/b}, {name: c, x: 1}, 3]", SERVERS) == {
        SERVERS: {yaml.WITHOUT_NAME: [{"uses": "a/b"}, 3], "c": {"x": 1}}
    }


def test_what_is_written_is_read_by_another_parser_in_the_same_way() -> None:
    """Words that YAML takes for something else are put into quotes."""
    entry = {"command": "on", "args": ["1", "null", "a: b", "- c", "#d", "é", "x" * 200]}
    written = yaml.put("", SERVERS, "errtrack", entry)
    assert library.safe_load(written) == {SERVERS: [{"name": "errtrack", **entry}]}
    assert written.count("\n") == 11
