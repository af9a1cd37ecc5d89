"""The server over HTTP next to a bare SDK server that forwards the same request: `make bench-http`.

nginx answers in PostHog's place and wrk calls, since both cost next to nothing: on two cores, whatever the load and
the upstream take is taken from the servers that are measured.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.support.cluster import running
from tests.support.installed import free_port

from benchmarks.report import Limit, limits_table
from benchmarks.samples import Samples, ratios
from benchmarks.sides import COLLECTIONS, HERE, INSTALLED
from errtrack_mcp.sandbox.seed import FULL_KEY

CALLERS = 32
SECONDS = 4
ROUNDS = 6
KEYS = 5000  # one key may send 480 requests a minute: it takes many to find out what a server can do
FLOOR, OURS, TWO = "bare SDK server", "errtrack-mcp", "errtrack-mcp, two workers"
UPSTREAM = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location / {{ return 200 '{answer}'; }}
    }}
}}
"""
SCRIPT = """
local number = 0
local body = [==[{body}]==]
function request()
  number = (number + 1) % {keys}
  wrk.headers["Authorization"] = "Bearer phx_caller_" .. number
  return wrk.format("POST", "/mcp", wrk.headers, body)
end
{headers}
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw: calls a second, and the 99th percentile of their latency in milliseconds."""

    rate: float
    p99: float


def main() -> int:
    """Measure and print both sides in both protocol eras; returns 1 where a limit is missed."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        upstream = exits.enter_context(posthog(folder))
        urls = {
            FLOOR: exits.enter_context(bare_server(upstream)),
            OURS: exits.enter_context(our_server(upstream)),
            TWO: exits.enter_context(our_workers(upstream)),
        }
        limits = [limit for mode in ("legacy", "2026-07-28") for limit in compare(folder, urls, mode)]
    print(f"\n{limits_table(limits)}\n")
    return 0 if all(limit.kept for limit in limits) else 1


def compare(folder: Path, urls: Mapping[str, str], mode: str) -> list[Limit]:
    """Load every side in turns with a client's own request of that era, print what came out, and judge it."""
    scripts = {side: record(folder / f"{mode} {side}.lua", url, side, mode) for side, url in urls.items()}
    loads: dict[str, list[Load]] = {side: [] for side in urls}
    sides = list(urls)
    for turn in range(ROUNDS + 1):
        for side in (*sides[turn % 3 :], *sides[: turn % 3]):
            loads[side].append(wrk(urls[side], scripts[side]))
    warm = {side: taken[1:] for side, taken in loads.items()}
    rates = {side: Samples([load.rate for load in taken]) for side, taken in warm.items()}
    p99s = {side: Samples([load.p99 for load in taken]) for side, taken in warm.items()}
    print(f"\n{CALLERS} callers at once, protocol {mode}, {ROUNDS} rounds of {SECONDS} s in turns (±: spread)")
    for side in sides:
        rate, p99 = rates[side], p99s[side]
        print(
            f"  {side:<26} {rate.median:6.0f} calls/s ±{rate.spread:.0%}   p99 {p99.median:6.1f} ms ±{p99.spread:.0%}"
        )
    return [
        Limit(f"{mode}: calls a second", ratios(rates[OURS], rates[FLOOR]).median, 0.9, "of the floor", at_least=True),
        Limit(f"{mode}: p99", ratios(p99s[OURS], p99s[FLOOR]).median, 1.1, "of the floor"),
        Limit(f"{mode}: two workers", ratios(rates[TWO], rates[OURS]).median, 1.6, "of one", at_least=True),
    ]


@contextmanager
def posthog(folder: Path) -> Iterator[str]:
    """Answer every list with the same five releases, as PostHog's CLI makes them."""
    rows = [
        {
            "id": f"019b0000-0000-7000-8000-00000000000{number}",
            "hash_id": f"{number:0128x}",
            "team_id": 1,
            "created_at": "2026-11-01T10:00:00.000000Z",
            "metadata": {"git": {"commit_id": f"{number:040x}", "branch": "main", "repo_name": "shop"}},
            "version": f"{number:040x}",
            "project": "shop",
        }
        for number in range(5)
    ]
    answer = json.dumps({"count": 5, "next": None, "previous": None, "results": rows})
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(UPSTREAM.format(folder=folder, port=port, answer=answer))
    with running("nginx", "-p", str(folder), "-c", str(conf), port=port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def bare_server(upstream: str) -> Iterator[str]:
    """Run the bare SDK server, in an environment of its own."""
    port = free_port()
    python = str(INSTALLED / "floor/bin/python")
    with running(python, str(HERE / "floor_http.py"), upstream, str(port), port=port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def our_server(upstream: str) -> Iterator[str]:
    """Run ours, as the command starts it."""
    port = free_port()
    command = [str(INSTALLED / "errtrack/bin/errtrack-mcp"), "serve", "--transport", "http", "--port", str(port)]
    with running("env", f"POSTHOG_HOST={upstream}", *command, port=port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def our_workers(upstream: str) -> Iterator[str]:
    """Run ours, as two workers of an ASGI server."""
    port = free_port()
    command = [str(INSTALLED / "errtrack/bin/python"), str(HERE / "workers.py"), str(port)]
    with running("env", f"POSTHOG_HOST={upstream}", *command, port=port):
        yield f"http://127.0.0.1:{port}"


def record(script: Path, url: str, side: str, mode: str) -> Path:
    """Have the SDK's client make the call once, and write what it sent as a script for wrk."""
    sent: list[httpx2.Request] = []

    async def keep(request: httpx2.Request) -> None:
        sent.append(request)

    async def call() -> None:
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {FULL_KEY}"}, event_hooks={"request": [keep]})
        async with http, Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client:
            result = await client.call_tool("forward" if side == FLOOR else COLLECTIONS["releases"], {"limit": 5})
            if result.is_error or not result.structured_content:
                raise RuntimeError(f"{side} did not answer: {result}")

    anyio.run(call)
    request = next(each for each in sent if b'"tools/call"' in each.content)
    own = {"host", "content-length", "authorization", "connection", "accept-encoding"}
    headers = [f'wrk.headers["{name}"] = "{value}"' for name, value in request.headers.items() if name not in own]
    script.write_text(SCRIPT.format(body=request.content.decode(), keys=KEYS, headers="\n".join(headers)))
    return script


def wrk(url: str, script: Path) -> Load:
    """Call from 32 connections for some seconds."""
    program = shutil.which("wrk")
    if not program:
        raise SystemExit("wrk is not installed; on Debian: apt-get install wrk nginx")
    command = [program, "-t1", f"-c{CALLERS}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if not rate or not p99 or "Non-2xx" in said:
        raise RuntimeError(said)
    return Load(float(rate[1]), float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]])


if __name__ == "__main__":
    sys.exit(main())
