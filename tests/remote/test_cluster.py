"""Three replicas behind nginx, with Redis: what is shared, and what a replica that dies or leaves takes with it."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from tests.support.cluster import Cluster, cluster, redis
from tests.support.npm import CLIENTS, Node
from tests.support.results import text_of
from tests.support.serving import LIST, NO_AUTHORITIES, call_body, caller, get, posting, sse_caller
from tests.support.upstream import Upstream, serve
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

CREATE = "error-tracking-releases-create"
WORKERS = 12
SESSION = CLIENTS / "session.mjs"


@dataclass
class Shop:
    """An upstream that takes its time, knows no limits, and counts what it was asked to create."""

    created: Counter[str] = field(default_factory=Counter)
    creating: int = 0
    lists: int = 0
    answering: threading.Event | None = None
    """What is being created is answered as soon as this is set."""

    def app(self) -> Starlette:
        """Return the upstream."""
        return Starlette(
            routes=[Route("/api/projects/{team}/error_tracking/releases/", self._releases, methods=["GET", "POST"])]
        )

    async def _releases(self, request: Request) -> JSONResponse:
        if request.method == "GET":
            self.lists += 1
            await anyio.sleep(0.1)
            return JSONResponse({"count": 0, "next": None, "previous": None, "results": []})
        body = await request.json()
        self.created[body["version"]] += 1
        self.creating += 1
        if self.answering is not None:
            await anyio.to_thread.run_sync(self.answering.wait, 60)
        self.creating -= 1
        return JSONResponse({"id": release_id(1), **body}, 201)


@pytest.fixture
def shop() -> Shop:
    """Make that upstream."""
    return Shop()


@pytest.fixture
def cluster_of_three(tmp_path: Path, shop: Shop) -> Iterator[Cluster]:
    """Run it behind three replicas, with Redis, for a test that stops one of them or counts what the shop was asked."""
    with serve(shop.app()) as upstream, cluster(tmp_path, upstream.url) as running, redis(running.redis_port):
        yield running


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run the same once for all tests that only ask; each brings keys of its own."""
    folder = tmp_path_factory.mktemp("cluster")
    with serve(Shop().app()) as upstream, cluster(folder, upstream.url) as running, redis(running.redis_port):
        yield running


@dataclass
class Load:
    """What came of calls made without a pause: reads, and creations by version."""

    reads: Counter[str] = field(default_factory=Counter)
    creations: dict[str, str] = field(default_factory=dict)


@contextmanager
def under_load(url: str, threads: int = 4, *, creating: bool = False) -> Iterator[Load]:
    """Call from so many threads, each with a key of its own, for as long as the context lasts."""
    load, stop, versions = Load(), threading.Event(), itertools.count()

    def work(worker: int) -> None:
        with httpx.Client(headers=posting(f"phx_worker_{worker}"), timeout=30, verify=NO_AUTHORITIES) as client:
            for turn in itertools.count():
                if stop.is_set():
                    return
                if creating and turn % 4 == 0:
                    version = str(next(versions))
                    load.creations[version] = _outcome(client, url, call_body(CREATE, version=version, project="p"))
                else:
                    load.reads[_outcome(client, url, call_body())] += 1

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work, number) for number in range(threads)]
        try:
            yield load
        finally:
            stop.set()
        for worker in workers:
            worker.result()


def _outcome(client: httpx.Client, url: str, body: dict[str, Any]) -> str:
    """Return ok, the code of a tool's failure, or what went wrong below."""
    try:
        answer = client.post(f"{url}/mcp", json=body)
    except httpx.HTTPError as error:
        return type(error).__name__
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    result = answer.json()["result"]
    return str(result["content"][0]["text"].partition(":")[0]) if result["isError"] else "ok"


@pytest.mark.anyio
async def test_every_kind_of_client_is_served_by_all_three(undisturbed: Cluster) -> None:
    """Calls of both eras spread over the replicas; SSE stays with the one that holds its stream."""
    before = [undisturbed.calls(number) for number in range(3)]
    for mode in ("legacy", "2026-07-28"):
        async with caller(undisturbed.url, "phx_any", mode=mode) as client, anyio.create_task_group() as group:
            await client.list_tools()
            for _ in range(30):
                group.start_soon(client.call_tool, LIST, {})
    for key in ("phx_one", "phx_two", "phx_three"):
        async with sse_caller(undisturbed.url, key) as client:
            assert not (await client.call_tool(LIST, {})).is_error
    spread = [undisturbed.calls(number) - before[number] for number in range(3)]
    assert sum(spread) == 63
    assert min(spread) >= 10


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/m%65trics/", "//metrics", "/x/../metrics"])
def test_the_metrics_are_for_nobody_outside(undisturbed: Cluster, path: str) -> None:
    """However the path is written."""
    url = httpx.URL(undisturbed.url).copy_with(raw_path=path.encode())
    assert get(url).status_code == 403


def test_one_key_has_a_limit_of_requests(undisturbed: Cluster) -> None:
    """More than nginx lets a key send are answered with 429; another key is served."""
    with httpx.Client(headers=posting("phx_one_key"), base_url=undisturbed.url, verify=NO_AUTHORITIES) as client:
        codes = Counter(client.get("/healthz").status_code for _ in range(1500))
    assert set(codes) == {200, 429}
    assert get(undisturbed.url + "/healthz", headers=posting("phx_other_key")).status_code == 200


