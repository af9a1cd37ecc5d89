"""Where a key goes, and that none is left where no command reaches it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from errtrack_mcp.client_config import atomic_write
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.login.keeping import keep
from errtrack_mcp.login.stored_logins import StoredLogin, file_path, read_logins
from tests.support.file_keyring import keyring_at
from tests.support.invoked import variables_set

RING = "file keyring"


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Path]:
    """Give this user a folder for settings and a keyring, and return the keyring's file."""
    with variables_set(XDG_CONFIG_HOME=str(tmp_path), **keyring_at(tmp_path / "ring")):
        yield tmp_path / "ring"


def login(key: str) -> StoredLogin:
    """Return a login to the one project of these tests."""
    made = datetime.now(UTC)
    return StoredLogin(host="https://eu.posthog.com", project="7", label="CLI - x", made_at=made, key=SecretStr(key))


def held(ring: Path) -> list[str]:
    """Return the keys in the keyring."""
    return list(json.loads(ring.read_text()).values()) if ring.exists() else []


def test_a_key_in_the_file_takes_the_one_in_the_keyring_away(ring: Path) -> None:
    """Nothing would lead to it any more, and logout would leave it."""
    assert keep(login("phx_first"), RING).place == "the system's keyring (file keyring)"
    assert held(ring) == ["phx_first"]
    kept = keep(login("phx_second"), None)
    assert (kept.place, kept.notes) == (str(file_path()), [])
    assert (kept.replaced and kept.replaced.label) == "CLI - x"
    assert held(ring) == []


def test_a_key_that_stays_in_the_keyring_is_named(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person can delete it in PostHog; a keyring that has just refused is not asked again."""
    keep(login("phx_first"), RING)
    monkeypatch.setenv("TEST_KEYRING", str(ring.with_name("locked")))
    said = "The system's keyring still holds the key 'CLI - x' of before: it is locked. Delete it in PostHog."
    refused = "The system's keyring did not take the key: it is locked. It is kept in a file instead."
    assert keep(login("phx_second"), RING).notes == [refused, said]
    monkeypatch.setenv("TEST_KEYRING", str(ring))
    keep(login("phx_third"), RING)
    monkeypatch.setenv("TEST_KEYRING", str(ring.with_name("locked")))
    assert keep(login("phx_fourth"), None).notes == [said]


@pytest.mark.parametrize("stopped", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [[], ["phx_first"]])
def test_a_login_that_is_not_stored_leaves_the_keyring_as_it_was(
    ring: Path, monkeypatch: pytest.MonkeyPatch, stopped: BaseException, before: list[str]
) -> None:
    """The file still tells of the key of before, or of none."""

    def stop(*_arguments: object, **_options: object) -> None:
        assert held(ring) == ["phx_new"]
        raise stopped

    for key in before:
        keep(login(key), RING)
    monkeypatch.setattr(atomic_write, "write", stop)
    with pytest.raises((RefusedError, KeyboardInterrupt)) as raised:
        keep(login("phx_new"), RING)
    assert not hasattr(raised.value, "__notes__")
    assert held(ring) == before
    assert len(read_logins(file_path())) == len(before)


def test_a_key_that_cannot_be_taken_back_is_told(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring has been locked meanwhile."""

    def stop(*_arguments: object, **_options: object) -> None:
        monkeypatch.setenv("TEST_KEYRING", str(ring.with_name("locked")))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "write", stop)
    with pytest.raises(RefusedError) as raised:
        keep(login("phx_new"), RING)
    assert raised.value.__notes__ == ["The system's keyring may still hold the key: it is locked."]
