"""Bytes in, frames out: containers, source maps and stack traces. Knows neither MCP nor PostHog's API."""
