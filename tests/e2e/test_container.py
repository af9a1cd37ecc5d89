"""The container's recipe and its composition, by every means that needs no engine: no image is built here."""

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement

from errtrack_mcp.cli.main import main
from errtrack_mcp.settings import Settings, variable_of
from tests.support.deployment import memory_limit
from tests.support.installed import COMMAND, environment, free_port

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LIMIT = 200_000_000
BASE = 130_000_000
"""What python:3.13-slim holds unpacked, rounded up."""


def instruction(name: str) -> Any:
    """Return the words of the last instruction of that name in the final stage."""
    *_, found = re.findall(rf"^\s*{name} (\[.*\])$", DOCKERFILE.rpartition("FROM")[2], re.MULTILINE)
    return json.loads(found)


def healthcheck(port: int) -> int:
    """Run the recipe's own health check against a port of this machine; return its exit code."""
    _, *arguments = re.findall(r'"([^"]*)"', re.findall(r"HEALTHCHECK[^\n]*\n +CMD (\[.*\])", DOCKERFILE)[0])
    return subprocess.run(
        [sys.executable, *(argument.replace("8000", str(port)) for argument in arguments)],
        capture_output=True,
        env=environment(),
        check=False,
    ).returncode


def test_without_an_engine_the_recipe_passes_hadolint() -> None:
    """Every rule of the linter, but for the one that takes the copied source for a package without a version."""
    done = subprocess.run(
        [str(SCRIPTS / "hadolint"), "--failure-threshold", "style", str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", ["compose.yaml", "deploy/compose.yaml"])
def test_without_an_engine_a_composition_is_valid_against_the_published_schema(file: str) -> None:
    """The schema of the Compose specification comes with a published checker."""
    done = subprocess.run(
        [str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(ROOT / file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", ["compose.yaml", "deploy/compose.yaml"])
def test_without_an_engine_a_composition_takes_every_right_away_that_is_not_needed(file: str) -> None:
    """Read-only, without capabilities, without new privileges, within limits, reachable from this machine alone."""
    for service in yaml.safe_load((ROOT / file).read_text())["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert 0 < int(service["mem_limit"].removesuffix("m")) * 1024 * 1024 <= memory_limit()
        assert 0 < service["pids_limit"] <= 128
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "POSTHOG_PERSONAL_API_KEY" not in service.get("environment", {})


@pytest.mark.parametrize("file", ["compose.yaml", "deploy/compose.yaml"])
def test_without_an_engine_a_composition_waits_for_calls_to_end(file: str) -> None:
    """Docker kills a replica no sooner than its drain may take, and 15 s more."""
    replicas = [
        service
        for service in yaml.safe_load((ROOT / file).read_text())["services"].values()
        if "POSTHOG_HOST" in service.get("environment", {})
    ]
    assert replicas
    for replica in replicas:
        delay = float(replica["environment"].get("ERRTRACK_DRAIN_DELAY", 0))
        grace = float(replica["stop_grace_period"].removesuffix("s"))
        assert grace >= delay + Settings().drain_timeout + 15


def test_the_recipe_installs_exact_versions_with_their_hashes() -> None:
    """All that the project needs, extras included, and nothing from a registry of our choice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    needed = [*project["project"]["dependencies"], *extras["redis"]]
    files = {"": needed, "-otel": needed + extras["otel"], "-build": project["build-system"]["requires"]}
    for file, requirements in files.items():
        text = (ROOT / "deploy" / f"requirements{file}.txt").read_text()
        fixed = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+) .*\\\n +--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE))
        assert len(fixed) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(fixed[requirement.name])
        assert "://" not in text
        assert f"deploy/requirements{file}.txt" in DOCKERFILE
    assert len(re.findall(r"pip \S*.*install .*--no-deps --require-hashes -r", DOCKERFILE)) == 2


def test_without_a_cluster_the_deployment_says_what_the_program_understands() -> None:
    """Every setting named for the replicas is one, and the probes lead to routes that there are."""
    kinds = {each["kind"]: each for each in yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())}
    assert set(kinds) == {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    named = {variable["name"] for variable in container["env"]} | set(services["errtrack-mcp-1"]["environment"])
    assert named <= {variable_of(name) for name in Settings.model_fields}
    assert kinds["Service"]["spec"]["sessionAffinity"] == "ClientIP"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for words in (container["args"], services["errtrack-mcp-1"]["command"]):
        command = main.get_command(click.Context(main), words[0])
        assert command is not None
        command.make_context("serve", list(words[1:]))


def test_without_a_cluster_the_deployment_is_valid_against_the_published_schemas() -> None:
    """Strictly: a field that Kubernetes does not know is a mistake."""
    done = subprocess.run(
        [str(SCRIPTS / "kubernetes-validate"), "--strict", str(ROOT / "deploy" / "kubernetes.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_an_engine_the_recipe_runs_as_nobody() -> None:
    """The user is a number, so that a cluster can see that it is not root, and nothing is copied in afterwards."""
    final = DOCKERFILE.rpartition("FROM")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "COPY" not in final.partition("USER")[2]
    assert "RUN" not in final


def test_without_an_engine_the_command_of_the_recipe_starts_and_its_health_check_tells(tmp_path: Path) -> None:
    """The very command line serves without a home, says that it is well, and is missed when it is gone."""
    port = free_port()
    entry, *rest = instruction("ENTRYPOINT") + instruction("CMD")
    assert entry == Path(COMMAND).stem
    rest[rest.index("8000")] = str(port)
    with subprocess.Popen(
        [COMMAND, *rest], stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(HOME="/nonexistent")
    ) as process:
        assert process.stderr is not None
        assert str(port) in process.stderr.readline()
        assert healthcheck(port) == 0
        process.terminate()
        process.stderr.read()
    assert healthcheck(port) != 0
    assert not list(tmp_path.iterdir())


def test_without_an_engine_what_is_installed_leaves_the_image_below_200_mb(tmp_path: Path) -> None:
    """The base image, rounded up, and everything that the recipe installs on top of it."""
    subprocess.run([str(SCRIPTS / "uv"), "venv", "--quiet", "--python", sys.executable, str(tmp_path)], check=True)
    python = tmp_path / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [str(SCRIPTS / "uv"), "pip", "install", "--quiet", "--compile-bytecode", "--link-mode", "copy"]
    fixed = ["--require-hashes", "-r", str(ROOT / "deploy" / "requirements.txt")]
    for what in (fixed, [str(ROOT)]):
        subprocess.run([*install, "--no-deps", "--python", str(python), *what], check=True)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file() and not file.is_symlink())
    print(f"installed: {size / 1e6:.0f} MB")
    assert BASE + size < LIMIT


def test_without_an_engine_only_what_the_recipe_copies_is_sent_to_the_engine() -> None:
    """The context is a list of what is in, so that no key file and no environment is ever sent along."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    assert allowed == {name for line in copied for name in line.split()}
    assert (ROOT / ".dockerignore").read_text().startswith("*\n")
