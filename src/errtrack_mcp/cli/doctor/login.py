"""The key of `errtrack-mcp login`, where no variable holds one: which login it is of, and where it is kept."""

import os
from dataclasses import replace

from errtrack_mcp.cli.doctor.run import DoctorRun
from errtrack_mcp.login.stored_logins import StoredLogins, file_path
from errtrack_mcp.server.login_key import SeveralHosts, chosen
from errtrack_mcp.settings import variable_of

OTHERS_MAY_READ = 0o077


async def logged_in(run: DoctorRun) -> DoctorRun:
    """Return the run with the settings that a server without a key takes from a login: key, host, project."""
    settings = run.settings
    if settings is None:
        return run
    logins = StoredLogins(settings)
    await logins.look()
    host = settings.host if "host" in settings.model_fields_set else None
    try:
        login = chosen(logins.known, host, settings.project_id or settings.environment_id or "")
    except SeveralHosts as error:
        return replace(run, login_problem=str(error))
    if login is None and logins.stored and not logins.problem:
        held = f"You are logged in to {', '.join(each.title for each in logins.stored)}"
        problem = f"{held}; POSTHOG_HOST is {host}. Unset it, or run: errtrack-mcp login --host {host}"
        return replace(run, login_problem=problem)
    if login is None or login.key is None:
        return replace(run, login_problem=logins.problem)
    stored = next(each for each in logins.stored if (each.host, each.project) == (login.host, login.project))
    fixed = settings.project_id or settings.environment_id
    taken = {"personal_api_key": login.key, "host": login.host} | ({} if fixed else {"project_id": login.project})
    used = settings.model_copy(update=taken)
    return replace(run, settings=used, reachable=used, login=stored)


def values_of_login(run: DoctorRun) -> dict[str, tuple[str, str]]:
    """Return, by variable, what the settings have from the login, and where it is kept."""
    if run.login is None or run.settings is None or run.settings.personal_api_key is None:
        return {}
    source = f"login to {run.login.title}, kept in {_place(run)}"
    given = {"personal_api_key": run.settings.personal_api_key.get_secret_value(), "host": run.login.host}
    if run.settings.project_id == run.login.project:
        given["project_id"] = run.login.project
    return {variable_of(name): (value, source) for name, value in given.items()}


def warnings_of_login(run: DoctorRun) -> str:
    """Return what to do about a file of logins that others may read; nothing where it is as it should be."""
    if run.login is None or run.login.key is None or os.name != "posix":
        return ""
    path = file_path()
    return f"Others may read it: chmod 600 {path}" if path.stat().st_mode & OTHERS_MAY_READ else ""


def _place(run: DoctorRun) -> str:
    return "the system's keyring" if run.login and run.login.key is None else str(file_path())
