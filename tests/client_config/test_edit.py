"""Each client's file: added to, left alone the second time, and given back byte for byte."""

import json
import stat
import sys
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.edit import Change, installing, uninstalling
from errtrack_mcp.client_config.entries import KEY, NAME, Client
from errtrack_mcp.client_config.paths import own_configuration

COMMAND = ["/opt/errtrack/bin/errtrack-mcp"]
SET = {KEY: "phx_never_written", "POSTHOG_HOST": "https://eu.posthog.com", "POSTHOG_PROJECT_ID": ""}
OTHERS_JSON = '{\n  "theme": "dark",\n  "%s": {\n    "other": {"command": "x"}\n  },\n  "last": [1, 2]\n}\n'
OTHERS_JSONC = (
    '// mine, {\n{\n\t"theme": "dark", // or "light"\n\t"%s": {\n\t\t"other": {"command": "x",}, /* }, */\n\t},\n}\n'
)
OTHERS_COMMENTED = (
    '// mine, {\n{\n\t"theme": "dark", // or "light"\n\t"%s": {\n\t\t"other": {"command": "x"} /* }, */\n\t}\n}\n'
)
OTHERS_TOML = """\
# mine
model = "x"   # kept

[%s.other]
command = "y"
args = [
  "a",  # first
]

[profiles.a]
model = 'z'
"""
OTHERS_YAML = """\
# mine
name: mine
theme: dark   # or "light"
%s:
    # the first
    - name: other
      command: x   # kept
      args:
      - "-a"
      env: {A: 'b'}
    - uses: somebody/else

models:
  - name: a
    apiKey: ${{ secrets.A }}
"""
EVERY_CLIENT = pytest.mark.parametrize("slug", CLIENTS)
EVERY_CLIENT_FROM_NOTHING = pytest.mark.parametrize(
    "slug", [slug for slug, client in CLIENTS.items() if not client.without_file]
)


def others(client: Client) -> list[bytes]:
    """Return files such as people have: with another server, without any, and as empty as they come."""
    if client.format == "toml":
        texts = [OTHERS_TOML % client.container, '# only this\nmodel = "x"', "", "\n", "[mcp_servers]\n"]
        texts += ["[mcp_servers.a]\nx = 1\n\n[z]\n\n[mcp_servers.b]\nx = 2\n", 'mcp_servers.a = {command = "x"}\n']
    elif client.format == "yaml":
        texts = [
            OTHERS_YAML.replace("%s", client.container),
            "",
            "\n",
            "# only this",
            f"a: 1\n{client.container}:\nb: 2\n",
        ]
        texts += [
            f"---\n{client.container}:\n- name: a\n  command: |\n    x\n\n\n# the end\n",
            "a: 1",
            "  a: 1\n  b: [\n  ]",
        ]
    else:
        texts = [OTHERS_JSON % client.container, '{"a": 1}', "", "{}", "{\n}\n", f'{{"{client.container}": {{ }}}}']
        commented = {"json": [], "commented json": [OTHERS_COMMENTED], "jsonc": [OTHERS_JSONC]}
        texts += [text % client.container for text in commented[client.format]]
    return [text.encode() for text in texts] + [texts[0].replace("\n", "\r\n").encode()]


def install(slug: str, environ: dict[str, str] | None = None) -> Change:
    """Add the server to a client's own file."""
    client = CLIENTS[slug]
    change = installing(client, own_configuration(client.name), client.entry(COMMAND, environ or SET))
    change.apply()
    return change


def uninstall(slug: str) -> Change:
    """Take it out again."""
    change = uninstalling(CLIENTS[slug], own_configuration(CLIENTS[slug].name))
    change.apply()
    return change


def entry(slug: str) -> Any:
    """Read the entry as the client would."""
    text = own_configuration(CLIENTS[slug].name).read_text()
    if CLIENTS[slug].format == "yaml":
        [found] = [server for server in yaml.safe_load(text)[CLIENTS[slug].container] if server.get("name") == NAME]
        return {name: value for name, value in found.items() if name != "name"}
    parsed = tomllib.loads(text) if slug == "codex" else json.loads(text)
    return parsed[CLIENTS[slug].container][NAME]


