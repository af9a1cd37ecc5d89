"""nginx, Redis and three replicas on loopback, each a real process, put together by what `deploy/` holds."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.installed import free_port
from tests.support.serving import Serving, get, serving

DEPLOY = Path(__file__).parents[2] / "deploy"
STATE_KEY = "0123456789abcdef" * 4
AROUND = """
daemon off;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{conf}
}}
"""


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@contextmanager
def running(*command: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server for as long as the context lasts."""
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    assert program, f"{command[0]} is not installed; on Debian: apt-get install nginx redis-server"
    with subprocess.Popen([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=10)


@contextmanager
def redis(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Redis that keeps nothing on disk."""
    with running("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", port=port) as process:
        yield process


@contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[str]:
    """Run nginx with the configuration of `deploy/`, in front of these ports; yields its origin."""
    own = free_port()
    conf = re.sub(
        r"server 127\.0\.0\.1:800([123])",
        lambda match: f"server 127.0.0.1:{ports[int(match[1]) - 1]}",
        (DEPLOY / "upstreams.conf").read_text() + (DEPLOY / "nginx.conf").read_text(),
    )
    conf = conf.replace("listen 8080;", f"listen 127.0.0.1:{own};")
    main = folder / "nginx.conf"
    main.write_text(AROUND.format(folder=folder, conf=conf))
    with running("nginx", "-p", str(folder), "-c", str(main), port=own):
        yield f"http://127.0.0.1:{own}"


@dataclass
class Cluster:
    """Three replicas behind one origin, and what they share."""

    url: str
    upstream_url: str
    replicas: list[Serving]
    redis_port: int
    exits: ExitStack

    def restart(self, number: int) -> None:
        """Stop a replica gently and start it anew at its port."""
        old = self.replicas[number]
        assert old.stop() == 0
        port = httpx.URL(old.url).port
        assert port
        self.replicas[number] = self.exits.enter_context(replica(self.upstream_url, port, self.redis_port))

    def calls(self, number: int) -> float:
        """Return how many tool calls a replica has answered."""
        text = get(f"{self.replicas[number].url}/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("errtrack_calls_total{"))


@contextmanager
def replica(upstream_url: str, port: int, redis_port: int) -> Iterator[Serving]:
    """Start one replica of a cluster."""
    with serving(
        port=port,
        POSTHOG_HOST=upstream_url,
        ERRTRACK_REDIS_URL=f"redis://127.0.0.1:{redis_port}/0",
        ERRTRACK_STATE_KEYS=STATE_KEY,
        ERRTRACK_MAX_RETRY_WAIT="0",
        ERRTRACK_DRAIN_DELAY="0.5",
    ) as started:
        yield started


@contextmanager
def cluster(folder: Path, upstream_url: str) -> Iterator[Cluster]:
    """Start nginx and three replicas in front of an upstream; Redis, at `redis_port`, is the test's own to start."""
    redis_port, ports = free_port(), [free_port() for _ in range(3)]
    with ExitStack() as exits:
        replicas = [exits.enter_context(replica(upstream_url, port, redis_port)) for port in ports]
        url = exits.enter_context(nginx(folder, ports))
        yield Cluster(url, upstream_url, replicas, redis_port, exits)
