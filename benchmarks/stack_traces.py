"""What it costs to resolve a stack trace in a large map, next to a bare script that does the same."""

import json
import subprocess
import time
from dataclasses import dataclass

import httpx

from benchmarks.large_map import LargeBuild, large_build
from benchmarks.samples import Samples, in_turns
from benchmarks.sessions import Session, environment
from benchmarks.sides import HERE, INSTALLED, OURS, ours
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID

FRAMES = 50
MAP_BYTES = 3_000_000
REF = "bench-large-map"
SCRIPT, WITHOUT_START = "bare script", "bare script, without the start of Python"
TOOL = "error-tracking-stack-traces-resolve"


@dataclass(frozen=True)
class Resolving:
    """Times in ms, by side: a call of a running server, the bare script, and the script without the start of Python.

    `grown` says by how many MB the server holds more afterwards than before its first call.
    """

    times: dict[str, Samples]
    grown: float


def measure_resolving(url: str, rounds: int, most: int) -> Resolving:
    """Upload a large map, then resolve a trace in it in turns."""
    build = large_build(MAP_BYTES)
    upload(url, build.container(REF))
    columns = build.columns_of(FRAMES)
    without_start: list[float] = []
    with ours(url, POSTHOG_PROJECT_ID=str(PROJECT_ID)).session(seconds=300) as session:

        def resolve(name: str) -> float:
            began = time.perf_counter()
            if name == OURS:
                _call(session, build)
            else:
                without_start.append(_run_script(url, columns))
            return (time.perf_counter() - began) * 1000

        session.request("tools/list")
        before = session.memory()
        times = in_turns([OURS, SCRIPT], resolve, rounds, most)
        return Resolving({**times, WITHOUT_START: Samples(without_start)}, session.memory() - before)


def _run_script(url: str, columns: list[int]) -> float:
    """Run the bare script to its end, and return the ms that it says it took."""
    python, script = str(INSTALLED / "errtrack/bin/python"), str(HERE / "bare_resolve.py")
    command = [python, script, url, FULL_KEY, str(PROJECT_ID), REF]
    asked = json.dumps(columns).encode()
    said = json.loads(subprocess.run(command, input=asked, capture_output=True, check=True, env=environment({})).stdout)
    if len(said["found"]) != FRAMES:
        raise RuntimeError("the bare script did not resolve every frame")
    return float(said["ms"])


def _call(session: Session, build: LargeBuild) -> None:
    answer = session.call(TOOL, trace=build.trace(FRAMES), refs=[REF])["structuredContent"]
    if not answer["readable"] or len(answer["traces"][0]["frames"]) != FRAMES:
        raise RuntimeError(f"not every frame was resolved: {answer['summary']}")


def upload(url: str, file: bytes) -> None:
    """Upload a symbol set as PostHog's tools do."""
    symbol_sets = f"{url}/api/projects/{PROJECT_ID}/error_tracking/symbol_sets"
    with httpx.Client(headers={"Authorization": f"Bearer {FULL_KEY}"}) as api:
        wanted = {"symbol_sets": [{"chunk_id": REF, "release_id": None, "content_hash": "h"}], "force": True}
        ticket = api.post(f"{symbol_sets}/bulk_start_upload/", json=wanted).raise_for_status().json()["id_map"][REF]
        form = ticket["presigned_url"]
        httpx.post(form["url"], data=form["fields"], files={"file": ("file", file)}).raise_for_status()
        hashes = {"content_hashes": {ticket["symbol_set_id"]: "h"}}
        api.post(f"{symbol_sets}/bulk_finish_upload/", json=hashes).raise_for_status()
