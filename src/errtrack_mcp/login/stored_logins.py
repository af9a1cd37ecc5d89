"""The logins of this user: a file that only they can read, with the keys in it or in the system's keyring."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
from pydantic import AwareDatetime, BaseModel, SecretStr, ValidationError
from pydantic_core import to_json

from errtrack_mcp.client_config.atomic_write import RefusedError, read, replace
from errtrack_mcp.client_config.file_lock import locked
from errtrack_mcp.client_config.paths import own_folder
from errtrack_mcp.login.keyring import KeyringUnusable, get_keys
from errtrack_mcp.server.login_key import Login
from errtrack_mcp.settings import Origin, PersonalKey, ProjectNumber, Settings, is_unencrypted

FILE = "logins.json"
PAUSE = 5.0  # seconds after which a keyring that gave no key is asked again


class StoredLogin(BaseModel):
    """One login: the host and project that its key opens, and the key, or None where the keyring has it.

    `label` is the key's name in PostHog, `scopes` what it may do, None where PostHog did not say.
    """

    host: Origin
    project: ProjectNumber
    label: str = ""
    scopes: tuple[str, ...] | None = None
    made_at: AwareDatetime
    key: PersonalKey | None = None

    @property
    def name(self) -> str:
        """The name of its key in the keyring."""
        return f"{self.host} project {self.project}"

    @property
    def title(self) -> str:
        """What a person knows it by."""
        return f"project {self.project} at {self.host}"


class _Contents(BaseModel):
    logins: list[StoredLogin]


def file_path() -> Path:
    """Return where the file is. Raises RefusedError for a user without a home."""
    try:
        return own_folder() / FILE
    except RuntimeError:
        raise RefusedError("This user has no home directory to keep a login in; set HOME or XDG_CONFIG_HOME.") from None


def read_logins(path: Path) -> list[StoredLogin]:
    """Return what is stored, the newest first. Raises RefusedError for a file that cannot be read or understood.

    One that other users can change is not believed: it says where keys go, and whose project is asked.
    """
    return _parsed(path, read(path, private=True))


def change_logins(path: Path, change: Callable[[list[StoredLogin]], list[StoredLogin]]) -> None:
    """Store what `change` makes of the logins; without any the file goes. Raises RefusedError.

    Two that change them at the same time come one after the other: no key that never expires is lost.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(f"{path.parent} cannot be made: {error.strerror}. Fix that, and run this again.") from None
    with locked(path):
        before = read(path, private=True)
        logins = change(_parsed(path, before))
        after = to_json({"logins": [_written(login) for login in logins]}, indent=2) if logins else None
        replace(path, before, after, private=True)


def with_login(login: StoredLogin) -> Callable[[list[StoredLogin]], list[StoredLogin]]:
    """Return the change that stores a login in place of an earlier one for the same project."""
    return lambda logins: [login, *(other for other in logins if other.name != login.name)]


def without_logins(names: set[str]) -> Callable[[list[StoredLogin]], list[StoredLogin]]:
    """Return the change that forgets the logins of these names."""
    return lambda logins: [login for login in logins if login.name not in names]


class StoredLogins:
    """The logins as a server uses them: read again whenever the file has changed.

    Where the key of one cannot be had, `problem` says why, and that login stays in its place without a key: another
    one must not be taken for it.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = anyio.current_time) -> None:
        self.known: Sequence[Login] = ()
        self.problem = ""
        self.stored: Sequence[StoredLogin] = ()
        self._allow_http = settings.allow_http
        self._clock = clock
        self._read: tuple[int, ...] | None = ()  # as no file is
        self._ask_again_at = 0.0
        self._lock = anyio.Lock()

    async def look(self) -> None:
        """Look for logins. Calls that come while a keyring lets one wait are served together, by the same look."""
        async with self._lock:
            if _stamp() != self._read or (self.problem and self._clock() >= self._ask_again_at):
                await self._look()

    async def _look(self) -> None:
        """Look, and change what is known in one step at the end: calls under way use it meanwhile."""
        stamp, problem, pause = _stamp(), "", 0.0
        stored: list[StoredLogin] = []
        keys: dict[str, SecretStr | None] = {}
        try:
            stored = [each for each in read_logins(file_path()) if self._allow_http or not is_unencrypted(each.host)]
            if away := [login.name for login in stored if login.key is None]:
                pause = PAUSE
                keys = await get_keys(away)
                gone = [login.title for login in stored if login.key is None and keys.get(login.name) is None]
                problem = (
                    f"The system's keyring has no key any more for {gone[0]}. Run: errtrack-mcp login." if gone else ""
                )
        except RefusedError as error:
            problem = str(error)
        except KeyringUnusable as error:
            problem = (
                f"The key of errtrack-mcp login is in the system's keyring, which cannot be used: {error}. "
                f"Unlock it (it is asked again after {PAUSE:g} seconds), or run in a terminal: "
                "errtrack-mcp login --file."
            )
        self.stored, self.problem, self._read = stored, problem, stamp
        self.known = [Login(login.host, login.project, login.key or keys.get(login.name)) for login in stored]
        self._ask_again_at = self._clock() + pause


def _stamp() -> tuple[int, ...] | None:
    """Return what differs from one version of the file to the next, None where there is no file."""
    try:
        found = file_path().stat()
    except (OSError, RefusedError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _parsed(path: Path, data: bytes | None) -> list[StoredLogin]:
    if data is None:
        return []
    try:
        return _Contents.model_validate_json(data).logins
    except ValidationError:
        raise RefusedError(f"{path} is not what errtrack-mcp login writes. Move it away, and log in again.") from None


def _written(login: StoredLogin) -> dict[str, Any]:
    """Return a login as it is stored, its key included."""
    fields = login.model_dump(mode="json", exclude={"key"})
    return fields if login.key is None else {**fields, "key": login.key.get_secret_value()}
