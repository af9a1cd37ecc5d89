"""A directory to build in."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory whose own path is free of links."""
    return Path(os.path.realpath(tmp_path))
