"""Command lines of vendors that connect without a model; their versions are in vendors/package.json."""

import json
import re
from dataclasses import replace

from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from tests.support.installed import COMMAND
from tests.support.vendors import Person, program

TOOLS = {tool.name for tools in [*TOOLSETS.values(), *LOCAL_TOOLSETS.values()] for tool in tools}
TRUSTED = {"GEMINI_CLI_TRUST_WORKSPACE": "true"}


def test_claude_code_connects(person: Person) -> None:
    """It starts what `install` wrote. Without the key it names the variable, and still starts the server."""
    person.install("claude-code")
    shown = person.use("claude", "mcp", "list")
    assert re.search(r"errtrack: .* Connected", shown)
    assert "Missing environment variables" not in shown
    keyless = replace(person, variables={})
    without_key = keyless.use("claude", "mcp", "list")
    assert "Missing environment variables: POSTHOG_PERSONAL_API_KEY" in without_key
    assert re.search(r"errtrack: .* Connected", without_key)


def test_gemini_cli_connects_in_a_folder_that_it_trusts(person: Person) -> None:
    """In another folder the entry is off, as `install` says."""
    person.install("gemini")
    assert re.search(r"errtrack: .* Disabled", person.use("gemini", "mcp", "list"))
    assert re.search(r"errtrack: .* Connected", person.use("gemini", "mcp", "list", **TRUSTED))


def test_gemini_cli_reads_the_file_below_its_own_home(person: Person) -> None:
    """GEMINI_CLI_HOME moves the file, for it and for `install`."""
    moved = {"GEMINI_CLI_HOME": str(person.here)}
    person.install("gemini", **moved)
    assert re.search(r"errtrack: .* Connected", person.use("gemini", "mcp", "list", **TRUSTED, **moved))
    assert not (person.home / ".gemini" / "settings.json").exists()


def test_gemini_cli_reads_no_trailing_comma(person: Person) -> None:
    """A comment does no harm; for one comma `install` refuses a file that Gemini CLI refuses too."""
    person.install("gemini")
    settings = person.home / ".gemini" / "settings.json"
    written = settings.read_text()
    settings.write_text("// mine\n" + written)
    assert re.search(r"errtrack: .* Connected", person.use("gemini", "mcp", "list", **TRUSTED))
    settings.write_text(written.rstrip().removesuffix("}").rstrip() + ",\n}\n")
    assert "Connected" not in person.run(*program("gemini"), "mcp", "list", **TRUSTED).stdout
    refused = person.run(COMMAND, "install", "gemini", "--yes")
    assert (refused.returncode, "could not be read as JSON" in refused.stderr) == (1, True)


def test_qwen_code_connects(person: Person) -> None:
    """It reads a comment, and the file below its own home; for a trailing comma it does not start at all."""
    person.install("qwen")
    settings = person.home / ".qwen" / "settings.json"
    written = settings.read_text()
    settings.write_text("// mine\n" + written)
    assert re.search(r"errtrack: .* Connected", person.use("qwen", "mcp", "list"))
    settings.write_text(written.rstrip().removesuffix("}").rstrip() + ",\n}\n")
    assert person.run(*program("qwen"), "mcp", "list").returncode != 0
    moved = {"QWEN_HOME": str(person.here)}
    person.install("qwen", **moved)
    assert re.search(r"errtrack: .* Connected", person.use("qwen", "mcp", "list", **moved))


def test_opencode_connects(person: Person) -> None:
    """Of its two files `install` takes the one that wins there."""
    person.install("opencode")
    folder = person.home / ".config" / "opencode"
    assert re.search(r"✓ errtrack .*connected", person.use("opencode", "mcp", "list"))
    (folder / "opencode.jsonc").write_text(
        '{"mcp": {"errtrack": {"type": "local", "command": ["/nowhere"],},},} // mine'
    )
    assert not re.search(r"✓ errtrack .*connected", person.use("opencode", "mcp", "list"))
    person.install("opencode")
    assert re.search(r"✓ errtrack .*connected", person.use("opencode", "mcp", "list"))


def test_codex_lists_calls_and_previews(person: Person) -> None:
    """Through its app server it lists every tool, hands the key over, and gets a preview that deletes nothing."""
    person.install("codex")
    with person.session("codex", "app-server") as session:
        session.request("initialize", {"clientInfo": {"name": "test", "title": "test", "version": "0"}})
        session.send("initialized")
        (server,) = session.request("mcpServerStatus/list", {})["data"]
        thread = session.request("thread/start", {})["thread"]["id"]

        def call(tool: str, **arguments: str) -> dict[str, object]:
            wanted = {"threadId": thread, "server": "errtrack", "tool": tool, "arguments": arguments}
            answered: dict[str, object] = session.request("mcpServer/tool/call", wanted)["structuredContent"]
            return answered

        preview = call("error-tracking-releases-destroy", id=release_id(0))
        release = call("error-tracking-releases-retrieve", id=release_id(0))
        assert session.close() == 0
    assert server["name"] == "errtrack"
    assert set(server["tools"]) == TOOLS
    assert preview["deleted"] is False
    assert release["id"] == release_id(0)


def test_copilot_cli_reads_what_was_written(person: Person) -> None:
    """Below its own home too, and with comments and trailing commas; what it lists it does not connect to."""
    for variables in ({}, {"COPILOT_HOME": str(person.here)}):
        person.install("copilot", **variables)
        shown = json.loads(person.use("copilot", "mcp", "get", "errtrack", "--json", **variables))["errtrack"]
        assert (shown["type"], shown["command"], shown["tools"]) == ("local", COMMAND, ["*"])
    path = person.home / ".copilot" / "mcp-config.json"
    path.write_text("// mine\n" + path.read_text().rstrip().removesuffix("}").rstrip() + ",\n}\n")
    assert "errtrack (local)" in person.use("copilot", "mcp", "list")


def test_cline_reads_what_was_written(person: Person) -> None:
    """It lists the entry without connecting, and reads neither comments nor trailing commas."""
    person.install("cline")
    assert "errtrack [stdio]" in person.use("cline", "config", "mcp")
    path = person.home / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    path.write_text("// mine\n" + path.read_text())
    assert person.run(*program("cline"), "config", "mcp").returncode != 0
    assert person.run(COMMAND, "install", "cline", "--yes").returncode == 1
