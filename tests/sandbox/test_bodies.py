"""Bodies: which are read where."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY, OTHER_PROJECT_ID, PROJECT_ID
from tests.support.fixtures import MakeClient
from tests.support.project import find_symbol_sets

NOBODY = "00000000-0000-0000-0000-000000000000"
MISSING_FILENAME = {
    "type": "invalid_request",
    "code": "parse_error",
    "detail": "Missing filename. Request should include a Content-Disposition header with a filename parameter.",
    "attr": None,
}
PLAIN = {"content": b"hi", "headers": {"Content-Type": "text/plain"}}


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [{"json": {}}, PLAIN, {"data": {"a": "b"}}])
def test_a_symbol_set_takes_files_alone(api: httpx.Client, method: str, body: dict[str, Any]) -> None:
    """Any body that is not multipart needs a file name, before the row is looked for."""
    some = find_symbol_sets(api)[0]["id"]
    for path in (some, NOBODY, "nonsense"):
        answer = api.request(method, f"symbol_sets/{path}/", **body)
        assert (answer.status_code, answer.json()) == (400, MISSING_FILENAME)
    assert api.get(f"symbol_sets/{some}/").status_code == 200


@pytest.mark.parametrize("path", ["symbol_sets/start_upload/", "symbol_sets/"])
def test_older_uploads_take_files_alone(api: httpx.Client, path: str) -> None:
    """A file with a name, of any content type, or a multipart form; JSON and a bare body are refused."""
    for body in ({"json": {"chunk_id": "a"}}, {"content": b"file"}):
        answer = api.post(path, params={"chunk_id": "a"}, **body)
        assert (answer.status_code, answer.json()) == (400, MISSING_FILENAME)
    named = {"Content-Disposition": 'attachment; filename="a.js"', "Content-Type": "text/plain"}
    assert api.post(path, params={"chunk_id": "a"}, content=b"file", headers=named).status_code == 201
    assert api.post(path, params={"chunk_id": "b"}, files={"file": ("file", b"file")}).status_code == 201


@pytest.mark.parametrize("name", ["bulk_start_upload", "bulk_check_upload", "bulk_finish_upload", "bulk_delete"])
def test_bulk_calls_take_json_alone(api: httpx.Client, name: str) -> None:
    """A form is of an unsupported media type there."""
    answer = api.post(f"symbol_sets/{name}/", data={"ids": "a"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("name", ["token", "api_key"])
def test_a_project_token_in_a_form_overrides_the_path(make_client: MakeClient, name: str) -> None:
    """In the form of a POST, and not in JSON or with another method."""
    api = make_client(FULL_KEY)
    fields = {"version": "1", "project": "a"}
    there = {**fields, name: f"phc_sandbox_{OTHER_PROJECT_ID}"}
    assert api.post("releases/", data=there).json()["team_id"] == OTHER_PROJECT_ID
    assert api.post("releases/", json=there).json()["team_id"] == PROJECT_ID
    assert api.post("releases/", data={**fields, name: "phc_wrong"}).status_code == 401
    made = api.post("releases/", data=fields).json()
    assert api.patch(f"releases/{made['id']}/", data={name: "phc_wrong"}).status_code == 204
