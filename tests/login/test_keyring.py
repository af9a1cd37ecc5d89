"""The system's keyring, through the process that opens it."""

from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest
from pydantic import SecretStr

from errtrack_mcp.login import keyring
from errtrack_mcp.login.keyring import KeyringUnusable, delete_key, find_backend, get_keys, set_key
from tests.support.file_keyring import keyring_at
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


def use(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let this file be the system's keyring."""
    for name, value in keyring_at(path).items():
        monkeypatch.setenv(name, value)


async def test_a_key_is_kept_found_and_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Under its name; one that is not there is None, and forgetting it is no error."""
    use(monkeypatch, tmp_path / "kept")
    assert "FileKeyring" in await find_backend()
    await set_key("here", SecretStr("phx_kept"))
    found = await get_keys(["here", "there"])
    assert found["there"] is None
    assert found["here"] is not None
    assert found["here"].get_secret_value() == "phx_kept"
    await delete_key("here")
    await delete_key("here")
    assert await get_keys(["here"]) == {"here": None}


async def test_a_machine_without_a_keyring_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: keyring itself has a backend that only fails."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with pytest.raises(KeyringUnusable, match="this system has none"):
        await find_backend()


async def test_a_locked_keyring_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody was there to unlock it."""
    use(monkeypatch, tmp_path / "locked")
    with pytest.raises(KeyringUnusable, match="it is locked"):
        await get_keys(["here"])


async def test_a_keyring_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After the time allowed, its process ends."""
    use(monkeypatch, tmp_path / "silent")
    with pytest.raises(KeyringUnusable, match="no answer within 2 seconds"):
        await get_keys(["here"], seconds=2)


async def test_without_the_extra_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the extra."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(keyring, "_COMMAND", ["there is no such program"])
    with pytest.raises(KeyringUnusable, match="the extra keyring is not installed"):
        await find_backend()


async def test_a_call_that_ends_ends_the_process_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server whose client has left does not stay for a keyring that waits for a person."""
    use(monkeypatch, tmp_path / "silent")
    ours = psutil.Process()
    children = {child.pid for child in ours.children()}
    with anyio.fail_after(15):
        async with anyio.create_task_group() as calls:
            calls.start_soon(get_keys, ["here"])
            await anyio.to_thread.run_sync(until, lambda: len(ours.children()) > len(children))
            calls.cancel_scope.cancel()
    assert {child.pid for child in ours.children()} == children
