"""Processes of ours that are started where anybody's code may lie."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from errtrack_mcp import __version__
from errtrack_mcp.login.keyring import find_backend
from errtrack_mcp.python_module import command_of_module
from errtrack_mcp.symbolication.places import Place
from errtrack_mcp.symbolication.process import look_up
from tests.support.containers import checkout
from tests.support.file_keyring import keyring_at
from tests.support.installed import environment

SOURCE = Path(__file__).parent.parent / "src"
pytestmark = pytest.mark.attack("code in the folder that is open")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder whose modules are named as ours and Python's own; return the file that they make when they run."""
    ran = tmp_path / "ran"
    here = tmp_path / "repository"
    for name in ("errtrack_mcp/__init__.py", "errtrack_mcp/__main__.py", "keyring.py", "json.py", "symbolic.py"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.chdir(here)
    return ran


def test_a_module_is_not_looked_for_in_the_current_folder(ran: Path) -> None:
    """Without -P it is, as the first call shows."""
    subprocess.run([sys.executable, "-m", "errtrack_mcp"], check=False, env=environment(), timeout=30)
    assert ran.exists()
    ran.unlink()
    command = command_of_module("errtrack_mcp", "--version")
    said = subprocess.run(command, check=True, env=environment(), timeout=30, capture_output=True, text=True).stdout
    assert __version__ in said
    assert not ran.exists()


@pytest.mark.anyio
async def test_no_code_of_the_folder_sees_a_key(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that opens the keyring is ours."""
    for name, value in keyring_at(tmp_path / "kept").items():
        monkeypatch.setenv(name, value)
    assert "FileKeyring" in await find_backend()
    assert not os.path.exists(ran)  # noqa: ASYNC240, PTH110 - nothing else runs


@pytest.mark.anyio
async def test_no_code_of_the_folder_reads_a_symbol_set(ran: Path) -> None:
    """Nor answers in place of the worker."""
    assert (await look_up(checkout(), [Place(1, 48)])).kind == "javascript"
    assert not os.path.exists(ran)  # noqa: ASYNC240, PTH110 - nothing else runs


def test_no_other_file_starts_a_module() -> None:
    """The next process must not forget it. One more file looks for it, in what clients start."""
    files = [
        file.name
        for file in SOURCE.rglob("*.py")
        if any(isinstance(node, ast.Constant) and node.value == "-m" for node in ast.walk(ast.parse(file.read_text())))
    ]
    assert set(files) == {"python_module.py", "ours.py"}
