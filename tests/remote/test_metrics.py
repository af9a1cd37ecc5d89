"""What has been counted, as Prometheus reads it."""

from pathlib import Path

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.values import MultiProcessValue

from errtrack_mcp.remote.metrics import Metrics


def samples(metrics: Metrics) -> dict[str, float]:
    """Return each sample by its name and labels."""
    text, content_type = metrics.exposition()
    assert content_type.startswith("text/plain; version=")
    return {
        " ".join([sample.name, *(sample.labels[name] for name in sorted(sample.labels))]): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_two_apps_in_one_process_count_apart() -> None:
    """A program may embed more than one."""
    one, other = Metrics(), Metrics()
    one.answered(200)
    one.answered(200)
    other.throttled("budget")
    assert samples(one)["errtrack_http_responses_total 200"] == 2
    assert "errtrack_http_responses_total 200" not in samples(other)


def test_redis_is_shown_only_where_one_is_used() -> None:
    """A 0 would wake somebody up."""
    metrics = Metrics()
    assert "errtrack_redis_up" not in samples(metrics)
    for up in (True, False):
        metrics.redis(up=up)
        assert samples(metrics)["errtrack_redis_up"] == up


def test_whichever_worker_is_asked_tells_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They add up, and Redis is away where one of them misses it."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    workers = []
    for process in (1, 2):
        values = MultiProcessValue(lambda process=process: process)  # type: ignore[no-untyped-call]
        monkeypatch.setattr(prometheus_client.values, "ValueClass", values)
        metrics = Metrics()
        metrics.call("list", "ok", 0.1)
        metrics.in_flight(process)
        metrics.redis(up=process == 1)
        workers.append(metrics)
    for metrics in workers:
        seen = samples(metrics)
        assert (seen["errtrack_calls_total ok list"], seen["errtrack_calls_in_flight"]) == (2, 3)
        assert seen["errtrack_redis_up"] == 0
