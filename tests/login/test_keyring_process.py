"""The process that opens the keyring: what it answers, and what it is not given."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_core import from_json, to_json

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
