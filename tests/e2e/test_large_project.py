"""What a diagnosis costs: against plain httpx on the same pages, by the number of rows, and in memory.

100,000 symbol sets are diagnosed where ERRTRACK_LARGE_PROJECT=1 (make large); 10,000 otherwise.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from statistics import median
from typing import Any

import anyio
import httpx
import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, READ_KEY
from tests.support.installed import COMMAND, Session, environment
from tests.support.memory import needs_proc, peak_memory
from tests.support.serving import NO_AUTHORITIES

DIAGNOSE = "error-tracking-symbol-sets-diagnose"
LARGE = bool(os.environ.get("ERRTRACK_LARGE_PROJECT"))
SIZES = (1_000, 10_000, 100_000) if LARGE else (1_000, 10_000)
SEEDED = 58
AT_ONCE = 8
MAX_TOKENS_A_TOOL = 1.3 if LARGE else 2.0  # a short reading is the less certain the busier the machine is
MEGABYTE = 2**20
ROUNDS = 3


@contextmanager
def project(symbol_sets: int) -> Iterator[str]:
    """Serve a project of that size from a process of its own."""
    arguments = ["sandbox", "--port", "0", "--seed-releases", "200", "--seed-symbol-sets", str(symbol_sets)]
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said
        try:
            yield found[0]
        finally:
            process.terminate()


async def fetch(url: str, total: int) -> float:
    """Fetch every page with plain httpx, eight at once, and return the seconds it took."""
    headers = {"Authorization": f"Bearer {READ_KEY}"}
    path = f"{url}/api/projects/{PROJECT_ID}/error_tracking/symbol_sets/"
    offsets = iter(range(0, total, 100))

    async def ask() -> None:
        for offset in offsets:
            answer = await client.get(path, params={"limit": 100, "offset": offset, "include_count": "false"})
            answer.raise_for_status()

    async with httpx.AsyncClient(headers=headers, verify=NO_AUTHORITIES) as client:
        began = time.perf_counter()  # our server has made its own by then, too
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(ask)
    return time.perf_counter() - began


@contextmanager
def server(url: str) -> Iterator[Session]:
    """Start our server in front of a project, with one call behind it."""
    variables = {"POSTHOG_HOST": url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY, "POSTHOG_PROJECT_ID": str(PROJECT_ID)}
    with subprocess.Popen(
        [COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(**variables)
    ) as process:
        session = Session(process)
        session.initialize("2025-11-25")
        session.request("tools/call", {"name": "error-tracking-symbol-sets-list", "arguments": {"limit": 1}})
        try:
            yield session
        finally:
            process.kill()


def diagnose(session: Session) -> tuple[float, dict[str, Any]]:
    """Diagnose the whole project, and return the seconds it took with the answer."""
    began = time.perf_counter()
    result = session.request("tools/call", {"name": DIAGNOSE, "arguments": {}})
    return time.perf_counter() - began, result["structuredContent"]


def measure(size: int) -> tuple[float, float, float]:
    """Return the seconds of a diagnosis, how many times those of plain httpx that is, and the megabytes grown.

    Each is the median of some rounds, every one with a server of its own. A key may read 100,000 rows a minute, so
    rounds in a project that large have a project of their own, too.
    """
    rounds = []
    with ExitStack() as projects:
        urls = [projects.enter_context(project(size)) for _ in range(ROUNDS if LARGE else 1)]
        for url in islice(cycle(urls), ROUNDS):
            with server(url) as session:
                idle = peak_memory(session.process.pid)
                plain = anyio.run(fetch, url, size + SEEDED)
                seconds, answer = diagnose(session)
                assert answer["symbol_sets"] == size + SEEDED
                assert "not_seen" not in answer
                rounds.append((seconds, seconds / plain, (peak_memory(session.process.pid) - idle) / MEGABYTE))
    seconds, ratio, grown = map(median, zip(*rounds, strict=True))
    return seconds, ratio, grown


@pytest.mark.slow
@needs_proc
def test_a_large_project_costs_what_its_pages_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """A bounded multiple of plain httpx, in proportion to the rows, and below 40 MB of memory more than when idle."""
    figures = {size: measure(size) for size in SIZES}
    with capsys.disabled():
        for size, (seconds, ratio, grown) in figures.items():
            print(
                f"\n{size:>7,} symbol sets: {seconds:.2f} s, {ratio:.2f} times plain httpx, "
                f"{1e6 * seconds / size:.0f} us a row, {grown:.1f} MB grown",
                end="",
            )
    smallest, largest = SIZES[0], SIZES[-1]
    seconds, ratio, grown = figures[largest]
    assert ratio <= MAX_TOKENS_A_TOOL
    assert grown < 40
    assert seconds / largest <= 1.5 * figures[smallest][0] / smallest
