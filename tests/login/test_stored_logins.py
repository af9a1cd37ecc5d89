"""The file of logins: for its owner alone, and never half written."""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.login import stored_logins
from errtrack_mcp.login.keyring import KeyringUnusable, set_key
from errtrack_mcp.login.stored_logins import (
    StoredLogin,
    StoredLogins,
    change_logins,
    file_path,
    read_logins,
    with_login,
    without_logins,
)
from errtrack_mcp.settings import load_settings
from tests.support.file_keyring import keyring_at
from tests.support.installed import environment

EU = "https://eu.posthog.com"
LOCK = ".logins.json.lock"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this user a folder for their settings, and return where the file will be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return file_path()


@dataclass
class Clock:
    """Time that a test moves."""

    seconds: float = 100

    def now(self) -> float:
        """Tell the seconds."""
        return self.seconds


def login(project: str = "1", key: str | None = "phx_made_up", host: str = EU) -> StoredLogin:
    """Return a login."""
    secret = None if key is None else SecretStr(key)
    return StoredLogin(host=host, project=project, label="CLI - x", made_at=datetime.now(UTC), key=secret)


def keys(logins: StoredLogins) -> list[str | None]:
    """Return the keys that a server would use, the newest first."""
    return [None if each.key is None else each.key.get_secret_value() for each in logins.known]


def test_only_its_owner_can_read_it(path: Path) -> None:
    """The file and its folder; a file that others could read is private after the next login."""
    change_logins(path, with_login(login()))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o644)
    change_logins(path, with_login(login("2")))
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.name for each in path.parent.iterdir()} == {"logins.json", LOCK}


def test_the_newest_comes_first_and_takes_the_place_of_its_project(path: Path) -> None:
    """By host and project."""
    change_logins(path, with_login(login("1")))
    change_logins(path, with_login(login("2")))
    change_logins(path, with_login(login("1", host="https://us.posthog.com")))
    change_logins(path, with_login(login("1", "phx_newer")))
    assert [each.title for each in read_logins(path)] == [
        "project 1 at https://eu.posthog.com",
        "project 1 at https://us.posthog.com",
        "project 2 at https://eu.posthog.com",
    ]
    assert "phx_made_up" not in repr(read_logins(path))


def test_without_any_login_there_is_no_file(path: Path) -> None:
    """Nothing is left of the last one but the empty file that keeps two changes apart."""
    change_logins(path, with_login(login()))
    change_logins(path, without_logins({login().name}))
    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [(LOCK, b"")]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"logins": [{"host": "https://eu.posthog.com"}]}',
        b'{"logins": [{"host": "https://eu.posthog.com", "project": 7, "made_at": "2026-01-01T00:00Z"}]}',
        b'{"logins": [{"host": 5, "project": "7", "made_at": "2026-01-01T00:00Z"}]}',
        b'{"logins": [{"host": null, "project": "7", "made_at": "2026-01-01T00:00Z"}]}',
        b'{"logins": [{"host": "https://e.example", "project": "x", "made_at": "2026-01-01T00:00Z", "key": "phx_k"}]}',
    ],
)
def test_a_file_of_somebody_else_is_left_and_named(path: Path, content: bytes) -> None:
    """Nothing of what it holds is repeated."""
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="is not what errtrack-mcp login writes") as refused:
        change_logins(path, with_login(login()))
    assert "phx_k" not in str(refused.value)
    assert path.read_bytes() == content


def test_a_file_that_others_can_change_is_neither_read_nor_changed(path: Path) -> None:
    """It says where keys go."""
    change_logins(path, with_login(login()))
    path.chmod(0o666)
    for use in (lambda: read_logins(path), lambda: change_logins(path, with_login(login("2")))):
        with pytest.raises(RefusedError, match="can be changed by other users"):
            use()
    path.chmod(0o600)
    assert [each.project for each in read_logins(path)] == ["1"]


STORE = """
import sys
from datetime import UTC, datetime
from pydantic import SecretStr
from errtrack_mcp.login.stored_logins import StoredLogin, change_logins, file_path, with_login
print("ready", flush=True)
sys.stdin.read()
for number in range(8):
    project, key = f"{sys.argv[1]}{number}", SecretStr("phx_made_up")
    login = StoredLogin(host="https://eu.posthog.com", project=project, made_at=datetime.now(UTC), key=key)
    change_logins(file_path(), with_login(login))
"""


