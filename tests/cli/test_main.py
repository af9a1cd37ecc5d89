"""The names of the commands."""

import click
import pytest

from errtrack_mcp.cli.main import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_each_name_leads_to_a_command_that_says_what_it_does(name: str) -> None:
    """It is imported only when it is asked for, so a misspelt module would not show before."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.get_short_help_str()


def test_any_other_name_is_no_command() -> None:
    """Neither is the name of a module."""
    context = click.Context(main)
    assert [main.get_command(context, name) for name in ("build_check", "options", "", "../serve")] == [None] * 4
    assert main.list_commands(context) == list(COMMANDS)
