"""Links that add this server to a client: whoever opens one is asked by the client, and gets an entry without a key."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.entries import NAME

PROGRAM = "errtrack-mcp"
_ASKED = "posthog_key"


def link_to_program(slug: str) -> str:
    """Return the link that starts the installed program, with the key of errtrack-mcp login. Raises LookupError.

    Nothing of this machine is in it: it is for everybody who has installed errtrack-mcp where their PATH leads.
    """
    return LINKS[slug](CLIENTS[slug].entry([PROGRAM], {}, logged_in=True))


def link_to_address(slug: str, url: str, *, send_key: bool) -> str:
    """Return the link that reaches the server at `url`: `Client.remote_entry`. Raises LookupError, RefusedError."""
    return LINKS[slug](CLIENTS[slug].remote_entry(url, send_key=send_key))


def _cursor(entry: dict[str, Any]) -> str:
    config = base64.b64encode(_dense(entry).encode()).decode()
    return f"https://cursor.com/en/install-mcp?name={NAME}&config={quote(config, safe='')}"


def _vscode(entry: dict[str, Any]) -> str:
    """VS Code asks for the key itself and keeps it; a reference to the environment would need it to be set there."""
    asked = {"type": "promptString", "id": _ASKED, "description": "PostHog personal API key", "password": True}
    whole = {"name": NAME, **entry}
    if "headers" in entry:
        whole |= {"headers": {"Authorization": f"Bearer ${{input:{_ASKED}}}"}, "inputs": [asked]}
    opened = f"vscode:mcp/install?{quote(_dense(whole), safe='')}"
    return f"https://insiders.vscode.dev/redirect?url={quote(opened, safe='')}"


def _dense(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


LINKS: Mapping[str, Callable[[dict[str, Any]], str]] = {"cursor": _cursor, "vscode": _vscode}
