"""The entry that starts this server, in each client's own shape, without ever a key in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from errtrack_mcp.client_config.atomic_write import RefusedError

NAME = "errtrack"
KEY = "POSTHOG_PERSONAL_API_KEY"

# What says which project and what is offered is no secret, and written out as it is set where install runs.
WRITTEN_OUT = (
    "POSTHOG_HOST",
    "POSTHOG_PROJECT_ID",
    "POSTHOG_ENVIRONMENT_ID",
    "ERRTRACK_READ_ONLY",
    "ERRTRACK_TOOLSETS",
    "ERRTRACK_TOOLS",
    "ERRTRACK_EXCLUDE_TOOLS",
)


ADDRESSES = ("url", "httpUrl", "serverUrl")
_AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class Remote:
    """How a client writes down a server at an address, and how a person logs in there.

    `address` is the member for the address, `key_variable` one for the name of the variable that holds the key, and
    `key_field` one for the key itself, where the client has such; others send the key in a header.
    """

    log_in: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    address: str = "url"
    key_variable: str = ""
    key_field: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """A client: its name in `places`, the object that holds its servers, and its manner of writing.

    `reference` is the value of an environment variable that stands for the key; "" where the client knows none.
    `about_key` says to a person where the key has to be, and `note` what else has to be known about the entry.
    A file in "commented json" may hold comments, and no trailing commas; one in "jsonc" both.

    The entry's own words: `variables` is the member for the environment; `lets_through` that for the names of
    variables which the client hands on; `one_command`, whether program and arguments are one list; and `inside`, the
    member in which all of it stands, where it does not stand in the entry itself.

    `remote` is how it reaches a server at an address; where its file cannot say so, why.
    `without_file` says why a file that is not there is not made.
    """

    name: str
    container: str
    format: Literal["json", "commented json", "jsonc", "toml", "yaml"]
    about_key: str
    reference: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    variables: str = "env"
    lets_through: str = ""
    one_command: bool = False
    inside: str = ""
    remote: Remote | str = "nobody has said how"
    without_file: str = ""

    def entry(self, command: list[str], environ: Mapping[str, str], *, logged_in: bool = False) -> dict[str, Any]:
        """Return how this client starts `command`, a program with its arguments.

        Never holds a key; where the user is logged in, it does not refer to one either.
        """
        program = {"command": command} if self.one_command else {"command": command[0], "args": command[1:]}
        made: dict[str, Any] = {**self.fields, **program}
        variables = {name: environ[name] for name in WRITTEN_OUT if environ.get(name)}
        if self.lets_through and not logged_in:
            made[self.lets_through] = [KEY]
        if self.reference and not logged_in:
            variables = {KEY: self.reference} | variables
        if variables:
            made[self.variables] = variables
        return {self.inside: made} if self.inside else made

    def remote_entry(self, url: str, *, send_key: bool) -> dict[str, Any]:
        """Return how this client reaches the server at `url`, with `send_key` by the key in its environment.

        Without, nothing about a key is written: a header that stands for a variable which is not set would keep
        clients from logging in with OAuth. Raises RefusedError.
        """
        remote = self.reaching(send_key=send_key)
        made = {**remote.fields, remote.address: url}
        if send_key and remote.key_variable:
            made[remote.key_variable] = KEY
        elif send_key and remote.key_field:
            made[remote.key_field] = self.reference
        elif send_key:
            made["headers"] = {_AUTHORIZATION: f"Bearer {self.reference}"}
        return {self.inside: made} if self.inside else made

    def reaching(self, *, send_key: bool) -> Remote:
        """Return how this client reaches a server at an address. Raises RefusedError where it cannot, or not so."""
        if not isinstance(self.remote, Remote):
            raise RefusedError(f"{self.name} cannot be given an address: {self.remote}. Nothing was changed.")
        if send_key and not self.remote.key_variable and not self.reference:
            raise RefusedError(
                f"{self.name} cannot refer to the environment. Without --send-key it logs in, where the server can; "
                'else put "headers": {"Authorization": "Bearer phx_..."} into the entry yourself.'
            )
        return self.remote

    def renewed(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry that is already there with ours over it.

        What a person added stays: arguments, other fields, and a key of their own. Where ours refers to no key, as
        after a login, a reference of ours goes: some clients refuse an entry whose variable is not set.
        """
        if self.inside:
            held, ours = present.get(self.inside), entry[self.inside]
            return {**present, self.inside: self._over(held, ours) if isinstance(held, dict) else ours}
        return self._over(present, entry)

    def may_have_written(self, entry: Mapping[str, Any]) -> bool:
        """Return whether an entry could be one of `install`: it holds nothing that a person must have put there."""
        inner = entry.get(self.inside) if self.inside else entry
        if not isinstance(inner, dict):
            return False
        if isinstance(self.remote, Remote) and _is_remote(inner):
            headers = inner.get("headers", {})
            key_field = self.remote.key_field
            known = {*self.remote.fields, self.remote.address, self.remote.key_variable, key_field, "headers"}
            return (
                set(inner) <= known
                and headers in ({}, {_AUTHORIZATION: f"Bearer {self.reference}"})
                and inner.get(key_field, self.reference) == self.reference
            )
        command, variables = inner.get("command"), inner.get(self.variables, {})
        program = command[0] if isinstance(command, list) and command else command
        return (
            set(inner) <= {*self.fields, "command", "args", self.variables, self.lets_through}
            and isinstance(program, str)
            and Path(program).is_absolute()
            and isinstance(variables, dict)
            and set(variables) <= {KEY, *WRITTEN_OUT}
            and variables.get(KEY, self.reference) == self.reference
        )

    def _over(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        """Return `entry` over one that is there; one of the other kind, program or address, is replaced."""
        if _is_remote(present) != _is_remote(entry):
            return entry
        return self._remote_renewed(present, entry) if _is_remote(entry) else self._renewed(present, entry)

    def _remote_renewed(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        ours = (KEY, self.reference or KEY)
        others = {name: value for name, value in present.items() if name not in ADDRESSES and value not in ours}
        headers = present.get("headers")
        if isinstance(headers, dict):
            header = {_AUTHORIZATION: f"Bearer {self.reference}"}
            own = {name: value for name, value in headers.items() if {name: value} != header}
            others["headers"] = entry.get("headers", {}) | own
        merged = {**entry, **others, **{name: value for name, value in entry.items() if name != "headers"}}
        return {name: value for name, value in merged.items() if value or name != "headers"}

    def _renewed(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        variables, named = present.get(self.variables), present.get(self.lets_through)
        merged = {**present, **entry, **self._arguments(present, entry)}
        if isinstance(variables, dict):
            ours = entry.get(self.variables, {})
            kept = {KEY: variables[KEY]} if KEY in variables else {}
            merged[self.variables] = variables | ours | kept
            if KEY not in ours and self.reference and variables.get(KEY) == self.reference:
                del merged[self.variables][KEY]
        if isinstance(named, list) and KEY in named:
            merged[self.lets_through] = named if self.lets_through in entry else [name for name in named if name != KEY]
        return {
            name: value for name, value in merged.items() if value or name not in {self.variables, self.lets_through}
        }

    def _arguments(self, present: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        """Return the entry's command with the arguments of the one that is there."""
        if not self.one_command:
            return {"args": present.get("args", entry["args"])}
        command = present.get("command")
        kept = command[1:] if isinstance(command, list) and command else entry["command"][1:]
        return {"command": [entry["command"][0], *kept]}


def _is_remote(entry: Mapping[str, Any]) -> bool:
    return any(name in entry for name in ADDRESSES)
