"""The workflows of .github: nothing in them runs that was not chosen, and no job may do or last more than it needs."""

import re
from typing import Any

import pytest
import yaml

from tests.support.deployment import ROOT

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}
JOBS = {f"{file}/{name}": job for file, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()}
MAY = {
    "release/index": {"id-token": "write"},
    "release/image": {"packages": "write"},
    "release/page": {"contents": "write"},
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_only_actions_of_one_commit_and_for_a_limited_time(name: str) -> None:
    """A tag can be moved by whoever controls the action."""
    job: Any = JOBS[name]
    if "uses" in job:
        assert job["uses"].startswith("./")
        return
    assert 0 < job["timeout-minutes"] <= 90
    for step in job["steps"]:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_write_only_where_it_publishes(name: str) -> None:
    """Everything else may read the repository."""
    workflow = WORKFLOWS[name.partition("/")[0]]
    assert workflow["permissions"] == {"contents": "read"}
    asked = JOBS[name].get("permissions", {})
    assert {scope: level for scope, level in asked.items() if level != "read"} == MAY.get(name, {})


@pytest.mark.parametrize("name", JOBS)
def test_text_of_others_is_never_a_part_of_a_command(name: str) -> None:
    """The name of a branch or a tag goes into a command as a variable of the shell."""
    for step in JOBS[name].get("steps", []):
        assert "${{" not in step.get("run", "")


def test_every_version_of_python_that_the_package_may_have_is_tested() -> None:
    """The oldest is that of pyproject.toml."""
    tested = WORKFLOWS["ci"]["jobs"]["linux"]["strategy"]["matrix"]["python"]
    assert tested[0] == re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]  # type: ignore[index]
    assert tested == [f"3.{minor}" for minor in range(int(tested[0][2:]), int(tested[-1][2:]) + 1)]
