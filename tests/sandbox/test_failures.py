"""The failures that the sandbox's project holds: one of each kind, as PostHog stores it."""

import json

import httpx

from errtrack_mcp.sandbox.failures import FAILURES, SHOP
from tests.support.project import find_symbol_sets

JAVASCRIPT = {
    "NoSourcemap",
    "NoSourceUrl",
    "Timeout",
    "HttpStatus",
    "NetworkError",
    "RedirectError",
    "InvalidSourceMap",
    "InvalidSourceUrl",
    "InvalidSourceMapHeader",
    "InvalidSourceMapUrl",
    "InvalidDataUrl",
    "JSDataError",
    "InvalidSourceAndMap",
}


def test_failures_are_json_in_a_string(api: httpx.Client) -> None:
    """Each kind of failure is stored on a row without a file, as JSON or, once, as prose."""
    stored = {row["ref"]: row["failure_reason"] for row in find_symbol_sets(api, status="invalid")}
    assert stored == dict(FAILURES)
    parsed = [json.loads(reason) for reason in stored.values() if reason.startswith("{")]
    assert len(parsed) == len(stored) - 1
    scripts = [failure["JavaScript"] for failure in parsed if "JavaScript" in failure]
    assert {name if isinstance(name, str) else next(iter(name)) for name in scripts} == JAVASCRIPT
    assert {next(iter(failure)) for failure in parsed} == {
        "JavaScript",
        "MissingChunkIdData",
        "Hermes",
        "Proguard",
        "Apple",
        "Native",
    }


def test_http_status_failure_is_exact(api: httpx.Client) -> None:
    """A 404 on a map is stored as the service stores it."""
    url = f"{SHOP}/js/checkout.2b94e0.js.map"
    [row] = find_symbol_sets(api, ref=url)
    assert row["failure_reason"] == f'{{"JavaScript":{{"HttpStatus":[404,"{url}"]}}}}'
