"""Every setting, read from the environment (and from a file only when one is named)."""

import os
import re
from contextlib import suppress
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    DirectoryPath,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from errtrack_mcp.api.posthog import PERSONAL_KEY, PROJECT_TOKEN, REGIONS, SCOPES, US, app_host, kind_of_key
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.loopback import is_loopback

MIN_STATE_KEY = 32


class ConfigurationError(Exception):
    """The settings cannot work; `problems` holds one sentence for each thing to fix."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_unencrypted(origin: str) -> bool:
    """Return whether what is sent there can be read on the way."""
    return origin.startswith("http://") and not is_loopback(urlsplit(origin).hostname or "")


def _origin(value: object) -> str:
    """Reduce what a person types for a host to an origin, or say what is wrong with it."""
    if not isinstance(value, str):
        raise ValueError("must be an address such as https://us.posthog.com")  # noqa: TRY004 - what pydantic expects
    text = value.strip().rstrip("/")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("must be an address such as https://us.posthog.com") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as https://us.posthog.com")
    if parts.path or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(f"must be scheme and host only, such as {parts.scheme}://{parts.hostname}")
    try:
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise ValueError("has a port that is no number from 0 to 65535") from None
    host = _host(parts.hostname) if clean(text) == text else ""
    if not host:
        raise ValueError("must name a host by letters, digits, dots and hyphens, or by an IP address")
    if right := app_host(parts.hostname):
        raise ValueError(f"is an ingest host, which has no such API; use https://{right}")
    return f"{parts.scheme}://{host}{port}"


def _host(name: str) -> str:
    """Return a host's name as it stands in an address, or nothing where it is none."""
    with suppress(ValueError):
        address = ip_address(name)
        return f"[{address}]" if address.version == 6 else str(address)
    try:
        encoded = name.encode("idna").decode()
    except UnicodeError:
        return ""
    return encoded if re.fullmatch("[A-Za-z0-9.-]+", encoded) else ""


def is_reference_to_itself(key: str) -> bool:
    """Return whether a key is a reference, such as `${POSTHOG_PERSONAL_API_KEY}`, that a client did not resolve."""
    return re.fullmatch(r"[${]{1,3} ?(env:|secrets\.)?POSTHOG_PERSONAL_API_KEY\b.*", key) is not None


def _personal_key(value: SecretStr) -> SecretStr:
    """Refuse keys that this API cannot accept, without repeating them."""
    key = value.get_secret_value().strip()
    kind = kind_of_key(key)
    if kind and not kind.opens_the_api:
        raise ValueError(
            f"holds a {kind.name} ({kind.prefix}...), which this API does not accept; "
            f"create a personal API key ({PERSONAL_KEY.prefix}...) with {SCOPES}"
        )
    if is_reference_to_itself(key):
        raise ValueError(
            "holds a reference to itself that your MCP client did not resolve; "
            "set it in the environment that the client is started from, and start the client again"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ValueError("must be one word of printable ASCII characters; copy the key again")
    return SecretStr(key)


def _project(value: object) -> str:
    """Accept a project's number, as text, or `@current`."""
    if not isinstance(value, str):
        raise ValueError("must be the project's number or @current, as text")  # noqa: TRY004 - what pydantic expects
    text = value.strip()
    if text.startswith(PROJECT_TOKEN.prefix):
        raise ValueError("holds the project token (phc_...); use the project's number, as in /project/12345")
    if not re.fullmatch(r"@current|[1-9][0-9]{0,17}", text):
        raise ValueError("must be the project's number or @current")
    return text


def _names(value: object) -> object:
    """Split a list separated by commas."""
    if not isinstance(value, str):
        return value
    return frozenset(name.strip() for name in value.split(",") if name.strip())


def _state_keys(value: object) -> object:
    """Split the sealing keys in their order, and refuse short ones without repeating them."""
    keys = [key.strip() for key in value.split(",") if key.strip()] if isinstance(value, str) else value
    if isinstance(keys, list) and any(len(key.encode()) < MIN_STATE_KEY for key in keys):
        raise ValueError("must hold keys of at least 32 characters each; make one with: openssl rand -hex 32")
    return keys


Origin = Annotated[str, BeforeValidator(_origin)]
PersonalKey = Annotated[SecretStr, AfterValidator(_personal_key)]
Origins = Annotated[frozenset[Origin], NoDecode, BeforeValidator(_names)]
StateKeys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_state_keys)]
Names = Annotated[frozenset[str] | None, NoDecode, BeforeValidator(_names)]
ProjectNumber = Annotated[str, BeforeValidator(_project)]


