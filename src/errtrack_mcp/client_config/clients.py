"""How each client writes down a server, and how it refers to a key that stays in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NAME = "errtrack"
KEY = "POSTHOG_PERSONAL_API_KEY"

# What says which project and what is offered is no secret, and written out as it is set where install runs.
WRITTEN_OUT = (
    "POSTHOG_HOST",
    "POSTHOG_PROJECT_ID",
    "POSTHOG_ENVIRONMENT_ID",
    "ERRTRACK_READ_ONLY",
    "ERRTRACK_TOOLSETS",
    "ERRTRACK_TOOLS",
    "ERRTRACK_EXCLUDE_TOOLS",
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client: its name in `places`, the object that holds its servers, and its manner of writing.

    `reference` is the value of an environment variable that stands for the key; "" where the client knows none.
    `about_key` says to a person where the key has to be, and `note` when the client ignores the entry.
    A file in "commented json" may hold comments, and no trailing commas; one in "jsonc" both.
    """

    name: str
    container: str
    format: Literal["json", "commented json", "jsonc", "toml"]
    about_key: str
    reference: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def entry(self, command: list[str], environ: Mapping[str, str], *, logged_in: bool = False) -> dict[str, Any]:
        """Return how this client starts `command`, a program with its arguments.

        Never holds a key; where the user is logged in, it does not refer to one either.
        """
        made: dict[str, Any] = {**self.fields, "command": command[0], "args": command[1:]}
        variables = {name: environ[name] for name in WRITTEN_OUT if environ.get(name)}
        if self.format == "toml" and not logged_in:
            made["env_vars"] = [KEY]
        if self.reference and not logged_in:
            variables = {KEY: self.reference} | variables
        return made | ({"env": variables} if variables else {})

    def renewed(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry that is already there with ours over it.

        What a person added stays: arguments, other fields, and a key of their own. Where ours refers to no key, as
        after a login, a reference of ours goes: some clients refuse an entry whose variable is not set.
        """
        merged = {**present, **entry, "args": present.get("args", entry["args"])}
        if isinstance(held := present.get("env"), dict):
            kept = {KEY: held[KEY]} if KEY in held else {}
            merged["env"] = held | entry.get("env", {}) | kept
            if KEY not in entry.get("env", {}) and self.reference and held.get(KEY) == self.reference:
                del merged["env"][KEY]
        if isinstance(named := present.get("env_vars"), list) and KEY in named:
            merged["env_vars"] = named if "env_vars" in entry else [name for name in named if name != KEY]
        return {name: value for name, value in merged.items() if value or name not in {"env", "env_vars"}}


_SET = f"Set {KEY} where {{0}} is started from"
_NO_REFERENCE = f'{{0}} cannot refer to the environment: put {KEY} under "env" in the entry yourself'

CLIENTS: Mapping[str, Client] = {
    "claude-code": Client(
        "Claude Code",
        "mcpServers",
        "json",
        _SET.format("Claude Code") + ", and start it again.",
        f"${{{KEY}}}",
        {"type": "stdio"},
    ),
    "claude-desktop": Client(
        "Claude Desktop",
        "mcpServers",
        "json",
        _NO_REFERENCE.format("Claude Desktop")
        + ", see that nobody else can read the file, and quit and start it again.",
    ),
    "cursor": Client(
        "Cursor", "mcpServers", "jsonc", _SET.format("Cursor") + ", and start it again.", f"${{env:{KEY}}}"
    ),
    "vscode": Client(
        "VS Code",
        "servers",
        "jsonc",
        _SET.format("VS Code") + ', and run "MCP: List Servers" there to start this one.',
        f"${{env:{KEY}}}",
        {"type": "stdio"},
    ),
    "windsurf": Client(
        "Windsurf",
        "mcpServers",
        "jsonc",
        _SET.format("Windsurf") + ", start it again, and refresh its list of MCP servers.",
        f"${{env:{KEY}}}",
    ),
    "zed": Client(
        "Zed",
        "context_servers",
        "jsonc",
        _NO_REFERENCE.format("Zed") + f", or start Zed from a shell in which {KEY} is set.",
    ),
    "codex": Client(
        "Codex",
        "mcp_servers",
        "toml",
        _SET.format("Codex") + "; the entry lets it through to this server.",
    ),
    "gemini": Client(
        "Gemini CLI",
        "mcpServers",
        "commented json",
        _SET.format("Gemini CLI") + ", and start it again.",
        f"${KEY}",
        note="In a folder that Gemini CLI does not trust the entry is off; there, type: /permissions trust",
    ),
    "jetbrains": Client(
        "JetBrains",
        "mcpServers",
        "jsonc",
        _NO_REFERENCE.format("Junie")
        + ". AI Assistant reads no file: paste the entry under Settings | Tools | AI Assistant | MCP.",
    ),
}
