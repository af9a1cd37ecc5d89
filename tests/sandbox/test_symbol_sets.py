"""Symbol sets, as the API really handles them."""

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID, PROJECT_ID, chunk_id, release_id
from tests.support.project import find_symbol_sets


def test_retrieve_answers_eight_keys(api: httpx.Client) -> None:
    """A symbol set comes back whole with its release, and without what is internal."""
    [listed] = find_symbol_sets(api, ref=chunk_id("checkout-api/1.9.3/main"))
    response = api.get(f"symbol_sets/{listed['id']}/")
    assert response.status_code == 200
    assert response.json() == listed
    assert listed == {
        "id": listed["id"],
        "ref": chunk_id("checkout-api/1.9.3/main"),
        "team_id": PROJECT_ID,
        "created_at": "2026-09-20T05:06:00Z",
        "last_used": "2026-09-20T08:00:00Z",
        "failure_reason": None,
        "has_uploaded_file": True,
        "release": api.get(f"releases/{release_id(1)}/").json(),
    }
    names = ["id", "ref", "team_id", "created_at", "last_used", "failure_reason", "has_uploaded_file", "release"]
    assert list(listed) == names


def test_pending_uploads_look_like_finished_ones(api: httpx.Client, database: Database) -> None:
    """An upload without a content hash is listed as valid."""
    sql = "SELECT ref FROM symbol_sets WHERE storage_ptr IS NOT NULL AND content_hash IS NULL"
    refs = {row["ref"] for row in database.all(sql)}
    assert len(refs) == 3
    assert refs <= {row["ref"] for row in find_symbol_sets(api, status="valid")}


def test_limit_is_capped(api: httpx.Client, database: Database) -> None:
    """No page holds more than 100 symbol sets."""
    for number in range(70):
        values = (f"00000000-0000-0000-0000-{number:012}", f"ref-{number}", PROJECT_ID, "2026-01-01T00:00:00.000000Z")
        database.execute("INSERT INTO symbol_sets (id, ref, team_id, created_at) VALUES (?, ?, ?, ?)", values)
    body = api.get("symbol_sets/", params={"limit": 5000}).json()
    assert (body["count"], len(body["results"])) == (128, 100)
    assert body["next"].endswith("/symbol_sets/?limit=100&offset=100")


def test_ref_is_exact(api: httpx.Client) -> None:
    """A ref finds itself, and neither a part of it nor another letter case finds anything."""
    ref = chunk_id("never/admin")
    assert [row["ref"] for row in find_symbol_sets(api, ref=ref)] == [ref]
    assert find_symbol_sets(api, ref=ref[:-1]) == []
    assert find_symbol_sets(api, ref=ref.upper()) == []


def test_status_goes_by_the_file(api: httpx.Client) -> None:
    """Valid and invalid split the list by whether there is a file."""
    split = {status: find_symbol_sets(api, status=status) for status in ("all", "valid", "invalid")}
    assert {row["has_uploaded_file"] for row in split["valid"]} == {True}
    assert {row["has_uploaded_file"] for row in split["invalid"]} == {False}
    assert len(split["all"]) == len(split["valid"]) + len(split["invalid"]) == 58


@pytest.mark.parametrize("needle", ["WIDGETS.partner", "1.9.3", "CHECKOUT-api", "{commit}"])
def test_search_looks_in_four_places(api: httpx.Client, needle: str) -> None:
    """A part of the ref, version, app or commit is found in any letter case."""
    commit = api.get(f"releases/{release_id(1)}/").json()["metadata"]["git"]["commit_id"]
    found = find_symbol_sets(api, search=needle.format(commit=commit[5:20].upper()))
    assert 0 < len(found) < 58


def test_search_takes_wildcards_literally(api: httpx.Client) -> None:
    """A percent sign is looked for and matches nothing else."""
    assert find_symbol_sets(api, search="%") == []


def test_filters_are_joined_by_and(api: httpx.Client) -> None:
    """A set has to pass every filter."""
    assert find_symbol_sets(api, ref=chunk_id("never/admin"), status="invalid") == []
    assert len(find_symbol_sets(api, search="storefront", status="valid")) > 0


