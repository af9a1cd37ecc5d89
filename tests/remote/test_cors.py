"""CORS: a listed page may call and read the answer; others are refused before it (test_host_origin.py)."""

from tests.support.fixtures import Serve
from tests.support.serving import call_body, posting

PAGE = "https://tools.example"


def test_a_listed_page_may_call(in_memory: Serve) -> None:
    """Its browser asks first, and the page may then read the answer, a refusal too."""
    with in_memory(ERRTRACK_SERVED_ORIGINS=f"{PAGE}/") as client:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        preflight = client.options("/mcp", headers=asked)
        response = client.post("/mcp", json=call_body(), headers=posting() | {"Origin": PAGE})
        refused = client.post("/mcp", json=call_body(), headers=posting(None) | {"Origin": PAGE})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    for header in ("authorization", "mcp-protocol-version", "mcp-method", "x-posthog-project-id", "idempotency-key"):
        assert header in preflight.headers["access-control-allow-headers"]
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE
    assert "www-authenticate" in refused.headers["access-control-expose-headers"]


def test_a_page_cannot_ask_for_another_header(in_memory: Serve) -> None:
    """Only those that this server reads."""
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-made-up"}
    with in_memory(ERRTRACK_SERVED_ORIGINS=PAGE) as client:
        assert client.options("/mcp", headers=asked).status_code == 400


def test_a_caller_that_is_no_page_gets_no_cors_headers(in_memory: Serve) -> None:
    """They would say nothing to it."""
    with in_memory(ERRTRACK_SERVED_ORIGINS=PAGE) as client:
        assert "access-control-allow-origin" not in client.get("/healthz").headers
