"""OpenTelemetry: spans are made in any case and go nowhere, until the environment names a place to send them."""

import os

from errtrack_mcp import __version__
from errtrack_mcp.settings import ConfigurationError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def configure_traces() -> None:
    """Export spans by OTLP over HTTP, where one of OpenTelemetry's own variables names an endpoint.

    The other OTEL_* variables hold as well. Raises ConfigurationError where the extra is missing.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError:
        message = "An OpenTelemetry endpoint is set, which needs the extra: pip install 'errtrack-mcp[otel]'."
        raise ConfigurationError([message]) from None
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return  # the program that embeds this app has set one up
    about = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "errtrack-mcp"), "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
