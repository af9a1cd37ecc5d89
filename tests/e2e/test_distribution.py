"""The wheel and the source distribution, each installed where nothing else is."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from errtrack_mcp import __version__
from errtrack_mcp.skills.skill import SKILLS
from tests.support.installed import environment

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src"
UV = str(Path(sysconfig.get_path("scripts")) / "uv")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both, the wheel from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--out-dir", str(folder), str(ROOT)], check=True)
    return folder


def modules() -> Iterator[str]:
    """Name every file that belongs into a wheel."""
    for file in SOURCE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(SOURCE).as_posix()


def test_the_wheel_holds_the_package_its_types_and_its_licence_and_nothing_else(distributions: Path) -> None:
    """No test, no cache, no stray file; it runs anywhere that Python does."""
    (wheel,) = distributions.glob("*.whl")
    assert wheel.name == f"errtrack_mcp-{__version__}-py3-none-any.whl"
    about = f"errtrack_mcp-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"{about}/METADATA"))
        commands = archive.read(f"{about}/entry_points.txt").decode()
    expected = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert held == set(modules()) | {f"{about}/{name}" for name in expected}
    assert {"errtrack_mcp/py.typed", "errtrack_mcp/views/panel.html", "errtrack_mcp/views/panel.js"} <= held
    assert {f"errtrack_mcp/skills/{skill.name}/SKILL.md" for skill in SKILLS} <= held
    assert metadata["License-Expression"] == "MIT"
    assert "errtrack-mcp = errtrack_mcp.cli.main:main" in commands


def test_the_source_distribution_holds_what_its_tests_need(distributions: Path) -> None:
    """A packager can test it, and gets nothing that was installed or built."""
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "bundle/manifest.json", "tests/conftest.py"} <= held
    assert {f"src/{name}" for name in modules()} <= held
    assert not [name for name in held if "node_modules" in name or "__pycache__" in name or name.startswith(".venv")]


def test_installed_where_nothing_else_is_it_shows_the_demo(distributions: Path, tmp_path: Path) -> None:
    """The dependencies of both are complete without any of ours for development, and a type checker sees the types."""
    empty = tmp_path / "empty"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(empty)], check=True)
    python = empty / ("Scripts" if os.name == "nt" else "bin") / "python"
    for kind in ("*.whl", "*.tar.gz"):
        (distribution,) = distributions.glob(kind)
        install = [UV, "pip", "install", "--quiet", "--reinstall-package", "errtrack-mcp"]
        subprocess.run([*install, "--python", str(python), str(distribution)], check=True)
        demo = subprocess.run(
            [str(python.with_name("errtrack-mcp")), "demo"],
            capture_output=True,
            text=True,
            env=environment(),
            cwd=tmp_path,
            check=False,
            timeout=60,
        )
        assert demo.returncode == 0, demo.stderr
        assert "error-tracking-releases-list" in demo.stdout
        code = "import errtrack_mcp as e, pathlib; print(pathlib.Path(e.__file__).with_name('py.typed').is_file())"
        typed = subprocess.run([str(python), "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
        assert typed.stdout == "True\n"
