"""`errtrack-mcp logout`: what it forgets, and what it says of the key that lives on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from errtrack_mcp.client_config import atomic_write
from errtrack_mcp.login.keyring import get_keys, set_key
from errtrack_mcp.login.stored_logins import StoredLogin, change_logins, file_path, read_logins, with_login
from tests.support.file_keyring import keyring_at
from tests.support.invoked import invoke, variables_set

US, EU = "https://us.posthog.com", "https://eu.posthog.com"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Set a folder for settings, and a keyring, in this process too."""
    variables = {"XDG_CONFIG_HOME": str(tmp_path), **keyring_at(tmp_path / "ring")}
    with variables_set(**variables):
        yield variables


def store(host: str, project: str, *, in_keyring: bool = False) -> StoredLogin:
    """Store a login."""
    key = SecretStr("phx_made_up")
    login = StoredLogin(host=host, project=project, label=f"CLI - {project}", made_at=datetime.now(UTC), key=key)
    if in_keyring:
        anyio.run(set_key, login.name, key)
        login = login.model_copy(update={"key": None})
    change_logins(file_path(), with_login(login))
    return login


def test_the_only_login_is_forgotten(home: dict[str, str]) -> None:
    """With where to delete the key for good."""
    store(EU, "7")
    done = invoke("logout", **home)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"Forgot the key for project 7 at {EU}. It stays good until you delete it: 'CLI - 7' at {EU}/" in done.stderr
    assert not file_path().exists()
    again = invoke("logout", **home, POSTHOG_PERSONAL_API_KEY="phx_set")
    assert again.returncode == 0
    assert again.stderr == "No key is stored.\nPOSTHOG_PERSONAL_API_KEY is still set in this environment.\n"


def test_one_of_several_must_be_named(home: dict[str, str]) -> None:
    """By host, by project, or all of them."""
    for host, project in ((US, "1"), (EU, "1"), (EU, "2")):
        store(host, project)
    asked = invoke("logout", **home)
    assert asked.returncode == 2
    assert "There are several: project 2 at https://eu.posthog.com; project 1 at" in asked.stderr
    assert invoke("logout", "--host", "eu.posthog.com", **home).returncode == 2
    assert invoke("logout", "--project", "2", **home).returncode == 0
    other = invoke("logout", "--project", "2", **home)
    assert other.returncode == 1
    assert "Nothing is stored for that. There is: project 1 at" in other.stderr
    assert invoke("logout", "--host", EU, **home).returncode == 0
    assert [login.host for login in read_logins(file_path())] == [US]
    store(EU, "3")
    assert invoke("logout", "--all", **home).returncode == 0
    assert not file_path().exists()


def test_a_key_in_the_keyring_is_forgotten_there(home: dict[str, str]) -> None:
    """And where the keyring stays closed, that is said."""
    name = store(EU, "7", in_keyring=True).name
    assert invoke("logout", **home).returncode == 0
    assert anyio.run(get_keys, [name]) == {name: None}
    store(EU, "8", in_keyring=True)
    done = invoke("logout", **home | {"TEST_KEYRING": "locked"})
    assert done.returncode == 0
    assert f"still holds the key for project 8 at {EU}, since it cannot be used: it is locked." in done.stderr


def test_nothing_is_forgotten_that_is_still_there(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file cannot be changed, that alone is said."""

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    store(EU, "7")
    store(EU, "8")
    monkeypatch.setattr(atomic_write, "write", full)
    done = invoke("logout", "--project", "7", **home)
    assert (done.returncode, "Forgot" in done.stderr) == (2, False)
    assert "No space left on device" in done.stderr


def test_what_cannot_be_understood_is_refused(home: dict[str, str]) -> None:
    """A host that is none, and a file that login did not write."""
    assert "--host is an ingest host" in invoke("logout", "--host", "us.i.posthog.com", **home).stderr
    file_path().parent.mkdir()
    file_path().write_text("{")
    done = invoke("logout", **home)
    assert done.returncode == 2
    assert "is not what errtrack-mcp login writes" in done.stderr