def with_variables(client: Client, entry: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Return an entry whose environment is `variables`."""
    inner = {**(entry[client.inside] if client.inside else entry), client.variables: variables}
    return {**entry, client.inside: inner} if client.inside else inner


def held(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_kept(original: bytes, changed: bytes) -> bool:
    """Return whether everything but blanks is still there in its order, and lines end as they did."""
    characters = iter(changed)
    ends = changed.count(b"\r\n") == changed.count(b"\n") if b"\r\n" in original else b"\r" not in changed
    return ends and all(character in characters for character in original if not chr(character).isspace())


@EVERY_CLIENT
def test_a_file_is_given_back_byte_for_byte(slug: str, home: Path) -> None:
    """Installed, installed again without a change, and uninstalled: nothing is left, not even the backup."""
    path = own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    for original in others(CLIENTS[slug]):
        path.write_bytes(original)
        before = held(home)
        change = install(slug)
        assert change.backup.read_bytes() == original
        installed = held(home)
        assert is_kept(original, path.read_bytes())
        again = install(slug)
        assert again.before == again.after
        assert held(home) == installed
        uninstall(slug)
        assert held(home) == before


@EVERY_CLIENT_FROM_NOTHING
def test_a_file_that_was_not_there_is_gone_again(slug: str, home: Path) -> None:
    """It is made with what its folder needs, readable by its owner alone, and removed."""
    path = own_configuration(CLIENTS[slug].name)
    install(slug)
    assert entry(slug) == CLIENTS[slug].entry(COMMAND, SET)
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600
    uninstall(slug)
    assert held(home) == {}


@EVERY_CLIENT
def test_what_was_changed_since_stays(slug: str, home: Path) -> None:
    """Only the entry goes; the file as it was then is kept next to it."""
    path = own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(others(CLIENTS[slug])[0])
    install(slug)
    path.write_bytes(path.read_bytes().replace(b"dark", b"light").replace(b"'z'", b"'new'"))
    changed = path.read_bytes()
    change = uninstall(slug)
    original = others(CLIENTS[slug])[0]
    assert path.read_bytes().strip() == original.replace(b"dark", b"light").replace(b"'z'", b"'new'").strip()
    assert change.backup.read_bytes() == changed
    assert set(held(home)) == {str(change.path.relative_to(home)), str(change.backup.relative_to(home))}


def keyed(client: Client) -> dict[str, Any]:
    """Return an entry with a key that a person put there."""
    return with_variables(client, client.entry(["/old", "serve"], {}) | {"timeout": 5}, {KEY: "phx_own", "MINE": "1"})


@EVERY_CLIENT_FROM_NOTHING
def test_an_entry_that_is_there_is_renewed_and_given_back(slug: str, home: Path) -> None:
    """The command is the new one; the key and the arguments of a person stay. Uninstalled, all is as it was."""
    client, path = CLIENTS[slug], own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    installing(client, path, keyed(client)).apply()
    before = held(home)
    install(slug)
    variables = {KEY: "phx_own", "MINE": "1", "POSTHOG_HOST": "https://eu.posthog.com"}
    assert entry(slug) == with_variables(client, client.entry([*COMMAND, "serve"], {}) | {"timeout": 5}, variables)
    install(slug, {"POSTHOG_PROJECT_ID": "7"})
    assert uninstall(slug).given_back
    assert held(home) == before
    assert not uninstall(slug).given_back
    assert not path.exists() or NAME not in path.read_text()


@EVERY_CLIENT
def test_an_entry_of_a_person_is_given_back_into_a_file_that_has_changed(slug: str, home: Path) -> None:  # noqa: ARG001
    """What else has been changed since stays."""
    client, path = CLIENTS[slug], own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(others(client)[0])
    installing(client, path, keyed(client)).apply()
    path.with_name(path.name + ".before-errtrack").unlink()
    install(slug)
    path.write_bytes(path.read_bytes().replace(b"dark", b"light").replace(b"'z'", b"'new'"))
    assert uninstall(slug).given_back
    assert entry(slug) == keyed(client)
    assert b"light" in path.read_bytes() or b"'new'" in path.read_bytes()
    assert not uninstall(slug).given_back
    assert NAME not in path.read_text()


@EVERY_CLIENT_FROM_NOTHING
def test_of_an_entry_that_install_wrote_and_renewed_nothing_is_left(slug: str, home: Path) -> None:
    """Into no file, and into one of a person, whatever else has changed before it was renewed."""
    client, path = CLIENTS[slug], own_configuration(CLIENTS[slug].name)
    install(slug)
    install(slug, {"POSTHOG_PROJECT_ID": "7"})
    uninstall(slug)
    assert held(home) == {}
    path.write_bytes(others(client)[0])
    install(slug)
    path.write_bytes(path.read_bytes().replace(b"dark", b"light").replace(b"'z'", b"'new'"))
    install(slug, {"POSTHOG_PROJECT_ID": "7"})
    assert not uninstall(slug).given_back
    assert NAME not in path.read_text()
    assert b"light" in path.read_bytes() or b"'new'" in path.read_bytes()


def test_a_client_that_does_more_without_a_file_gets_none(home: Path) -> None:
    """Continue takes its models from elsewhere as long as it has no configuration of its own."""
    with pytest.raises(RefusedError, match=r"is not there\. Start Continue, choose"):
        install("continue")
    assert held(home) == {}
    assert uninstall("continue").after is None


def test_a_backup_that_cannot_be_read_is_replaced(home: Path) -> None:
    """A renewed entry still has one."""
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    installing(CLIENTS["cursor"], path, keyed(CLIENTS["cursor"])).apply()
    before = path.read_bytes()
    backup = path.with_name("mcp.json.before-errtrack")
    backup.write_bytes(b"\xff{")
    install("cursor")
    assert backup.read_bytes() == before


@EVERY_CLIENT
@pytest.mark.parametrize("broken", [b'{"mcpServers": {', b"\xff\xfe{", b"[1, 2]", b"= ="])
def test_a_broken_file_is_refused(slug: str, broken: bytes, home: Path) -> None:
    """It is left as it is, without a backup, and the sentence names it."""
    path = own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(broken)
    for attempt in (install, uninstall):
        with pytest.raises(RefusedError, match=r"left as it (is|was)") as refused:
            attempt(slug)
        assert str(path) in str(refused.value)
    assert list(held(home).values()) == [broken]


@EVERY_CLIENT
def test_servers_that_are_none_are_refused(slug: str, home: Path) -> None:
    """A list where the client expects an object is not written over."""
    path = own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = CLIENTS[slug].container
    none = {"toml": f"{name} = []", "yaml": f"{name}: 3"}.get(CLIENTS[slug].format, f'{{"{name}": []}}')
    path.write_text(none)
    before = held(home)
    with pytest.raises(RefusedError, match=r"(?i)fix it"):
        install(slug)
    assert held(home) == before


def test_what_cannot_be_changed_alone_is_refused(home: Path) -> None:
    """An entry that stands there twice would still be there; both are left to the person who wrote them."""
    path = home / ".claude.json"
    twice = f'{{"mcpServers": {{"{NAME}": {{"command": "a"}}, "{NAME}": {{"command": "b"}}}}}}'
    path.write_text(twice)
    with pytest.raises(RefusedError, match="edit it by hand"):
        uninstall("claude-code")
    assert path.read_text() == twice


@pytest.mark.parametrize(
    ("attempt", "slug", "text", "refused"),
    [
        (install, "continue", "x: &a [*a]\nname: b\n", True),
        (install, "continue", "a: 1\n...\n", True),
        (install, "continue", "{name: x, mcpServers: [{name: errtrack, command: x}]}", True),
        (uninstall, "continue", "{name: x, mcpServers: [{name: errtrack, command: x}]}", True),
        (uninstall, "continue", "mcpServers: [{name: a}, {name: errtrack, command: x}]\n", True),
        (uninstall, "codex", '[mcp_servers]\nerrtrack = "x"\n', False),
    ],
)
def test_what_can_be_read_and_not_changed_is_left_in_words(
    attempt: Callable[[str], Change],
    slug: str,
    text: str,
    refused: bool,  # noqa: FBT001
    home: Path,  # noqa: ARG001
) -> None:
    """What holds itself, what has ended, what is written in brackets; a server that is no table can be taken out."""
    path = own_configuration(CLIENTS[slug].name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(RefusedError, match="by hand") if refused else nullcontext():
        attempt(slug)
    assert not refused or path.read_text() == text


def test_comments_are_refused_where_the_client_reads_none(home: Path) -> None:
    """Claude Code would not read the file at all; it is not made to look as if all were well."""
    (home / ".claude.json").write_text('{"a": 1, // c\n}')
    with pytest.raises(RefusedError, match="could not be read as JSON"):
        install("claude-code")


def test_a_trailing_comma_is_refused_where_the_client_reads_none(home: Path) -> None:
    """Gemini CLI reads comments, and ignores a whole file for one comma."""
    path = home / ".gemini" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"a": 1, // c\n}')
    with pytest.raises(RefusedError, match="could not be read as JSON"):
        install("gemini")
    path.write_text('{"a": 1 // c\n}')
    assert install("gemini").after


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are those of POSIX")
def test_a_link_stays_a_link_and_permissions_stay(home: Path) -> None:
    """Who keeps their settings elsewhere still does; the backup is no more readable than the file."""
    kept = home / "dotfiles" / "mcp.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    kept.chmod(0o640)
    link = home / ".cursor" / "mcp.json"
    link.parent.mkdir()
    link.symlink_to(Path("..") / "dotfiles" / "mcp.json")
    change = install("cursor")
    assert link.is_symlink()
    assert link.readlink() == Path("..") / "dotfiles" / "mcp.json"
    assert NAME in kept.read_text()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, change.backup)] == [0o640, 0o640]
    uninstall("cursor")
    assert link.is_symlink()
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ("{}", 0o640)


def test_a_file_that_another_has_written_meanwhile_is_not_written_over(home: Path) -> None:
    """A client that runs writes its own file; between the question and the answer it may have."""
    path = home / ".claude.json"
    path.write_text("{}")
    client = CLIENTS["claude-code"]
    change = installing(client, path, client.entry(COMMAND, {}))
    path.write_text('{"newer": 1}')
    with pytest.raises(RefusedError, match="changed meanwhile"):
        change.apply()
    assert path.read_text() == '{"newer": 1}'


def test_a_place_that_cannot_be_one_is_said_so(home: Path) -> None:
    """The sentence has the system's reason."""
    (home / ".cursor").write_text("a file where a folder should be")
    with pytest.raises(RefusedError, match="Not a directory"):
        install("cursor")
