"""The house: which way imports point, how long a file is, who may import what."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "errtrack_mcp"
FILES = sorted(SOURCE.rglob("*.py"))
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))

# What the files below a folder (or a file) may import of ours; the longest name that fits decides.
MAY_IMPORT = {
    "": {"cli"},
    "__init__": set[str](),
    "cli": {"", "commands", "demo", "loopback", "remote", "running", "sandbox", "server", "settings"},
    "commands": {"install", "running", "settings", "shell"},
    "running": {"sandbox", "settings"},
    "demo": {"tools"},
    "loopback": set[str](),
    "settings": {"loopback"},
    "schemas": set[str](),
    "selection": set[str](),
    "explain": {"api"},
    "server": {"", "api", "explain", "readable", "schemas", "settings", "tools", "toolsets", "untrusted"},
    "readable": {"", "api", "completion", "explain", "prompts", "resources", "tools"},
    "prompts": {"api", "explain", "prompts"},
    "completion": {"api", "tools"},
    "resources": {"api", "tools", "untrusted"},
    "toolsets": {"schemas", "selection", "settings", "tools", "untrusted"},
    "untrusted": {"schemas"},
    "remote": {
        "",
        "api",
        "explain",
        "loopback",
        "readable",
        "remote",
        "selection",
        "server",
        "settings",
        "tools",
        "toolsets",
    },
    "install": {"install"},
    "shell": {
        *("", "api", "builds", "explain", "install", "loopback", "server", "settings", "shell", "tools", "toolsets"),
        "untrusted",
    },
    "api": {"", "api", "loopback"},
    "builds": {"builds"},
    "tools": {"api", "builds", "tools"},
    "sandbox": {"sandbox"},
}


def imports_of(file: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@EVERY_FILE
def test_imports_point_down(file: Path) -> None:
    """No file imports what stands above it."""
    place = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    allowed = MAY_IMPORT.get(place, MAY_IMPORT[""])
    ours = {name for name in imports_of(file) if name.split(".")[0] == "errtrack_mcp"}
    reached = {name.split(".")[1] if "." in name else "" for name in ours}
    assert reached <= allowed


@EVERY_FILE
def test_a_full_file_is_about_300_lines(file: Path) -> None:
    """What grows beyond that is split by subject."""
    assert len(file.read_text().splitlines()) <= 320


@EVERY_FILE
def test_a_function_fits_on_a_screen(file: Path) -> None:
    """No function is longer than 40 lines, docstring not counted."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 40, node.name


def test_httpx_is_imported_in_one_file() -> None:
    """Its successor is then a change of one file."""
    assert [file.name for file in FILES if "httpx" in imports_of(file)] == ["pool.py"]


@EVERY_FILE
def test_only_the_server_side_knows_mcp(file: Path) -> None:
    """Neither the REST client nor the sandbox knows the protocol."""
    if file.relative_to(SOURCE).parts[0] in {"api", "sandbox"}:
        assert not {name for name in imports_of(file) if name.split(".")[0] in {"mcp", "mcp_types"}}
