"""The process that opens the keyring: what it answers, and what it is not given."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from pydantic_core import from_json, to_json

from errtrack_mcp.login.keyring import get_keys
from errtrack_mcp.login.keyring_process import answer
from tests.support.file_keyring import keyring_at
from tests.support.installed import environment


def test_what_a_backend_prints_is_no_answer(tmp_path: Path) -> None:
    """Standard output holds the answer alone."""
    done = subprocess.run(
        [sys.executable, "-m", "errtrack_mcp.login.keyring_process"],
        input=to_json({"do": "set", "name": "n", "secret": "s"}),
        capture_output=True,
        env=environment(**keyring_at(tmp_path / "kept")),
        check=True,
        timeout=30,
    )
    assert from_json(done.stdout) == {"backend": "file keyring FileKeyring"}
    assert b"errtrack-mcp n" in (tmp_path / "kept").read_bytes()


def test_a_keyring_that_keeps_nothing_is_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put into it is read again at once."""
    import keyring  # noqa: PLC0415 - only this test
    from keyring.backends import null  # noqa: PLC0415

    class Forgetful(null.Keyring):
        priority = 5

    monkeypatch.setattr(keyring, "get_keyring", Forgetful)
    assert "did not keep" in answer({"do": "set", "name": "n", "secret": "s"})["unusable"]


def test_a_backend_that_breaks_is_named_by_its_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words may hold what was put in."""
    import keyring  # noqa: PLC0415 - only this test

    def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    assert answer({"do": "look"}) == {"unusable": "it failed (RuntimeError)"}


NOISY = """
import os, subprocess, sys
from keyring.backend import KeyringBackend
class Noisy(KeyringBackend):
    priority = 5
    def get_password(self, service, username):
        os.write(1, b"a warning of a library\\n")
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(15)"])
        return "phx_in_the_ring"
    def set_password(self, service, username, password): pass
    def delete_password(self, service, username): pass
"""


def test_a_backend_that_writes_and_leaves_a_process_behind_is_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Libraries below Python write to the standard output itself, and start daemons that inherit it."""
    (tmp_path / "noisy_ring.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "noisy_ring.Noisy")
    found = anyio.run(get_keys, ["here"], 10)["here"]
    assert found is not None
    assert found.get_secret_value() == "phx_in_the_ring"
