"""The upload from a shell: what a CI job sees, and what is left when it is killed."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from tests.support.fixtures import Run
from tests.support.installed import COMMAND, environment
from tests.support.invoked import invoke
from tests.support.terminal import run_on_terminal
from tests.support.upstream import Upstream

MAP = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "aAAA,IAAI"}
RELEASE = ("--project", "shop", "--version", "1.0")
SCRIPTS = 40
KILLS = 6


def build(root: Path, scripts: int = 2) -> Path:
    """Write a build with so many scripts, and return its folder."""
    dist = Path(os.path.realpath(root)) / "dist"
    dist.mkdir(parents=True)
    for number in range(scripts):
        (dist / f"chunk{number:02}.js").write_text(f'"use strict";f({number});')
        (dist / f"chunk{number:02}.js.map").write_text(json.dumps({**MAP, "file": f"chunk{number:02}.js"}))
    return dist


def place(upstream: Upstream) -> dict[str, str]:
    """Return the environment that leads to the project."""
    return {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY, "POSTHOG_PROJECT_ID": str(PROJECT_ID)}


def test_a_build_is_uploaded_in_one_command(run: Run, sandbox: Upstream, tmp_path: Path) -> None:
    """Exit 0, once more too; then the build check agrees, and standard error stays empty."""
    dist = build(tmp_path)
    first = run("upload", str(dist), *RELEASE, **place(sandbox))
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines[:2]] == [["uploaded", "chunk00.js"], ["uploaded", "chunk01.js"]]
    assert "Release 1.0 of shop (created)." in lines
    assert "Then check with errtrack-mcp build-check on the same directory." in first.stdout
    assert FULL_KEY not in first.stdout
    again = invoke("upload", str(dist), *RELEASE, "--json", **place(sandbox))
    assert again.returncode == 0
    assert json.loads(again.stdout)["summary"] == "2 of 2 scripts are there already."
    assert invoke("build-check", str(dist), **place(sandbox)).returncode == 0


def test_a_dry_run_changes_nothing(sandbox: Upstream, tmp_path: Path) -> None:
    """It exits as the upload would."""
    dist = build(tmp_path)
    before = {path.name: path.read_bytes() for path in dist.iterdir()}
    dry = invoke("upload", str(dist), *RELEASE, "--dry-run", **place(sandbox))
    assert (dry.returncode, dry.stdout.splitlines()[0].split("\t")[0]) == (0, "to_inject")
    assert {path.name: path.read_bytes() for path in dist.iterdir()} == before
    assert not [request for request in sandbox.requests if not request.startswith("GET")]
    (dist / "chunk00.js.map").unlink()
    assert invoke("upload", str(dist), *RELEASE, "--dry-run", **place(sandbox)).returncode == 1


def test_what_is_not_there_afterwards_is_a_failure(sandbox: Upstream, tmp_path: Path) -> None:
    """A script without a map, an empty folder, a project that refuses; wrong use is told apart."""
    dist = build(tmp_path)
    (dist / "chunk00.js.map").unlink()
    part = invoke("upload", str(dist), *RELEASE, **place(sandbox))
    assert part.returncode == 1
    assert part.stdout.startswith("no_map\tchunk00.js")
    assert "uploaded\tchunk01.js" in part.stdout
    assert "confirm" not in part.stdout + part.stderr
    assert invoke("upload", str(dist), *RELEASE, "--exclude", "chunk00.js", **place(sandbox)).returncode == 0
    (tmp_path / "empty").mkdir()
    assert invoke("upload", str(tmp_path / "empty"), **place(sandbox)).returncode == 1
    (dist / "chunk01.js").write_text("/*\n\n\n*/g();")
    (dist / "chunk01.js.map").write_text(json.dumps({**MAP, "mappings": "AAAA;;;!"}))
    damaged = invoke("upload", str(dist), *RELEASE, "--exclude", "chunk00.js", **place(sandbox))
    assert damaged.returncode == 1
    assert damaged.stdout.startswith("damaged_map\tchunk01.js")
    (dist / "chunk01.js.map").write_text(json.dumps(MAP))
    (dist / ".chunk01.js.0.errtrack-new").mkdir()
    unwritten = invoke("upload", str(dist), *RELEASE, "--exclude", "chunk00.js", **place(sandbox))
    assert (unwritten.returncode, "chunk01.js" in unwritten.stderr) == (1, True)
    refused = invoke("upload", str(dist), **{**place(sandbox), "POSTHOG_PERSONAL_API_KEY": "phx_wrong"})
    assert refused.returncode == 2
    assert invoke("upload", str(dist)).returncode == 2
    assert invoke("upload", str(dist), "--project", "shop", **place(sandbox)).returncode == 2


def test_the_release_comes_from_git_above_the_folder(sandbox: Upstream, tmp_path: Path) -> None:
    """As PostHog's CLI takes it."""
    dist = build(tmp_path / "repository")
    git = dist.parent / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text("0" * 40)
    (git / "config").write_text('[remote "origin"]\n\turl = git@github.com:owner/shop.git\n')
    done = invoke("upload", str(dist), "--json", **place(sandbox))
    assert done.returncode == 0
    release = json.loads(done.stdout)["release"]
    assert (release["project"], release["version"]) == ("shop", "0" * 40)


def test_a_person_sees_a_bar(sandbox: Upstream, tmp_path: Path) -> None:
    """On the terminal, and nothing of it in the result."""
    shown = run_on_terminal("upload", str(build(tmp_path)), *RELEASE, variables=place(sandbox))
    assert shown.returncode == 0
    assert "Reading the build." in shown.text
    assert "2 of 2 scripts" in shown.text


def test_after_a_kill_at_any_moment_a_second_run_completes_the_upload(sandbox: Upstream, tmp_path: Path) -> None:
    """Whatever was written by then: the files end as those of an upload that nobody killed."""
    calm = build(tmp_path / "calm", SCRIPTS)
    assert invoke("upload", str(calm), *RELEASE, **place(sandbox)).returncode == 0
    expected = {path.name: path.read_bytes() for path in calm.iterdir()}
    command = [COMMAND, "upload", *RELEASE]
    variables = environment(**place(sandbox))
    for number in range(KILLS):
        dist = build(tmp_path / f"killed{number}", SCRIPTS)
        with subprocess.Popen([*command, str(dist)], env=variables, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(dist.glob(".*.errtrack-*")):
                time.sleep(0.001)
            time.sleep(number * 0.01)
            process.send_signal(signal.SIGKILL)
        assert invoke("upload", str(dist), *RELEASE, **place(sandbox)).returncode == 0
        assert {path.name: path.read_bytes() for path in dist.iterdir()} == expected
