"""A client that waits as long as PostHog asks: an upload is worth a minute of waiting."""

from dataclasses import replace

from errtrack_mcp.api.client import Client

SECONDS = 180.0  # for one call with its retries
MAX_WAIT = 150.0  # for rate limits


def patient(api: Client) -> Client:
    """Return a client whose calls may take three minutes each."""
    retry = api.retry._replace(max_rate_limit_wait=MAX_WAIT)
    return replace(api, timeout=max(api.timeout, SECONDS), retry=retry)