def test_logins_of_two_processes_at_once_are_all_kept(path: Path) -> None:
    """Who comes second waits until the first has written, and reads what it wrote."""
    variables = environment(XDG_CONFIG_HOME=str(path.parent.parent))
    with ExitStack() as ending:
        processes = [
            ending.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", STORE, name],
                    env=variables,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for name in ("1", "2")
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
    assert [process.returncode for process in processes] == [0, 0]
    assert len(read_logins(path)) == 16


@pytest.mark.anyio
async def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container under a number that nobody has."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(stored_logins, "own_folder", homeless)
    with pytest.raises(RefusedError, match="no home directory"):
        file_path()
    logins = StoredLogins(load_settings())
    await logins.look()
    assert (list(logins.known), "no home directory" in logins.problem) == ([], True)


@pytest.mark.anyio
async def test_a_server_sees_each_login_and_logout(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its next look; it reads a file that has not changed once."""
    logins = StoredLogins(load_settings())
    await logins.look()
    assert keys(logins) == []
    change_logins(path, with_login(login("1")))
    await logins.look()
    assert keys(logins) == ["phx_made_up"]
    with monkeypatch.context() as patch:
        patch.setattr(stored_logins, "read_logins", lambda _path: [])
        await logins.look()
    assert keys(logins) == ["phx_made_up"]
    change_logins(path, without_logins({login("1").name}))
    await logins.look()
    assert keys(logins) == []


@pytest.mark.anyio
async def test_a_login_without_encryption_counts_only_where_the_operator_says_so(path: Path) -> None:
    """As POSTHOG_HOST does."""
    change_logins(path, with_login(login(host="http://posthog.internal")))
    for allow_http, found in (("0", []), ("1", ["phx_made_up"])):
        logins = StoredLogins(load_settings(None, allow_http=allow_http))
        await logins.look()
        assert keys(logins) == found


@pytest.mark.anyio
async def test_keys_in_the_keyring_are_found(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file says that they are there; one that is gone leaves its place empty, with what to do."""
    for name, value in keyring_at(tmp_path / "ring").items():
        monkeypatch.setenv(name, value)
    await set_key(login("1").name, SecretStr("phx_in_the_ring"))
    change_logins(path, with_login(login("1", None)))
    change_logins(path, with_login(login("2", "phx_in_the_file")))
    logins = StoredLogins(load_settings())
    await logins.look()
    assert keys(logins) == ["phx_in_the_file", "phx_in_the_ring"]
    assert logins.problem == ""
    assert "phx_in_the_ring" not in path.read_text()  # noqa: ASYNC240 - nothing else runs
    (tmp_path / "ring").unlink()
    logins = StoredLogins(load_settings())
    await logins.look()
    assert keys(logins) == ["phx_in_the_file", None]
    assert "no key any more for project 1 at https://eu.posthog.com. Run: errtrack-mcp login." in logins.problem


@pytest.mark.anyio
async def test_a_keyring_that_is_unlocked_is_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first look says why there is no key, the next one finds it."""
    for name, value in keyring_at(tmp_path / "ring").items():
        monkeypatch.setenv(name, value)
    await set_key(login("1").name, SecretStr("phx_in_the_ring"))
    change_logins(path, with_login(login("1", None)))
    time = Clock()
    logins = StoredLogins(load_settings(), time.now)
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "locked"))
    await logins.look()
    assert keys(logins) == [None]
    assert "which cannot be used: it is locked" in logins.problem
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "ring"))
    await logins.look()
    assert keys(logins) == [None]
    time.seconds += stored_logins.PAUSE
    await logins.look()
    assert (keys(logins), logins.problem) == (["phx_in_the_ring"], "")
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "locked"))
    change_logins(path, with_login(login("2")))
    await logins.look()
    assert keys(logins) == ["phx_made_up", None]


@pytest.mark.anyio
async def test_calls_that_wait_for_a_keyring_are_served_by_one_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait for as long as the one before it. Meanwhile what was known stays known."""
    change_logins(path, with_login(login("1")))
    logins = StoredLogins(load_settings(), Clock().now)
    await logins.look()
    asked, known_meanwhile = [], []

    async def silent(names: list[str]) -> dict[str, SecretStr | None]:
        asked.append(names)
        await anyio.lowlevel.checkpoint()
        known_meanwhile.append(keys(logins))
        raise KeyringUnusable("it gave no answer")

    monkeypatch.setattr(stored_logins, "get_keys", silent)
    change_logins(path, with_login(login("2", None)))
    async with anyio.create_task_group() as calls:
        for _ in range(3):
            calls.start_soon(logins.look)
    assert asked == [[login("2").name]]
    assert known_meanwhile == [["phx_made_up"]]
    assert keys(logins) == [None, "phx_made_up"]
