"""What is shown of a change, and what might be a secret and is not."""

import difflib

import pytest

from errtrack_mcp.cli.install_difference import hide_secrets, without_secrets


@pytest.mark.parametrize(
    "line",
    [
        '"env": {"API_TOKEN": "SECRET"},',
        '"args": ["--api-key", "SECRET"],',
        '"args": ["--token=SECRET"]',
        '"-H", "X-API-Key:SECRET"',
        '"x-api-key: SECRET"',
        '"Authorization": "Bearer SECRET"',
        '"Authorization: Basic SECRET"',
        '"password": "$abSECRET"',
        '"DB_PASS": "SECRET"',
        '"X": "ghp_SECRET_SECRET"',
        '"X": "github_pat_SECRET"',
        '"url": "https://user:SECRET@host/mcp"',
        "API_KEY: SECRET and more SECRET",
        "'MY_KEY': 'it is a SECRET'",
        'api_key = """SECRET"""',
        '"MY_KEY": "SECRET',
    ],
)
def test_a_secret_is_not_shown(line: str) -> None:
    """By its name, or by what it looks like."""
    assert "SECRET" not in hide_secrets(line)


@pytest.mark.parametrize(
    "line",
    [
        '"Authorization": "Bearer ${POSTHOG_PERSONAL_API_KEY}"',
        '"POSTHOG_PERSONAL_API_KEY": "{env:POSTHOG_PERSONAL_API_KEY}"',
        '"POSTHOG_PERSONAL_API_KEY": "$POSTHOG_PERSONAL_API_KEY"',
        "POSTHOG_PERSONAL_API_KEY: ${{ secrets.POSTHOG_PERSONAL_API_KEY }}",
        'bearer_token_env_var = "POSTHOG_PERSONAL_API_KEY"',
        '"command": "/opt/path/bin/errtrack-mcp",',
        '"POSTHOG_HOST": "https://eu.posthog.com"',
    ],
)
def test_what_this_command_writes_is_shown(line: str) -> None:
    """A person sees that no key is written, only a reference to one."""
    assert hide_secrets(line) == line


def test_of_what_stays_only_names_and_brackets_are_shown() -> None:
    """Also of a line that only gets a comma; whatever the values look like."""
    before = ["{", '  "mcpServers": {', '    "a": {', '      "x": "SECRET1"', "    }", "  },", '  "last": SECRET2', "}"]
    after = [*before[:4], "    },", '    "errtrack": {}', *before[5:6], '  "last": SECRET2,', *before[7:]]
    shown = without_secrets(list(difflib.unified_diff(before, after, "a", "b", lineterm="")))
    assert "SECRET" not in "".join(shown)
    assert [line for line in shown if line[0] in "+-"][2:] == [
        "-    }",
        "+    },",
        '+    "errtrack": {}',
        "-  ...",
        "+  ...",
    ]
    assert '     "a": {' in shown


@pytest.mark.parametrize(
    "line",
    ["- SECRET", "SECRET", '"SECRET",', "a: SECRET", "# SECRET: a", "a: {b: SECRET}", "&x", '["SECRET"]', "[abc]"],
)
def test_a_line_that_is_not_known_as_harmless_is_not_shown(line: str) -> None:
    """A block of text, an item of a list, a comment."""
    assert without_secrets(["---", "+++", f"   {line}"])[2] == "   ..."
