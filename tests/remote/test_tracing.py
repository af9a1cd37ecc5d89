"""Spans go where the environment says, and nowhere else."""

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from errtrack_mcp.remote.tracing import ENDPOINTS, configure_traces
from errtrack_mcp.settings import ConfigurationError

COLLECTOR = "http://127.0.0.1:9"


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[TracerProvider]:
    """Hold what is set for the whole process, which other tests would see."""
    chosen: list[TracerProvider] = []
    monkeypatch.setattr(trace, "set_tracer_provider", chosen.append)
    for name in (*ENDPOINTS, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    return chosen


def test_without_an_endpoint_nothing_is_exported(chosen: list[TracerProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one is none."""
    monkeypatch.setenv(ENDPOINTS[0], "")
    configure_traces()
    assert not chosen


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_spans_carry_the_name_of_the_service(
    chosen: list[TracerProvider], monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    """Ours, where the operator has given none."""
    monkeypatch.setenv(endpoint, COLLECTOR)
    configure_traces()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "errors-eu")
    configure_traces()
    assert [provider.resource.attributes["service.name"] for provider in chosen] == ["errtrack-mcp", "errors-eu"]
    for provider in chosen:
        provider.shutdown()


def test_a_program_that_embeds_the_app_keeps_its_own_traces(
    chosen: list[TracerProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has decided where all of its spans go."""
    monkeypatch.setenv(ENDPOINTS[0], COLLECTOR)
    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    configure_traces()
    assert not chosen


def test_an_endpoint_without_the_extra_is_no_silent_loss(
    chosen: list[TracerProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start fails, with the command that installs it."""
    monkeypatch.setenv(ENDPOINTS[0], COLLECTOR)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'errtrack-mcp\[otel\]'"):
        configure_traces()
    assert not chosen
