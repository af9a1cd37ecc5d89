"""What an event says of its exceptions."""

from datetime import timedelta

from errtrack_mcp.sandbox.exception_properties import exception_properties, release_property, visit_properties
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Stack, Thrown
from errtrack_mcp.sandbox.web_issues import CLICK, REACT
from tests.support.project import NOW


def test_sets_hold_each_text_once() -> None:
    """So the first of one does not belong to the first of another."""
    thrown = (Thrown("Error", "one", (REACT, CLICK, CLICK)), Thrown("Error", "two"))
    properties = exception_properties(thrown)
    assert properties["$exception_types"] == ["Error"]
    assert properties["$exception_values"] == ["one", "two"]
    assert properties["$exception_functions"] == ["callCallback", "onPayClicked"]
    assert "stacktrace" not in properties["$exception_list"][1]
    assert properties["$exception_fingerprint_record"][0]["raw_id"] == CLICK.contents["raw_id"]


def test_an_event_names_its_release_in_the_singular() -> None:
    """With what the CLI knew of it, if anything."""
    release = release_property(2, NOW)
    assert (release["id"], release["version"]) == (release_id(2), "2.13.2")
    assert release["metadata"]["git"]["branch"] == "main"
    assert "metadata" not in release_property(3, NOW)


def test_a_server_visits_no_page() -> None:
    """Only events of a page have a browser and an address."""
    stacks = (Stack((Thrown("Error", "x"),)),)
    page = SeededIssue("x", stacks, 1, timedelta(1), timedelta(0))
    server = SeededIssue("x", stacks, 1, timedelta(1), timedelta(0), url=None)
    assert {"$current_url", "$browser", "$session_id"} <= set(visit_properties(page, None, 0, NOW))
    assert not {"$current_url", "$browser", "$exception_release"} & set(visit_properties(server, None, 0, NOW))
