"""The bundle that Claude Desktop and others install, started as its manifest says."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from errtrack_mcp import __version__
from errtrack_mcp.settings import Settings
from tests.support.installed import Session
from tests.support.npm import CLIENTS, Node

ROOT = CLIENTS.parent.parent
MANIFEST: Any = json.loads((ROOT / "bundle" / "manifest.json").read_text())
MCPB = "@anthropic-ai/mcpb/dist/cli/cli.js"


def filled(text: str, folder: Path, choices: dict[str, str]) -> str:
    """Replace what a host replaces: the folder of the bundle, and what its user chose."""
    for name, value in choices.items():
        text = text.replace(f"${{user_config.{name}}}", value)
    return text.replace("${__dirname}", str(folder))


def test_the_bundle_is_packed_valid_and_starts_from_what_is_unpacked(node: Node, tmp_path: Path) -> None:
    """Packed by the official tool, unpacked by it, it speaks MCP with the choices of a user who made none."""
    out = tmp_path / "out"
    made = ["make", "bundle", f"PYTHON={sys.executable}", f"BUILD={tmp_path / 'build'}", f"DIST={out}"]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True)
    unpacked = tmp_path / "bundle"
    done = node(MCPB, "unpack", str(out / "errtrack-mcp.mcpb"), str(unpacked))
    assert done.returncode == 0, done.stderr
    assert not list(unpacked.rglob("__pycache__"))
    assert (unpacked / MANIFEST["server"]["entry_point"]).is_file()
    choices = {name: str(item.get("default", "")).lower() for name, item in MANIFEST["user_config"].items()}
    choices["personal_api_key"] = "phx_made_up"
    config = MANIFEST["server"]["mcp_config"]
    variables = {name: filled(value, unpacked, choices) for name, value in config["env"].items()}
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        [config["command"], *(filled(argument, unpacked, choices) for argument in config["args"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables, "PATH": path},  # with the proxies that uv may need
    ) as process:
        session = Session(process)
        assert session.initialize("2025-11-25")["serverInfo"]["version"] == __version__
        assert len(session.request("tools/list", {})["tools"]) >= 9
        assert session.close() == 0
    assert (unpacked / ".venv").is_dir()


def test_the_manifest_names_this_version_and_settings_that_exist() -> None:
    """What it hands on are variables that the server reads; a choice that is a secret is marked as one."""
    assert MANIFEST["version"] == __version__
    fields = Settings.model_fields
    assert {name.split("_", 1)[1].lower() for name in MANIFEST["server"]["mcp_config"]["env"]} == set(
        MANIFEST["user_config"]
    )
    for name, choice in MANIFEST["user_config"].items():
        assert name in fields
        assert bool(choice.get("sensitive")) is ("SecretStr" in repr(fields[name].annotation))
