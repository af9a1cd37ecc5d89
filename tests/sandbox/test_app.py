"""The paths that lead somewhere, and what is answered where none does."""

import httpx
import pytest

UNKNOWN = {"type": "invalid_request", "code": "api_not_found", "detail": "Endpoint not found.", "attr": None}


@pytest.mark.parametrize("path", ["releases", "symbol_sets", "releases/hash/mobile-119"])
def test_slash_is_optional(api: httpx.Client, path: str) -> None:
    """With and without a final slash the answer is the same, without a redirect."""
    with_slash, without = api.get(f"{path}/"), api.get(path)
    assert (with_slash.status_code, without.status_code) == (200, 200)
    assert with_slash.json() == without.json()


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/projects/4242/nothing", "/api/environments/4242/nothing/"])
def test_unknown_route(api: httpx.Client, origin: str, path: str) -> None:
    """A path that leads nowhere says so, with or without a key."""
    for headers in ({}, {"Authorization": ""}):
        response = api.get(origin + path, headers=headers)
        assert (response.status_code, response.json()) == (404, UNKNOWN)
        assert "deprecation" not in response.headers
