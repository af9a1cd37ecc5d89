"""The parts of a seeded issue."""

from datetime import timedelta

from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Stack, Thrown, fingerprint_of, session_id

STACKS = (Stack((Thrown("Error", "x"),)),)


def test_events_are_spread_evenly() -> None:
    """From the first to the last; a single one is the first."""
    issue = SeededIssue("x", STACKS, 3, timedelta(hours=4), timedelta(hours=2))
    assert [issue.moment(number) for number in range(3)] == [timedelta(hours=hours) for hours in (4, 3, 2)]
    assert SeededIssue("x", STACKS, 1, timedelta(hours=4), timedelta(hours=2)).moment(0) == timedelta(hours=4)


def test_an_issue_has_a_fingerprint_for_each_merged_one() -> None:
    """Its own comes first, and may be the client's."""
    issue = SeededIssue("x", STACKS, 1, timedelta(1), timedelta(0), merged=("y",), fingerprint="mine")
    assert issue.fingerprints() == ["mine", fingerprint_of("y")]
    assert issue.keys() == ["x", "y"]
    assert len(fingerprint_of("y")) == 128


def test_visitors_have_sessions_of_their_own() -> None:
    """The same each time."""
    assert session_id(1) == session_id(1) != session_id(2)
