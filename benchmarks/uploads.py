"""What it costs to upload a build, next to a bare script that sends the same files; and what injecting takes."""

import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import Samples
from benchmarks.sessions import Session, environment
from benchmarks.sides import HERE, INSTALLED, OURS, ours
from errtrack_mcp.builds.directory import BuildDirectory
from errtrack_mcp.builds.pack import pack
from errtrack_mcp.builds.uploadable import Binding, Pair, Rewrite, examine, rewrite
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID

CHUNKS = 1_000
CHUNK_BYTES = 50_000  # of a file, once it is packed
BARE = "bare script"
INJECTING = "errtrack-mcp, injecting first"
TOOL = "error-tracking-symbol-sets-upload"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
PACKED = 0.77  # of a random text of 64 letters, by zstd


@dataclass(frozen=True)
class Uploading:
    """Times in ms by side, and by how many MB our server's peak rose while it injected and packed 100 MB.

    The side OURS uploads builds that are injected already: like the bare script it reads, packs and sends files.
    `per_mb` has the ms for each MB of scripts and maps, by the size of the build in MB.
    """

    times: dict[str, Samples]
    risen: float
    per_mb: dict[int, float]


def measure_uploads(url: str, rounds: int) -> Uploading:
    """Upload builds in turns, each a new one; then inject and upload small and large ones."""
    times: dict[str, list[float]] = {OURS: [], BARE: [], INJECTING: []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for place, name in enumerate(("plain", "injected", "bare")):
                write_build(root / name, CHUNKS, CHUNK_BYTES, seed=3 * number + place)
            inject(root / "injected")
            with ours(url, POSTHOG_PROJECT_ID=str(PROJECT_ID), ERRTRACK_BUILD_ROOT=folder).session(
                seconds=600
            ) as session:
                times[INJECTING].append(_upload(session, "plain", CHUNKS))
                times[OURS].append(_upload(session, "injected", CHUNKS))
            times[BARE].append(_run_script(url, prepared(root / "bare", root / "files")))
    per_mb, risen = {}, 0.0
    for size in (1, 10, 100):
        with tempfile.TemporaryDirectory() as folder:
            write_build(Path(folder) / "dist", size, 1_000_000, seed=1000 + size)
            with ours(url, POSTHOG_PROJECT_ID=str(PROJECT_ID), ERRTRACK_BUILD_ROOT=folder).session(
                seconds=600
            ) as session:
                session.request("tools/list")
                before = session.memory()
                per_mb[size] = _upload(session, "dist", size) / size
                risen = session.peak_memory() - before
    return Uploading({side: Samples(found) for side, found in times.items()}, risen, per_mb)


def write_build(folder: Path, scripts: int, size: int, seed: int) -> None:
    """Write a build of so many scripts; a script and its map have together about `size` bytes once they are packed."""
    folder.mkdir()
    chance = random.Random(seed)  # noqa: S311 - no secret
    for number in range(scripts):
        text = "".join(chance.choices(ALPHABET, k=int(size / PACKED)))
        third = len(text) // 3
        source_map = {
            "version": 3,
            "sources": [f"source{number}.ts"],
            "sourcesContent": [text[third:]],
            "names": [],
            "mappings": "AAAA,IAAI",
        }
        (folder / f"chunk{number}.js").write_text(f'"use strict";app("{text[:third]}");')
        (folder / f"chunk{number}.js.map").write_text(json.dumps(source_map))


def prepared(build: Path, files: Path) -> Path:
    """Pack a build as the upload would, into one file for each chunk id."""
    files.mkdir()
    for pair, written in rewritten(build):
        (files / pair.chunk_id).write_bytes(pack(written.script, written.source_map))
    shutil.rmtree(build)
    return files


def inject(build: Path) -> None:
    """Inject a build as the upload would."""
    for pair, written in rewritten(build):
        pair.script.write_bytes(written.script)
        pair.source_map.write_bytes(written.source_map)


def rewritten(build: Path) -> Iterator[tuple[Pair, Rewrite]]:
    """Return each pair of a build with its new content."""
    binding = Binding()
    for bundle in BuildDirectory(build, build).bundles():
        pair = examine(bundle, build, build, binding)
        if not isinstance(pair, Pair):
            raise TypeError(f"{bundle.path} cannot be uploaded: {pair.state}")
        yield pair, rewrite(pair, pair.script.read_bytes(), pair.source_map.read_bytes(), binding)


def _upload(session: Session, directory: str, scripts: int) -> float:
    """Plan an upload, carry it out, and return the ms of the second call."""
    planned = session.call(TOOL, directory=directory)["structuredContent"]
    began = time.perf_counter()
    done = session.call(TOOL, directory=directory, confirm=planned["confirm"])["structuredContent"]
    took = (time.perf_counter() - began) * 1000
    if not done["uploaded"] or not done["summary"].startswith(f"{scripts:,} of {scripts:,} "):
        raise RuntimeError(f"not everything was uploaded: {done['summary']}")
    return took


def _run_script(url: str, files: Path) -> float:
    """Run the bare script to its end, and return the ms that it says it took."""
    python, script = str(INSTALLED / "errtrack/bin/python"), str(HERE / "bare_upload.py")
    command = [python, script, url, FULL_KEY, str(PROJECT_ID), str(files)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, env=environment({})).stdout)
    if said["sent"] != CHUNKS:
        raise RuntimeError("the bare script did not send every file")
    return float(said["ms"])
