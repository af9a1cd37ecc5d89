"""Prometheus metrics. No label holds text of a caller."""

import os

import prometheus_client as prometheus
from prometheus_client import multiprocess


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = prometheus.CollectorRegistry()
        self._calls = prometheus.Counter(
            "errtrack_calls", "Tool calls that have ended.", ["tool", "outcome"], registry=registry
        )
        self._call_seconds = prometheus.Histogram(
            "errtrack_call_seconds", "How long tool calls took.", ["tool"], registry=registry
        )
        self._upstream = prometheus.Counter(
            "errtrack_upstream_requests", "Requests to PostHog.", ["method", "resource", "status"], registry=registry
        )
        self._upstream_seconds = prometheus.Histogram(
            "errtrack_upstream_seconds", "How long requests to PostHog took.", ["resource"], registry=registry
        )
        self._throttled = prometheus.Counter(
            "errtrack_throttled", "Requests held back by the budget, or by PostHog (429).", ["by"], registry=registry
        )
        self._answered = prometheus.Counter(
            "errtrack_http_responses", "Answers by HTTP status.", ["status"], registry=registry
        )
        self._in_flight = prometheus.Gauge(
            "errtrack_calls_in_flight", "Calls being worked on.", multiprocess_mode="livesum", registry=registry
        )
        self._redis: prometheus.Gauge | None = None

    def call(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a tool call by tool and outcome (ok, input_required, cancelled, or the code of its failure)."""
        self._calls.labels(tool, outcome).inc()
        self._call_seconds.labels(tool).observe(seconds)

    def upstream(self, method: str, resource: str, status: str, seconds: float) -> None:
        """Count a request to PostHog by its status, or by what came in place of one."""
        self._upstream.labels(method, resource, status).inc()
        self._upstream_seconds.labels(resource).observe(seconds)

    def throttled(self, by: str) -> None:
        """Count a request held back by our own budget (`budget`), or answered 429 (`posthog`)."""
        self._throttled.labels(by).inc()

    def answered(self, status: int) -> None:
        """Count an HTTP answer of ours."""
        self._answered.labels(str(status)).inc()

    def in_flight(self, calls: int) -> None:
        """Set the calls being worked on."""
        self._in_flight.set(calls)

    def redis(self, *, up: bool) -> None:
        """Set whether Redis answers; nothing is shown where none is used."""
        if self._redis is None:
            self._redis = prometheus.Gauge(
                "errtrack_redis_up", "1 while Redis answers.", multiprocess_mode="livemin", registry=self._registry
            )
        self._redis.set(1 if up else 0)

    def exposition(self) -> tuple[bytes, str]:
        """Return what Prometheus reads and its content type; of all workers, where PROMETHEUS_MULTIPROC_DIR is set."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return prometheus.generate_latest(registry), prometheus.CONTENT_TYPE_LATEST
