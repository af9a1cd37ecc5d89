"""Counting symbol sets, and what follows from the counts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from errtrack_mcp.tools import advice
from errtrack_mcp.tools.failure_reasons import REASONS, UPLOAD, decode_failure
from errtrack_mcp.tools.symbol_set_counts import SymbolSetCounts, SymbolSetRow

SIGHTING = TypeAdapter(SymbolSetRow)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

# As the contract lists them, section 8, with the shape in which each is stored.
ENUMERATION: dict[str, str] = {
    "JavaScript": "NoUrlOrChunkId NoSourceUrl NoSourcemap NoSourcemapUploaded TokenNotFound Timeout HttpStatus "
    "NetworkError RedirectError InvalidSourceMap InvalidSourceUrl InvalidSourceMapHeader InvalidSourceMapUrl "
    "InvalidDataUrl JSDataError InvalidSourceAndMap",
    "Hermes": "NoChunkId NoSourcemapUploaded NoTokenForColumn DataError InvalidMap",
    "Proguard": "NoMapId NoModuleProvided MissingMap NoOriginalFrames MissingClass DataError InvalidMapping "
    "InvalidClass",
    "Apple": "NoDebugId NoMatchingDebugImage MissingDsym SymbolNotFound DataError InvalidAddress ParseError",
    "Native": "NoDebugId NoMatchingDebugImage MissingSymbolSet SymbolNotFound DataError InvalidAddress ParseError",
}
VARIANTS = [(platform, variant) for platform, names in ENUMERATION.items() for variant in names.split()]
COMMANDS = {
    "JavaScript": "posthog-cli sourcemap",
    "Hermes": "posthog-cli hermes upload",
    "Proguard": "posthog-cli proguard upload",
    "Apple": "posthog-cli dsym upload",
    "Native": "posthog-cli",
}


def row(days: float = 1, used: float | None = None, **fields: Any) -> SymbolSetRow:
    """Make a symbol set, so many days old and last used so many days ago."""
    given = {
        "id": "x",
        "ref": "chunk",
        "has_uploaded_file": True,
        "created_at": (NOW - timedelta(days=days)).isoformat(),
        "last_used": None if used is None else (NOW - timedelta(days=used)).isoformat(),
        "failure_reason": None,
        "release": None,
    }
    return SIGHTING.validate_python({**given, **fields})


def counts_of_sets(*rows: SymbolSetRow, days: int = 7) -> SymbolSetCounts:
    """Count these."""
    counted = SymbolSetCounts(NOW, timedelta(days=days))
    for each in rows:
        counted.add(each)
    return counted


def test_no_reason_is_forgotten() -> None:
    """The list of reasons is the contract's."""
    assert set(REASONS) == {*VARIANTS, ("", "MissingChunkIdData")}


@pytest.mark.parametrize(("platform", "variant"), VARIANTS)
@pytest.mark.parametrize("carried", [None, "https://x/app.js", [404, "https://x/app.js"]])
def test_each_reason_comes_back_in_words_with_its_remedy(platform: str, variant: str, carried: Any) -> None:
    """From the JSON on the row, whatever the variant carries, to a meaning and a step that names the command."""
    stored = json.dumps({platform: variant if carried is None else {variant: carried}})
    counted = counts_of_sets(row(has_uploaded_file=False, failure_reason=stored))
    [group] = counted.failures()
    status = " 404" if variant == "HttpStatus" and isinstance(carried, list) else ""
    assert group.failure.reason == f"{platform} {variant}{status}"
    assert (group.failure.meaning, group.failure.remedy) == REASONS[platform, variant]
    step = advice.steps_for(counted, [], 7)[0]
    assert step == f"1 symbol set without a usable map: {group.failure.remedy}"
    assert variant == "TokenNotFound" or COMMANDS[platform] in step


def test_a_chunk_without_data_is_told_by_its_own_reason() -> None:
    """It is tagged with no platform."""
    [group] = counts_of_sets(row(has_uploaded_file=False, failure_reason='{"MissingChunkIdData":"abc"}')).failures()
    assert (group.failure.reason, group.failure.remedy) == ("MissingChunkIdData", UPLOAD)


