"""A home of its own, in which nothing of the machine's is found."""

from pathlib import Path

import pytest

from tests.support.homes import MOVING


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a test an empty home and an empty folder to be in."""
    own = tmp_path / "home"
    here = tmp_path / "here"
    own.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("USERPROFILE", str(own))
    for name in MOVING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(here)
    return own
