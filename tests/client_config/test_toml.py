"""One entry put into a TOML file, and taken out again."""

import pytest

from errtrack_mcp.client_config import toml
from errtrack_mcp.client_config.jsonc import UnreadableError

BEFORE = '# mine\nmodel = "x" # keep\n\n[mcp_servers.other]\ncommand = "other"\n'
ENTRY = {"command": "errtrack-mcp", "args": ["serve"], "env": {"A": "b"}}


@pytest.mark.parametrize("text", [BEFORE, BEFORE.replace("\n", "\r\n"), "", "a = 1"])
def test_an_entry_is_added_and_all_else_stays(text: str) -> None:
    """Comments, order and line ends are as they were, and taking the entry out gives the same values back."""
    written = toml.put(text, "mcp_servers", "errtrack", ENTRY)
    assert toml.parse(written)["mcp_servers"]["errtrack"] == ENTRY
    assert all(line in written.splitlines() for line in text.splitlines())
    assert ("\r\n" in written) == ("\r\n" in text)
    assert toml.parse(toml.take(written, "mcp_servers", "errtrack")) == toml.parse(text)


def test_only_what_differs_changes() -> None:
    """A comment inside an entry that is there already is kept."""
    before = '[mcp_servers.errtrack]\ncommand = "errtrack-mcp" # here\nargs = ["old"]\nextra = 1\n'
    written = toml.put(before, "mcp_servers", "errtrack", {"command": "errtrack-mcp", "args": ["serve"]})
    assert 'command = "errtrack-mcp" # here' in written
    assert toml.parse(written)["mcp_servers"]["errtrack"] == {"command": "errtrack-mcp", "args": ["serve"]}


def test_variables_stay_in_the_form_that_they_had() -> None:
    """In one line, as they are written; or in a table of their own, with its comment."""
    renewed = {**ENTRY, "env": {"A": "b", "C": "d"}}
    in_one_line = toml.put(toml.put("", "mcp_servers", "errtrack", ENTRY), "mcp_servers", "errtrack", renewed)
    assert in_one_line == toml.put("", "mcp_servers", "errtrack", renewed)
    apart = '[mcp_servers.errtrack]\ncommand = "old"\n\n[mcp_servers.errtrack.env]\nA = "b" # mine\nZ = "z"\n'
    written = toml.put(apart, "mcp_servers", "errtrack", renewed)
    assert 'A = "b" # mine' in written
    assert toml.parse(written)["mcp_servers"]["errtrack"] == renewed


def test_what_is_no_table_is_left_alone() -> None:
    """A file that says something else by that name is not guessed at."""
    with pytest.raises(UnreadableError, match="is no table"):
        toml.put("mcp_servers = 3", "mcp_servers", "errtrack", ENTRY)
    with pytest.raises(UnreadableError):
        toml.parse("= 3")


def test_two_kinds_of_line_ends_are_left_to_a_person() -> None:
    """They would become one, in lines that have nothing to do with the entry."""
    with pytest.raises(UnreadableError, match="end in CRLF and others in LF"):
        toml.put("a = 1\r\nb = 2\n", "mcp_servers", "errtrack", ENTRY)
