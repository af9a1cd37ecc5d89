"""A keyring for tests: a file that TEST_KEYRING names; one that is called `locked` or `silent` behaves so."""

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

BACKEND = "tests.support.file_keyring.FileKeyring"
ROOT = Path(__file__).parent.parent.parent


class FileKeyring(KeyringBackend):
    """Keeps passwords in the file, by service and name."""

    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        """Return one, None where there is none."""
        found: str | None = self._read().get(f"{service} {username}")
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep one."""
        self._write(self._read() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Forget one."""
        kept = self._read()
        del kept[f"{service} {username}"]
        self._write(kept)

    def _read(self) -> dict[str, str]:
        path = self._path()
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _write(self, kept: dict[str, str]) -> None:
        self._path().write_text(json.dumps(kept))

    def _path(self) -> Path:
        path = Path(os.environ["TEST_KEYRING"])
        print("A backend may print.")
        if path.name == "locked":
            raise KeyringLocked
        if path.name == "silent":
            threading.Event().wait()
        return path


def keyring_at(path: Path) -> dict[str, str]:
    """Return the variables that make this file the system's keyring, in other processes too."""
    return {"PYTHON_KEYRING_BACKEND": BACKEND, "TEST_KEYRING": str(path), "PYTHONPATH": str(ROOT)}
