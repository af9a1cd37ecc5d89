"""Each reason for which symbolication fails: decoded, with its meaning and its remedy."""

import json
from typing import Any

import pytest

from errtrack_mcp.tools import advice
from errtrack_mcp.tools.failure_reasons import REASONS, UPLOAD, decode_failure
from tests.support.symbol_set_rows import counts_of_sets, row

# docs/posthog-api.md, section 8, with the shape in which each is stored.
REASON_NAMES: dict[str, str] = {
    "JavaScript": "NoUrlOrChunkId NoSourceUrl NoSourcemap NoSourcemapUploaded TokenNotFound Timeout HttpStatus "
    "NetworkError RedirectError InvalidSourceMap InvalidSourceUrl InvalidSourceMapHeader InvalidSourceMapUrl "
    "InvalidDataUrl JSDataError InvalidSourceAndMap",
    "Hermes": "NoChunkId NoSourcemapUploaded NoTokenForColumn DataError InvalidMap",
    "Proguard": "NoMapId NoModuleProvided MissingMap NoOriginalFrames MissingClass DataError InvalidMapping "
    "InvalidClass",
    "Apple": "NoDebugId NoMatchingDebugImage MissingDsym SymbolNotFound DataError InvalidAddress ParseError",
    "Native": "NoDebugId NoMatchingDebugImage MissingSymbolSet SymbolNotFound DataError InvalidAddress ParseError",
}
VARIANTS = [(platform, variant) for platform, names in REASON_NAMES.items() for variant in names.split()]
COMMANDS = {
    "JavaScript": "posthog-cli sourcemap",
    "Hermes": "posthog-cli hermes upload",
    "Proguard": "posthog-cli proguard upload",
    "Apple": "posthog-cli dsym upload",
    "Native": "posthog-cli",
}


def test_no_reason_is_forgotten() -> None:
    """The list of reasons is that of docs/posthog-api.md, section 8."""
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


@pytest.mark.parametrize("variant", ["NoSourcemap", "NoSourcemapUploaded", "NetworkError", "HttpStatus"])
def test_an_upload_that_needs_deploying_says_so(variant: str) -> None:
    """A frame without chunk id finds no upload before the injected files are live."""
    assert ", then deploy these files." in REASONS["JavaScript", variant][1]


@pytest.mark.parametrize(
    ("variant", "said"), [("NoSourcemap", True), ("Timeout", True), ("NetworkError", True), ("InvalidSourceMap", False)]
)
def test_a_script_that_nobody_here_can_upload_for_is_to_be_left_aside(variant: str, *, said: bool) -> None:
    """PostHog goes to fetch the maps of any script that an error passes through; what was uploaded is one's own."""
    assert ("Leave scripts of other people aside" in REASONS["JavaScript", variant][1]) is said


def test_a_chunk_without_data_is_reported_by_its_own_reason() -> None:
    """It is tagged with no platform."""
    [group] = counts_of_sets(row(has_uploaded_file=False, failure_reason='{"MissingChunkIdData":"abc"}')).failures()
    assert (group.failure.reason, group.failure.remedy) == ("MissingChunkIdData", UPLOAD)


@pytest.mark.parametrize("stored", ["upload was interrupted", '{"Wasm":"NoMap"}', "[]", '{"JavaScript":{}}', "7"])
def test_what_cannot_be_decoded_is_still_a_failure(stored: str) -> None:
    """Prose and reasons of newer installations are one group, and said to be PostHog's own words."""
    [group] = counts_of_sets(row(has_uploaded_file=False, failure_reason=stored)).failures()
    assert group.failure.reason == "unrecognised"
    assert decode_failure(stored).detail == stored