def test_blank_parameters_are_absent(api: httpx.Client) -> None:
    """Empty filters filter nothing."""
    blank = {"ref": "", "status": "", "search": "", "order_by": "", "include_count": ""}
    assert find_symbol_sets(api, **blank) == find_symbol_sets(api)


@pytest.mark.parametrize("field", ["status", "order_by"])
def test_unknown_choices_are_refused(api: httpx.Client, field: str) -> None:
    """A value that is no choice is refused by the name of its parameter."""
    response = api.get("symbol_sets/", params={field: "foo"})
    assert (response.status_code, response.json()) == (
        400,
        {
            "type": "validation_error",
            "code": "invalid_choice",
            "detail": '"foo" is not a valid choice.',
            "attr": field,
        },
    )
    some = find_symbol_sets(api)[0]["id"]
    assert api.get(f"symbol_sets/{some}/", params={field: "foo"}).status_code == 200


@pytest.mark.parametrize("field", ["created_at", "ref"])
def test_order(api: httpx.Client, field: str) -> None:
    """Both directions of both plain orders hold, and newest first is the default."""
    values = [row[field] for row in find_symbol_sets(api, order_by=field)]
    assert values == sorted(values)
    values = [row[field] for row in find_symbol_sets(api, order_by=f"-{field}")]
    assert values == sorted(values, reverse=True)
    assert find_symbol_sets(api) == find_symbol_sets(api, order_by="-created_at")


def test_order_of_nulls(api: httpx.Client) -> None:
    """Never used sets come last going up, and first going down."""
    rising = [row["last_used"] for row in find_symbol_sets(api, order_by="last_used")]
    nulls = rising.count(None)
    assert nulls == 7
    assert rising[-nulls:] == [None] * nulls
    assert rising[:-nulls] == sorted(rising[:-nulls])
    falling = [row["last_used"] for row in find_symbol_sets(api, order_by="-last_used")]
    assert falling == [None] * nulls + sorted(rising[:-nulls], reverse=True)


def test_count_can_be_left_out(api: httpx.Client) -> None:
    """Without a count the links are still right."""
    asked: dict[str, str | int] = {"include_count": "false", "limit": 29}
    first = api.get("symbol_sets/", params=asked).json()
    assert first["count"] is None
    assert first["next"].endswith("/symbol_sets/?include_count=false&limit=29&offset=29")
    second = api.get(first["next"]).json()
    assert (second["count"], second["next"], len(second["results"])) == (None, None, 29)


def test_destroy_keeps_the_release(api: httpx.Client) -> None:
    """A deleted symbol set is gone, once, and its release stays."""
    [row] = find_symbol_sets(api, ref=chunk_id("never/admin"))
    response = api.delete(f"symbol_sets/{row['id']}/")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert api.delete(f"symbol_sets/{row['id']}/").status_code == 404
    assert api.get(f"releases/{row['release']['id']}/").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_changes_nothing(api: httpx.Client, method: str) -> None:
    """Whatever file is sent, the symbol set comes back as it was."""
    row = find_symbol_sets(api)[0]
    response = api.request(method, f"symbol_sets/{row['id']}/", files={"file": ("file", b"{nonsense")})
    assert (response.status_code, response.json()) == (200, row)


def test_broken_release_breaks_its_symbol_sets(api: httpx.Client) -> None:
    """A release with metadata that is no object breaks every list that holds it."""
    assert api.patch(f"releases/{release_id(1)}/", json={"metadata": ["a"]}).status_code == 204
    assert api.get("symbol_sets/").status_code == 500
    assert api.get("symbol_sets/", params={"search": "2.13.2"}).status_code == 200


def test_other_projects_are_out_of_sight(api: httpx.Client, origin: str) -> None:
    """A symbol set of another project is neither listed nor found here."""
    there = f"{origin}/api/projects/{OTHER_PROJECT_ID}/error_tracking/symbol_sets/"
    [theirs] = api.get(there).json()["results"]
    assert find_symbol_sets(api, ref=theirs["ref"]) == []
    assert api.get(f"symbol_sets/{theirs['id']}/").status_code == 404
    assert api.delete(f"symbol_sets/{theirs['id']}/").status_code == 404
