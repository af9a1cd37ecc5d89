"""Which file a frame needs, where several may be it."""

import pytest

from errtrack_mcp.symbolication.places import LookUp, Original
from errtrack_mcp.tools.stack_traces.choice import Candidate, Chosen, choose
from errtrack_mcp.tools.stack_traces.frames import NoMap, WantedFrame

PLACES = ((Original("f", "a.ts", 1),), (Original("g", "a.ts", 2),))


def candidate(ref: str, *paths: str, given: bool = True) -> Candidate:
    """Return a file that was looked into, of a script with these paths."""
    return Candidate(ref, LookUp("javascript", PLACES, script_paths=paths), given)


def chosen(urls: tuple[str, str], *candidates: Candidate, all_seen: bool = True) -> list[str]:
    """Return what was chosen for two frames: a ref, marked where that is not certain, or the reason why nothing."""

    def said(decision: Chosen | NoMap | None) -> str:
        if isinstance(decision, Chosen):
            return decision.candidate.ref + ("?" if decision.doubt else "")
        return decision.reason if decision else ""

    frames = [WantedFrame("f", url, 1, 1) for url in urls]
    return [said(decision) for decision in choose(frames, candidates, all_seen=all_seen)]


APP, VENDOR = "https://shop.example/js/app.js", "https://shop.example/js/vendor.js"


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ((candidate("a", "app.js"), candidate("v", "js/vendor.js")), ["a", "v"]),
        ((candidate("a", "app.js"), candidate("n")), ["a", "n"]),  # the one that is left
        ((candidate("a", "app.js"), candidate("n", given=False)), ["a", "n?"]),
        ((candidate("a", "app.js"), candidate("o", "old/name.js")), ["a", "o?"]),
        ((candidate("a", "app.js"), candidate("o", "old/name.js", given=False)), ["a", ""]),  # of another script
        ((candidate("n"), candidate("m")), ["ambiguous", "ambiguous"]),
        ((candidate("n"),), ["n?", "n?"]),
        ((candidate("o", "old.js", given=False), candidate("n")), ["ambiguous", "ambiguous"]),
        ((candidate("far", "css/app.js"), candidate("near", "js/app.js"), candidate("v", "vendor.js")), ["near", "v"]),
        ((Candidate("https://shop.example/js/app.js", NoMap("file_unusable")),), [APP, ""]),
        ((candidate("v", "vendor.js"), Candidate("gone", NoMap("never_uploaded"))), ["gone", "v"]),
        ((), ["", ""]),
    ],
)
def test_the_file_that_names_the_script_is_chosen(candidates: tuple[Candidate, ...], expected: list[str]) -> None:
    """And where none does, the one that is left: of several nothing is guessed."""
    assert chosen((APP, VENDOR), *candidates) == expected


def test_the_last_one_is_not_the_last_where_there_are_more() -> None:
    """A release with too many files."""
    assert chosen((APP, APP), candidate("n", given=False), all_seen=False) == ["", ""]


def test_files_that_all_failed_alike_give_their_own_reason() -> None:
    """To send them one by one would not help."""
    failed = [Candidate(ref, NoMap("upload_unfinished"), given=False) for ref in ("a", "b")]
    assert chosen((APP, VENDOR), *failed) == ["upload_unfinished", "upload_unfinished"]
    assert chosen((APP, VENDOR), *failed, Candidate("c", NoMap("not_fetched"))) == ["ambiguous", "ambiguous"]
    assert chosen((APP, VENDOR), *failed, candidate("n")) == ["ambiguous", "ambiguous"]


def test_names_in_a_reason_are_few_and_clean() -> None:
    """They come from strangers."""
    [decision, _] = choose(
        [WantedFrame("f", APP, 1, 1)] * 2,
        [Candidate("gone", NoMap("never_uploaded")), *(candidate(f"{number}\u202e") for number in range(4))],
        all_seen=True,
    )
    assert str(decision).endswith("gone (never_uploaded), 0\\u202e, 1\\u202e and 2 more.")