class Settings(BaseSettings):
    """The settings of the operator.

    Names beginning with POSTHOG_ are PostHog's; ours begin with ERRTRACK_. An empty variable counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix="ERRTRACK_", env_ignore_empty=True, extra="ignore", populate_by_name=True, frozen=True
    )

    personal_api_key: PersonalKey | None = Field(
        None,
        validation_alias=AliasChoices("POSTHOG_PERSONAL_API_KEY", "personal_api_key"),
        description=f"Personal API key (`phx_...`) or OAuth token (`pha_...`) with {SCOPES}.",
    )
    host: Origin = Field(
        US,
        validation_alias=AliasChoices("POSTHOG_HOST", "host"),
        description="Origin of the PostHog app: US, `https://eu.posthog.com`, or your own.",
    )
    project_id: ProjectNumber | None = Field(
        None,
        validation_alias=AliasChoices("POSTHOG_PROJECT_ID", "project_id"),
        description="Fixes the project; without it each call may name one, and `@current` is the default.",
    )
    environment_id: ProjectNumber | None = Field(
        None,
        validation_alias=AliasChoices("POSTHOG_ENVIRONMENT_ID", "environment_id"),
        description="Fixes the project by PostHog's older `/api/environments/{id}/` address.",
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds a request to PostHog may take with its retries.")
    max_retry_wait: float = Field(
        20.0, ge=0, le=600, description="Seconds a request may wait in all for a rate limit to pass."
    )
    build_root: DirectoryPath | None = Field(
        None, description="Directory on this machine below which builds may be read and injected, over stdio alone."
    )
    source_code_over_http: bool = Field(
        default=False, description="Offer over HTTP, too, the tools whose answers hold source code."
    )
    read_only: bool = Field(default=False, description="Offer only tools that change nothing.")
    toolsets: Names = Field(None, description="Offer only these toolsets (and ERRTRACK_TOOLS), separated by commas.")
    tools: Names = Field(None, description="Offer only these tools (and ERRTRACK_TOOLSETS), separated by commas.")
    exclude_tools: Names = Field(None, description="Never offer these tools, separated by commas.")
    text_only: bool = Field(
        default=False,
        description="Leave `structuredContent` and output schemas out, for clients that give the model both halves.",
    )
    panels: bool = Field(
        default=True, description="Offer clients that render MCP Apps a page next to some answers (docs/panel.md)."
    )
    allow_http: bool = Field(
        default=False,
        description="Allow `http://` to a host that is not this machine; the key travels unencrypted.",
    )

    allowed_hosts: Origins = Field(
        REGIONS, description="PostHog origins that a caller over HTTP may choose, in addition to POSTHOG_HOST."
    )
    public: bool = Field(default=False, description="Allow listening on an address that others can reach.")
    public_url: Origin | None = Field(None, description="Origin under which callers over HTTP reach this server.")
    served_hosts: Names = Field(None, description="Host headers to answer to, in addition to this machine's own names.")
    served_origins: Names = Field(None, description="Web origins (Origin headers) whose pages may call this server.")
    oauth: bool = Field(
        default=False, description="Lead clients to log in at POSTHOG_HOST also where that is not PostHog Cloud."
    )
    shared_key: bool = Field(
        default=False, description="Let callers over HTTP that bring no key use POSTHOG_PERSONAL_API_KEY."
    )
    state_keys: StateKeys = Field(
        (), description="Secrets that seal what a caller brings back to another replica; the first one seals."
    )
    redis_url: SecretStr | None = Field(None, description="Redis or Valkey that holds what replicas share.")
    drain_delay: float = Field(
        0.0, ge=0, le=300, description="Seconds to stay open but not ready after SIGTERM, for balancers to notice."
    )
    drain_timeout: float = Field(
        300.0, ge=0, le=3600, description="Seconds that calls under way may take to end after that."
    )
    log_format: Literal["text", "json"] = Field("text", description="How a server over HTTP writes its log.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.allow_http and is_unencrypted(self.host):
            raise ValueError(
                f"POSTHOG_HOST is {self.host}, which would send the key unencrypted; "
                "use https://, or set ERRTRACK_ALLOW_HTTP=1 if the network is trusted"
            )
        for origin in self.allowed_hosts:
            if not self.allow_http and is_unencrypted(origin):
                raise ValueError(f"ERRTRACK_ALLOWED_HOSTS holds {origin}, which would send keys unencrypted")
        if self.project_id and self.environment_id and self.project_id != self.environment_id:
            raise ValueError("POSTHOG_PROJECT_ID and POSTHOG_ENVIRONMENT_ID name different projects; unset one")
        return self


def load_settings(env_file: Path | None = None, **fixed: str | bool | None) -> Settings:
    """Read the settings from the environment, and below it from `env_file` where one is named.

    `fixed` holds variables by name that the environment cannot change.

    Raises ConfigurationError with a sentence for each variable that cannot be used.
    """
    if env_file is not None and not env_file.is_file():
        raise ConfigurationError([f"There is no file {env_file} to read settings from; check --env-file."])
    try:
        return Settings(_env_file=env_file, **fixed)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConfigurationError([_sentence(problem) for problem in problems]) from None


def _sentence(problem: ErrorDetails) -> str:
    """Name the variable as the operator wrote it, then say what it must be."""
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "path_not_directory":
        message = "should be a directory that exists"
    if not problem["loc"]:
        return f"{message}."
    name = str(problem["loc"][0])
    variable = name if name.isupper() else f"ERRTRACK_{name.upper()}"
    return f"{variable} {message.replace('Input should', 'should')}."


def variable_of(name: str) -> str:
    """Return the environment variable that sets a field of Settings."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"ERRTRACK_{name.upper()}"


def unknown_variables() -> list[str]:
    """Return the environment variables that look like settings of ours and are none."""
    known = {variable_of(name) for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.upper().startswith("ERRTRACK_") and name.upper() not in known)


def meant_by(unknown: str) -> str:
    """Say which setting an unknown variable may be meant for."""
    near = get_close_matches(unknown.upper(), [variable_of(name) for name in Settings.model_fields], 1)
    return f"Did you mean {near[0]}?" if near else f"Unset {unknown}, or see the list of settings in the README."
