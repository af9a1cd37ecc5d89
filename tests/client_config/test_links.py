"""Links are read back as the clients read them."""

import base64
import json
from urllib.parse import parse_qs, unquote, urlsplit

from errtrack_mcp.client_config.links import link_to_address, link_to_program

URL = "https://mcp.example.com/mcp"


def cursor(link: str) -> object:
    """Read what Cursor would add, by the name in the link."""
    fields = parse_qs(urlsplit(link).query, strict_parsing=True)
    assert fields["name"] == ["errtrack"]
    return json.loads(base64.b64decode(fields["config"][0], validate=True))


def vscode(link: str) -> object:
    """Read what VS Code would be opened with."""
    (opened,) = parse_qs(urlsplit(link).query, strict_parsing=True)["url"]
    assert opened.startswith("vscode:mcp/install?")
    return json.loads(unquote(opened.partition("?")[2]))


def test_a_link_starts_the_program_with_nothing_of_this_machine() -> None:
    """No full path, and no reference to a key: after a login none is needed."""
    assert cursor(link_to_program("cursor")) == {"command": "errtrack-mcp", "args": []}
    started = {"name": "errtrack", "type": "stdio", "command": "errtrack-mcp", "args": []}
    assert vscode(link_to_program("vscode")) == started


def test_a_link_leads_to_a_server_at_an_address() -> None:
    """Any sign that base64 or JSON knows survives the way through a link."""
    for url in (URL, "https://mcp.example.com/~?>+/mcp", "https://bücher.example/mcp"):
        assert cursor(link_to_address("cursor", url, send_key=False)) == {"url": url}
        assert vscode(link_to_address("vscode", url, send_key=False)) == {
            "name": "errtrack",
            "type": "http",
            "url": url,
        }


def test_a_key_is_referred_to_in_cursor_and_asked_for_by_vs_code() -> None:
    """VS Code keeps what it has asked for, as a password."""
    reference = {"Authorization": "Bearer ${env:POSTHOG_PERSONAL_API_KEY}"}
    assert cursor(link_to_address("cursor", URL, send_key=True)) == {"url": URL, "headers": reference}
    opened = vscode(link_to_address("vscode", URL, send_key=True))
    assert isinstance(opened, dict)
    (asked,) = opened["inputs"]
    assert (asked["type"], asked["password"]) == ("promptString", True)
    assert opened["headers"] == {"Authorization": f"Bearer ${{input:{asked['id']}}}"}