def test_the_typescript_client_is_served_too(tmp_path: Path, sandbox: Upstream, node: Node) -> None:
    """Through nginx, with several calls in one connection, over both transports."""
    with cluster(tmp_path, sandbox.url) as running:
        for number, (transport, path) in enumerate((("http", "/mcp"), ("sse", "/sse")), 1):
            done = node(SESSION, "sdk", transport, "legacy", running.url + path, FULL_KEY)
            assert done.returncode == 0, done.stderr
            assert sum(running.calls(replica) for replica in range(3)) == 2 * number
            report = json.loads(done.stdout)
            assert len(report["answer"]["results"]) == 2
            assert report["refusal"]["isError"] is True


@pytest.mark.slow
def test_a_replica_killed_under_load_loses_no_read_and_doubles_no_creation(
    cluster_of_three: Cluster, shop: Shop
) -> None:
    """Nginx asks another replica; what might have been created already is not created again, and says so."""
    shop.answering = threading.Event()
    with under_load(cluster_of_three.url, WORKERS, creating=True) as load:
        until(lambda: shop.creating >= WORKERS)  # so that some are under way where the replica dies
        cluster_of_three.replicas[0].process.kill()
        cluster_of_three.replicas[0].process.wait()
        shop.answering.set()
        before = load.reads.total()
        until(lambda: load.reads.total() > before + 200)
    assert set(load.reads) == {"ok"}, load.reads
    assert load.reads["ok"] > 50
    assert set(load.creations.values()) == {"ok", "interrupted"}
    assert max(shop.created.values()) == 1
    assert all(shop.created[version] == 1 for version, outcome in load.creations.items() if outcome == "ok")


def test_a_rolling_restart_fails_no_read(cluster_of_three: Cluster) -> None:
    """One after the other leaves and comes back, under load."""
    with under_load(cluster_of_three.url) as load:
        for number in range(3):
            cluster_of_three.restart(number)
        # nginx leaves one that has failed alone for ten seconds
        until(lambda: all(cluster_of_three.calls(number) > 0 for number in range(3)))
    assert set(load.reads) == {"ok"}, load.reads


def test_redis_may_go_and_come_back(tmp_path: Path, shop: Shop) -> None:
    """Calls go on without it; readiness and a metric say where the budget is kept."""
    with serve(shop.app()) as upstream, cluster(tmp_path, upstream.url) as running:
        first = running.replicas[0].url

        def budget() -> str:
            return str(get(f"{first}/readyz").json()["budget"])

        def gauge(value: str) -> bool:
            return f"errtrack_redis_up {value}" in get(f"{first}/metrics").text

        with under_load(running.url) as load:
            with redis(running.redis_port) as process:
                until(lambda: budget() == "redis")
                until(lambda: gauge("1.0"))
                process.kill()
                until(lambda: budget() == "process, since redis is away")
                assert get(f"{first}/readyz").status_code == 200
                until(lambda: gauge("0.0"))
            with redis(running.redis_port):
                until(lambda: budget() == "redis")
                until(lambda: gauge("1.0"))
        assert set(load.reads) == {"ok"}, load.reads
        assert "redis is away" in "".join(running.replicas[0].log)


@pytest.mark.slow
def test_three_replicas_share_one_keys_budget(cluster_of_three: Cluster, shop: Shop) -> None:
    """480 a minute in all, to within 2%; the rest is told how long to wait."""
    replicas = itertools.cycle(replica.url for replica in cluster_of_three.replicas)

    with (
        httpx.Client(headers=posting("phx_one_key"), timeout=30, verify=NO_AUTHORITIES) as client,
        ThreadPoolExecutor(WORKERS) as threads,
    ):
        calls = (partial(_outcome, client, url, call_body()) for url in itertools.islice(replicas, 600))
        outcomes = Counter(threads.map(lambda call: call(), calls))
    assert set(outcomes) == {"ok", "rate_limited"}
    assert abs(outcomes["ok"] - 480) <= 0.02 * 480
    assert shop.lists == outcomes["ok"]


class Rotating(httpx2.AsyncHTTPTransport):
    """Sends each request to the next of several origins."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__()
        self.asked: list[int] = []
        self._ports = itertools.cycle(httpx2.URL(url).port for url in urls)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        port = next(self._ports)
        assert port
        self.asked.append(port)
        request.url = request.url.copy_with(port=port)
        return await super().handle_async_request(request)


@pytest.mark.anyio
async def test_a_deletion_begun_on_one_replica_is_finished_on_another(
    tmp_path: Path, sandbox: Upstream, database: Database
) -> None:
    """The question that the first one asks is sealed, and any replica with the same key can read the answer."""
    release = release_id(3)

    async def yes(context: Any, params: Any) -> ElicitResult:
        del context, params
        return ElicitResult(action="accept", content={"agree": True})

    with cluster(tmp_path, sandbox.url) as running, redis(running.redis_port):
        rotating = Rotating([replica.url for replica in running.replicas])
        async with (
            httpx2.AsyncClient(headers=posting(FULL_KEY), transport=rotating, timeout=30) as http,
            Client(
                streamable_http_client(f"{running.replicas[0].url}/mcp", http_client=http),
                mode="2026-07-28",
                elicitation_callback=yes,
            ) as client,
        ):
            await client.list_tools()
            preview = await client.call_tool("error-tracking-releases-destroy", {"id": release})
            assert preview.structured_content is not None
            asked = len(rotating.asked)
            arguments = {"id": release, "confirm": preview.structured_content["confirm"]}
            result = await client.call_tool("error-tracking-releases-destroy", arguments)
    assert result.structured_content is not None, text_of(result)
    assert result.structured_content["deleted"] is True
    rounds = rotating.asked[asked:]
    assert len(rounds) >= 2
    assert len(set(rounds)) == len(rounds[:3]), "each round went to another replica"
    assert database.execute("SELECT 1 FROM releases WHERE id = ?", (release,)).fetchone() is None
