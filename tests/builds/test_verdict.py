"""What a script's state is called, what it means, and what fixes it."""

import re
from pathlib import Path

import pytest

from errtrack_mcp.builds.directory import Bundle
from errtrack_mcp.builds.script import Script
from errtrack_mcp.builds.source_map import MapState
from errtrack_mcp.builds.verdict import OUTLOOKS, Uploaded, commands, judge, overall, shared_ids

PAGE = Path(__file__).parent.parent.parent / "docs" / "build-check.md"
PLAIN = Script(size=9_000)
INJECTED = Script(size=9_000, digest=b"1", chunk_id="id", registered=True)
NONE: frozenset[str] = frozenset()


def test_every_state_is_documented() -> None:
    """The page's table names exactly the states that there are."""
    table = PAGE.read_text().partition("## What each state means")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", " ".join(first_cells))) == set(OUTLOOKS)


@pytest.mark.parametrize("state", list(MapState))
def test_a_script_without_id_is_judged_by_its_map(state: MapState) -> None:
    """Only a map that can be used leads on to an injection; no state of a map is without a name."""
    judged = judge(Bundle("a.js", PLAIN, state), {}, NONE)
    assert (judged == "not_injected") is (state is MapState.PRESENT)
    assert OUTLOOKS[judged].readable is not True


@pytest.mark.parametrize("state", list(MapState))
def test_what_the_project_has_beats_what_the_directory_lacks(state: MapState) -> None:
    """A map that was uploaded may be gone; one that was not has to be there, and what the project has must be known."""
    bundle = Bundle("a.js", INJECTED, state)
    assert judge(bundle, {"id": Uploaded.FILE}, NONE) == "uploaded"
    assert judge(bundle, {}, NONE) == judge(bundle, {"id": Uploaded.UNKNOWN}, NONE) == "not_looked_up"
    present = state is MapState.PRESENT
    assert (judge(bundle, {"id": Uploaded.NOTHING}, NONE) == "not_uploaded") is present
    assert (judge(bundle, {"id": Uploaded.FAILED}, NONE) == "upload_failed") is present


def test_copies_share_an_id_and_others_may_not() -> None:
    """The same script in two folders is one chunk; two scripts under one id are an accident."""
    other = Script(size=9_000, digest=b"2", chunk_id="id", registered=True)
    same = [Bundle("a.js", INJECTED), Bundle("b/a.js", INJECTED), Bundle("plain.js", PLAIN), Bundle("bad.js")]
    assert shared_ids(same) == NONE
    assert shared_ids([*same, Bundle("c.js", other)]) == {"id"}


def test_the_verdict_is_yes_only_where_everything_is_known() -> None:
    """A sure no beats an unknown, and an unknown beats a yes."""
    assert overall(["uploaded", "harmless"], complete=True) is True
    assert overall(["uploaded"], complete=False) is None
    assert overall(["uploaded", "unread"], complete=True) is None
    assert overall(["unread", "no_map"], complete=False) is False
    assert overall([], complete=True) is None


def test_commands_are_those_that_are_missing_and_can_be_pasted() -> None:
    """In their order, each once, and safe for a shell whatever the directory is called."""
    assert commands(["uploaded", "unread"], "/d", "A=1", excluding=[]) == []
    assert commands(["not_uploaded", "uploaded"], "/d", "A=1", excluding=[]) == [
        "export A=1",
        "posthog-cli sourcemap upload --directory /d",
    ]
    nasty = commands(["no_map", "not_uploaded"], "/d; rm -rf '~'", "A=1", excluding=["**/a b/**"])
    options = """--directory '/d; rm -rf '"'"'~'"'"'' --exclude '**/a b/**'"""
    assert nasty[1:] == [f"posthog-cli sourcemap inject {options}", f"posthog-cli sourcemap upload {options}"]
