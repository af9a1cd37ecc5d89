"""What is written down for each client: how it starts the server, and where it gets the key from."""

from typing import Any

import pytest

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.entries import KEY, Client

COMMAND = ["/opt/errtrack/bin/errtrack-mcp", "serve"]
ENVIRON = {
    KEY: "phx_never_written",
    "POSTHOG_HOST": "https://eu.posthog.com",
    "POSTHOG_PROJECT_ID": "",
    "ERRTRACK_REDIS_URL": "redis://:secret@localhost",
}
REFERENCES = {
    "claude-code": "${POSTHOG_PERSONAL_API_KEY}",
    **dict.fromkeys(("gemini", "qwen"), "$POSTHOG_PERSONAL_API_KEY"),
    "copilot": "${POSTHOG_PERSONAL_API_KEY}",
    "opencode": "{env:POSTHOG_PERSONAL_API_KEY}",
    "continue": "${{ secrets.POSTHOG_PERSONAL_API_KEY }}",
    **dict.fromkeys(("cursor", "vscode", "windsurf"), "${env:POSTHOG_PERSONAL_API_KEY}"),
}


def starting(client: Client) -> dict[str, Any]:
    """Return the part of a client's entry that starts the server."""
    entry = client.entry(COMMAND, ENVIRON)
    return dict(entry[client.inside]) if client.inside else entry


@pytest.mark.parametrize("slug", CLIENTS)
def test_the_key_is_only_referred_to(slug: str) -> None:
    """No entry holds it; a client that can refer to the environment does so in its own syntax."""
    entry = starting(CLIENTS[slug])
    program = [entry["command"], *entry["args"]] if "args" in entry else entry["command"]
    assert program == COMMAND
    assert entry["environment" if slug == "opencode" else "env"] == {
        **({KEY: REFERENCES[slug]} if slug in REFERENCES else {}),
        "POSTHOG_HOST": "https://eu.posthog.com",
    }
    assert entry.get("env_vars") == ([KEY] if slug == "codex" else None)
    assert KEY in CLIENTS[slug].about_key


def test_where_there_is_nothing_to_say_there_is_no_environment() -> None:
    """A client that cannot refer to it gets an entry without one."""
    assert CLIENTS["zed"].entry(COMMAND[:1], {}) == {"command": COMMAND[0], "args": []}


@pytest.mark.parametrize(("names", "kept"), [(["PATH", KEY], ["PATH", KEY]), (["PATH"], [KEY]), ("PATH", [KEY])])
def test_variables_that_a_person_let_through_stay_with_the_key(names: object, kept: list[str]) -> None:
    """A list without the key would start the server without it."""
    codex = CLIENTS["codex"]
    assert codex.renewed({"env_vars": names}, codex.entry(COMMAND, {}))["env_vars"] == kept


@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
def test_after_a_login_no_entry_refers_to_a_key(client: Client) -> None:
    """A new one does not, one that is renewed loses ours, and a key that a person put there stays."""
    environ = {"POSTHOG_HOST": "https://eu.posthog.com"}
    before = client.entry(["errtrack-mcp"], environ)
    after = client.entry(["errtrack-mcp"], environ, logged_in=True)
    assert KEY not in str(after)
    assert client.renewed(before, after) == after
    assert client.renewed(client.entry(["errtrack-mcp"], {}), client.entry(["errtrack-mcp"], {}, logged_in=True)) == (
        client.entry(["errtrack-mcp"], {}, logged_in=True)
    )
    own = {client.variables: {KEY: "phx_of_a_person"}}
    kept = client.renewed({client.inside: own} if client.inside else own, after)
    assert (kept[client.inside] if client.inside else kept)[client.variables][KEY] == "phx_of_a_person"


def test_arguments_of_a_person_stay_in_a_command_that_is_one_list() -> None:
    """The program is the new one; a command that is none is replaced."""
    client = CLIENTS["opencode"]
    entry = client.entry(["/new"], {})
    assert client.renewed({"command": ["/old", "serve"], "enabled": False}, entry) == {
        **entry,
        "command": ["/new", "serve"],
        "enabled": False,
    }
    assert client.renewed({"command": "/old serve"}, entry) == entry
    assert client.renewed({"command": []}, entry) == entry


def test_what_stands_inside_an_entry_is_renewed_there() -> None:
    """Cline's command is below `transport`; what stands next to it stays."""
    client = CLIENTS["cline"]
    entry = client.entry(["/new"], {})
    before = {"disabled": True, "transport": {"type": "stdio", "command": "/old", "args": ["serve"], "cwd": "/x"}}
    after = {"disabled": True, "transport": {"type": "stdio", "command": "/new", "args": ["serve"], "cwd": "/x"}}
    assert client.renewed(before, entry) == after
    assert client.renewed({"transport": "stdio"}, entry) == entry


URL = "https://mcp.example.com/mcp"
AT_AN_ADDRESS: dict[str, dict[str, Any]] = {
    "claude-code": {"type": "http", "url": URL},
    "cursor": {"url": URL},
    "vscode": {"type": "http", "url": URL},
    "windsurf": {"serverUrl": URL},
    "zed": {"url": URL},
    "codex": {"url": URL},
    "gemini": {"type": "http", "url": URL},
    "opencode": {"type": "remote", "url": URL},
    "qwen": {"httpUrl": URL},
    "copilot": {"type": "http", "tools": ["*"], "url": URL},
    "cline": {"transport": {"type": "streamableHttp", "url": URL}},
    "continue": {"type": "streamable-http", "url": URL},
}
EVERY_REMOTE = pytest.mark.parametrize("slug", AT_AN_ADDRESS)


