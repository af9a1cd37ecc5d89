"""The deprecated prefix: it answers as the new one does, and says that it goes."""

import httpx

from errtrack_mcp.sandbox.seed import PROJECT_ID


def test_old_prefix_is_deprecated(api: httpx.Client, origin: str) -> None:
    """The old prefix answers in place, says that it goes, and links to the new one."""
    path = "/error_tracking/releases/?limit=5"
    response = api.get(f"{origin}/api/environments/{PROJECT_ID}{path}")
    assert response.status_code == 200
    assert response.headers["deprecation"] == "true"
    assert response.headers["link"] == f'</api/projects/{PROJECT_ID}{path}>; rel="successor-version"'
    assert response.headers["sunset"] == "Fri, 31 Jul 2026 00:00:00 GMT"
    new = api.get(f"{origin}/api/projects/{PROJECT_ID}{path}")
    assert response.json() == new.json()
    assert new.json()["next"].startswith(f"{origin}/api/projects/{PROJECT_ID}/")
    assert "deprecation" not in new.headers


def test_old_prefix_keeps_method_and_body(api: httpx.Client, origin: str) -> None:
    """Writes work under the old prefix too, and refusals carry the headers as well."""
    url = f"{origin}/api/environments/@current/error_tracking/releases"
    assert api.post(url, json={"version": "1", "project": "a"}).status_code == 201
    response = api.post(url, json={})
    assert (response.status_code, response.headers["deprecation"]) == (400, "true")
