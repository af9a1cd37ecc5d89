"""The settings: can they be used, where does each come from, and what kind of key is it."""

import os
import re

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from errtrack_mcp.api.posthog import PERSONAL_KEY, REGION_NAMES, SCOPES, kind_of_key
from errtrack_mcp.cli.doctor.login import values_of_login, warnings_of_login
from errtrack_mcp.cli.doctor.run import DoctorRun, Finding, Skipped, failed, passed, warned
from errtrack_mcp.settings import Settings, meant_by, unknown_variables, variable_of

ALWAYS_SHOWN = ("personal_api_key", "host", "project_id")
KEY_VARIABLE = "POSTHOG_PERSONAL_API_KEY"


def given_values(run: DoctorRun) -> dict[str, tuple[str, str]]:
    """Return, by variable, the text that was given and where: the environment wins over the file, both over a login."""
    given = values_of_login(run)
    file = run.env_file
    if file is not None and file.is_file():
        values = DotEnvSettingsSource(Settings, env_file=file)()
        given |= {_as_variable(name): (str(value), f"file {file}") for name, value in values.items()}
    values = EnvSettingsSource(Settings)()
    return given | {_as_variable(name): (str(value), "environment") for name, value in values.items()}


async def check_settings(run: DoctorRun) -> Finding:
    """See whether every setting can be used, and where it comes from."""
    given = given_values(run)
    details = tuple(_detail(name, run.settings or run.reachable, given) for name in Settings.model_fields)
    shown = tuple(
        detail for name, detail in zip(Settings.model_fields, details, strict=True) if _is_shown(name, detail)
    )
    count = len([detail for detail in details if detail["source"] != "default"])
    found = f"{count} set, {len(details) - count} at their defaults"
    if run.problems:
        return failed(" ".join(run.problems), "Fix that where your client configures this server.", *shown)
    if strays := unknown_variables():
        return warned(f"{found}; no setting: {', '.join(strays)}", meant_by(strays[0]), *shown)
    return passed(found, *shown)


async def check_key_kind(run: DoctorRun) -> Finding:
    """See whether there is a key, of a kind that this API takes."""
    value, source = given_values(run).get(KEY_VARIABLE, ("", ""))
    key = value.strip()
    if not key:
        others = [name for name in os.environ if name.startswith("POSTHOG_") and re.search(r"KEY|TOKEN", name)]
        also = f" ({', '.join(sorted(others))} is set, which this server does not read)" if others else ""
        if run.login_problem:
            return failed(f"{KEY_VARIABLE} is not set{also}", run.login_problem)
        remedy = f"errtrack-mcp login; or create a key at {run.key_page} with {SCOPES}, and set the variable."
        return failed(f"{KEY_VARIABLE} is not set{also}, and there is no login", remedy)
    kind = kind_of_key(key)
    said = f"{kind.name if kind else 'no known prefix'} ({kind.prefix if kind else ''}***), from the {source}"
    if kind and not kind.opens_the_api:
        remedy = f"Create a personal API key ({PERSONAL_KEY.prefix}...) at {run.key_page} with {SCOPES}."
        return failed(f"{said}, which this API does not accept", remedy)
    if any(problem.startswith(KEY_VARIABLE) for problem in run.problems):
        return failed(f"not usable, from the {source}", "Copy the key again: one word, nothing around it.")
    if kind is None:
        return warned(said, "Only very old keys have no prefix; if it is refused, create a new one.")
    if remedy := warnings_of_login(run):
        return warned(said, remedy)
    return passed(said)


async def check_host(run: DoctorRun) -> Finding:
    """See which PostHog it is."""
    settings = run.settings or run.reachable
    if settings is None:
        raise Skipped("needs settings to be in order")
    return passed(f"{settings.host}, {REGION_NAMES.get(settings.host, 'an installation of its own')}")


def _as_variable(name: str) -> str:
    return variable_of(name) if name in Settings.model_fields else name


def _is_shown(name: str, detail: dict[str, str]) -> bool:
    return name in ALWAYS_SHOWN or detail["source"] != "default"


def _detail(name: str, settings: Settings | None, given: dict[str, tuple[str, str]]) -> dict[str, str]:
    variable = variable_of(name)
    source = given[variable][1] if variable in given else "default"
    return {"variable": variable, "value": _shown(name, settings, is_given=variable in given), "source": source}


def _shown(name: str, settings: Settings | None, *, is_given: bool) -> str:
    """Show a value as it is understood: nothing of a secret, and nothing of what could not be read."""
    if settings is None:
        return "not read" if is_given else "-"
    value = getattr(settings, name)
    if isinstance(value, SecretStr) or (isinstance(value, tuple) and value) or (is_given and value is None):
        return "***"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return "-" if value is None or value == () else str(value)
