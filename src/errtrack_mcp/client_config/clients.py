"""The clients that people use, each with its manner of writing down a server."""

from collections.abc import Mapping

from errtrack_mcp.client_config.entries import KEY, NAME, Client, Remote

_SET = f"Set {KEY} where {{0}} is started from"
_NO_REFERENCE = f'{{0}} cannot refer to the environment: put {KEY} under "env" in the entry yourself'

# For clients of which no login was seen here.
_WHEN_ASKED = "{0} asks you to log in when it connects."

CLIENTS: Mapping[str, Client] = {
    "claude-code": Client(
        "Claude Code",
        "mcpServers",
        "json",
        _SET.format("Claude Code") + ", and start it again.",
        f"${{{KEY}}}",
        {"type": "stdio"},
        remote=Remote(f"Log in: claude mcp login {NAME}", {"type": "http"}),
    ),
    "claude-desktop": Client(
        "Claude Desktop",
        "mcpServers",
        "json",
        _NO_REFERENCE.format("Claude Desktop")
        + ", see that nobody else can read the file, and quit and start it again.",
        remote="its file is for servers on this machine; add this one under Settings > Connectors",
    ),
    "cursor": Client(
        "Cursor",
        "mcpServers",
        "jsonc",
        _SET.format("Cursor") + ", and start it again.",
        f"${{env:{KEY}}}",
        remote=Remote(_WHEN_ASKED.format("Cursor")),
    ),
    "vscode": Client(
        "VS Code",
        "servers",
        "jsonc",
        _SET.format("VS Code") + ', and run "MCP: List Servers" there to start this one.',
        f"${{env:{KEY}}}",
        {"type": "stdio"},
        remote=Remote(_WHEN_ASKED.format("VS Code"), {"type": "http"}),
    ),
    "windsurf": Client(
        "Windsurf",
        "mcpServers",
        "jsonc",
        _SET.format("Windsurf") + ", start it again, and refresh its list of MCP servers.",
        f"${{env:{KEY}}}",
        remote=Remote(_WHEN_ASKED.format("Windsurf"), address="serverUrl"),
    ),
    "zed": Client(
        "Zed",
        "context_servers",
        "jsonc",
        _NO_REFERENCE.format("Zed") + f", or start Zed from a shell in which {KEY} is set.",
        remote=Remote(_WHEN_ASKED.format("Zed")),
    ),
    "codex": Client(
        "Codex",
        "mcp_servers",
        "toml",
        _SET.format("Codex")
        + "; the entry lets it through to this server. A daemon of Codex keeps the environment that it was started in: "
        "codex app-server daemon restart",
        note=f"codex exec does not wait for tools unless told to: codex exec -c mcp_servers.{NAME}.required=true",
        lets_through="env_vars",
        remote=Remote(f"Log in: codex mcp login {NAME}", key_variable="bearer_token_env_var"),
    ),
    "gemini": Client(
        "Gemini CLI",
        "mcpServers",
        "commented json",
        _SET.format("Gemini CLI") + ", and start it again.",
        f"${KEY}",
        note="In a folder that Gemini CLI does not trust the entry is off; there, type: /permissions trust",
        remote=Remote(f"Log in there: /mcp auth {NAME}", {"type": "http"}),
    ),
    "jetbrains": Client(
        "JetBrains",
        "mcpServers",
        "jsonc",
        _NO_REFERENCE.format("Junie") + ".",
        note="AI Assistant reads no file: paste the entry under Settings | Tools | AI Assistant | MCP.",
        remote="it starts servers on this machine alone",
    ),
    "opencode": Client(
        "opencode",
        "mcp",
        "jsonc",
        _SET.format("opencode") + ", and start it again.",
        f"{{env:{KEY}}}",
        {"type": "local"},
        variables="environment",
        one_command=True,
        remote=Remote(f"Log in: opencode mcp auth {NAME}", {"type": "remote"}),
    ),
    "qwen": Client(
        "Qwen Code",
        "mcpServers",
        "commented json",
        _SET.format("Qwen Code") + ", and start it again.",
        f"${KEY}",
        remote=Remote("Log in there: /mcp", address="httpUrl"),
    ),
    "copilot": Client(
        "Copilot CLI",
        "mcpServers",
        "jsonc",
        _SET.format("Copilot CLI") + ", and start it again.",
        f"${{{KEY}}}",
        {"type": "local", "tools": ["*"]},
        remote=Remote(_WHEN_ASKED.format("Copilot CLI"), {"type": "http", "tools": ["*"]}),
    ),
    "cline": Client(
        "Cline CLI",
        "mcpServers",
        "json",
        _SET.format("Cline CLI") + ", and start it again.",
        fields={"type": "stdio"},
        inside="transport",
        remote=Remote(_WHEN_ASKED.format("Cline CLI"), {"type": "streamableHttp"}),
    ),
    "continue": Client(
        "Continue",
        "mcpServers",
        "yaml",
        _SET.format("Continue") + ", and start it again.",
        f"${{{{ secrets.{KEY} }}}}",
        remote=Remote(_WHEN_ASKED.format("Continue"), {"type": "streamable-http"}, key_field="apiKey"),
        without_file="Start Continue, choose a model there, and run this again: with this server alone in it, a file "
        "would hide the models that Continue uses without one. Nothing was changed.",
    ),
}