def test_other_clients_are_given_no_address() -> None:
    """They are refused in words."""
    others = [client for slug, client in CLIENTS.items() if slug not in AT_AN_ADDRESS]
    assert [client.name for client in others] == ["Claude Desktop", "JetBrains"]
    for client in others:
        with pytest.raises(RefusedError, match="cannot be given an address"):
            client.remote_entry(URL, send_key=False)


@EVERY_REMOTE
def test_a_server_at_an_address_is_written_as_the_client_reads_it(slug: str) -> None:
    """Nothing about a key, unless it is asked for: then a reference to its variable."""
    client = CLIENTS[slug]
    entry = client.remote_entry(URL, send_key=False)
    assert entry == AT_AN_ADDRESS[slug]
    if slug == "codex":
        assert client.remote_entry(URL, send_key=True) == entry | {"bearer_token_env_var": KEY}
    elif slug == "continue":
        assert client.remote_entry(URL, send_key=True) == entry | {"apiKey": REFERENCES[slug]}
    elif client.reference:
        headers = {"Authorization": f"Bearer {REFERENCES[slug]}"}
        assert client.remote_entry(URL, send_key=True) == entry | {"headers": headers}
    else:
        with pytest.raises(RefusedError, match="cannot refer to the environment"):
            client.remote_entry(URL, send_key=True)


@EVERY_REMOTE
def test_an_entry_of_the_other_kind_is_replaced(slug: str) -> None:
    """A program next to an address is one entry too many."""
    client = CLIENTS[slug]
    local, far = client.entry(COMMAND, ENVIRON), client.remote_entry(URL, send_key=False)
    assert client.renewed(local, far) == far
    assert client.renewed(far, local) == local


def test_an_address_is_renewed_with_what_a_person_added() -> None:
    """Their headers stay, a key of their own too; only our own reference goes when the client is to log in."""
    client = CLIENTS["claude-code"]
    log_in, with_key = (client.remote_entry(URL, send_key=send_key) for send_key in (False, True))
    own = {"type": "http", "url": "https://old/mcp", "timeout": 5, "headers": {"X-Posthog-Project-Id": "7"}}
    assert client.renewed(own, log_in) == log_in | {"timeout": 5, "headers": {"X-Posthog-Project-Id": "7"}}
    assert client.renewed(own, with_key)["headers"] == with_key["headers"] | own["headers"]
    assert client.renewed(with_key, log_in) == log_in
    keyed = {**own, "headers": {"Authorization": "Bearer phx_of_a_person"}}
    assert client.renewed(keyed, log_in)["headers"] == client.renewed(keyed, with_key)["headers"] == keyed["headers"]


@pytest.mark.parametrize(("slug", "field"), [("codex", "bearer_token_env_var"), ("continue", "apiKey")])
def test_the_key_is_named_only_when_it_is_to_be_sent(slug: str, field: str) -> None:
    """With it Codex does not log in; a variable or a key of a person's own stays."""
    client = CLIENTS[slug]
    log_in, with_key = (client.remote_entry(URL, send_key=send_key) for send_key in (False, True))
    assert client.renewed(with_key, log_in) == log_in
    assert client.renewed(log_in, with_key) == with_key
    own = {**log_in, field: "MINE"}
    assert client.renewed(own, log_in)[field] == "MINE"
    assert client.may_have_written(with_key)
    assert slug == "codex" or not client.may_have_written(own)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
def test_what_install_wrote_is_told_from_what_a_person_did(client: Client) -> None:
    """A key, a name of a program, a variable or a field that install never writes is a person's."""

    def changed(**fields: Any) -> dict[str, Any]:
        entry = client.entry(COMMAND, ENVIRON)
        return {client.inside: entry[client.inside] | fields} if client.inside else entry | fields

    assert client.may_have_written(client.entry(COMMAND, ENVIRON))
    assert client.may_have_written(client.entry(COMMAND, {}, logged_in=True))
    assert not client.may_have_written(changed(command=["errtrack-mcp"] if client.one_command else "errtrack-mcp"))
    assert not client.may_have_written(changed(command=None))
    assert not client.may_have_written(changed(timeout=5))
    assert not client.may_have_written(changed(**{client.variables: {KEY: "phx_own"}}))
    assert not client.may_have_written(changed(**{client.variables: {"MINE": "1"}}))
    assert not client.may_have_written(changed(**{client.variables: []}))


@EVERY_REMOTE
def test_an_address_that_install_wrote_is_told_from_another(slug: str) -> None:
    """A header of a person's own is theirs."""
    client = CLIENTS[slug]
    entry = client.remote_entry(URL, send_key=False)
    assert client.may_have_written(entry)
    inner = (entry[client.inside] if client.inside else entry) | {"headers": {"Authorization": "Bearer phx_own"}}
    assert not client.may_have_written({client.inside: inner} if client.inside else inner)
    assert not client.may_have_written({"transport": "sse"})