@pytest.mark.parametrize("stored", ["upload was interrupted", '{"Wasm":"NoMap"}', "[]", '{"JavaScript":{}}', "7"])
def test_what_cannot_be_decoded_is_still_a_failure(stored: str) -> None:
    """Prose and reasons of newer installations are one group, and said to be PostHog's own words."""
    [group] = counts_of_sets(row(has_uploaded_file=False, failure_reason=stored)).failures()
    assert group.failure.reason == "unrecognised"
    assert decode_failure(stored).detail == stored


def test_reasons_are_grouped_with_the_first_ref_as_example() -> None:
    """The most frequent first, whatever a reason carries."""
    stored = ['{"JavaScript":{"Timeout":"a"}}', '{"JavaScript":{"Timeout":"b"}}', '{"JavaScript":{"NoSourcemap":"c"}}']
    counted = counts_of_sets(
        *(row(ref=str(n), has_uploaded_file=False, failure_reason=each) for n, each in enumerate(stored)),
        row(ref="none", has_uploaded_file=False),
    )
    shown = [(group.failure.reason, group.count, group.ref) for group in counted.failures()]
    assert shown == [("JavaScript Timeout", 2, "0"), ("JavaScript NoSourcemap", 1, "2"), ("no reason given", 1, "none")]


@pytest.mark.parametrize(
    ("days", "used", "expiring"),
    [(40, 22.9, 0), (40, 23, 1), (40, 31, 1), (22.9, None, 0), (23, None, 1), (29, 0, 0)],
)
def test_retention_counts_from_the_last_use_or_else_from_creation(
    days: float, used: float | None, expiring: int
) -> None:
    """Thirty days after either, a set is removed."""
    assert counts_of_sets(row(days, used)).expiring == expiring


def test_a_date_that_cannot_be_read_expires_nothing() -> None:
    """Older installations leave fields out; times without a zone are in UTC."""
    assert counts_of_sets(row(created_at="")).expiring == 0
    assert counts_of_sets(row(created_at="2026-10-01T00:00:00")).expiring == 1


def test_the_shape_before_may_2026_is_read() -> None:
    """A storage pointer stood where the flag is now."""
    old = {"id": "x", "ref": "r", "created_at": NOW.isoformat(), "failure_reason": None, "last_used": None}
    rows = [SIGHTING.validate_python({**old, "storage_ptr": pointer}) for pointer in ("symbolsets/x", "", None)]
    assert dict(counts_of_sets(*rows).states) == {"never_loaded": 1, "no_file": 2}


def test_a_symbol_set_is_in_one_state() -> None:
    """Complete once loaded, never loaded before, no_file without one; a reason next to a file is an old one."""
    counted = counts_of_sets(row(used=1), row(), row(has_uploaded_file=False), row(used=1, failure_reason="no"))
    assert dict(counted.states) == {"complete": 2, "never_loaded": 1, "no_file": 1}


@pytest.mark.parametrize(
    ("rows", "complete", "readable"),
    [
        ([], True, None),
        ([row(used=1)], True, True),
        ([row(used=1), row()], True, True),
        ([row()], True, None),
        ([row(used=1)], False, None),
        ([row(used=1), row(has_uploaded_file=False)], True, False),
        ([row(has_uploaded_file=False)], False, False),
    ],
)
def test_readable_only_where_a_map_was_found_and_none_is_missing(
    rows: list[SymbolSetRow], *, complete: bool, readable: bool | None
) -> None:
    """What was not seen leaves it open, what failed decides it."""
    assert advice.is_readable(counts_of_sets(*rows), complete=complete) is readable


def test_steps_come_in_the_order_of_what_they_mend() -> None:
    """Twelve expiring files go before two failures; the last step says what none of them changes."""
    failed = [row(has_uploaded_file=False, failure_reason='{"JavaScript":{"NoSourcemap":"x"}}')] * 2
    steps = advice.steps_for(counts_of_sets(*failed, *[row(days=60, used=29)] * 12), [], 7)
    assert steps[0].startswith("12 symbol sets with a file will be removed within 7 days: Upload again")
    assert steps[1].startswith("2 symbol sets without a usable map: Upload the map with the build")
    assert steps[-1] == advice.LATER
    assert advice.steps_for(counts_of_sets(row(used=1)), [], 7) == ["Nothing to do."]
