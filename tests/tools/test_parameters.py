"""Which arguments are taken, in whichever form a client sends them, and which are refused."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from errtrack_mcp.tools.parameters import Days, EnsuredHashId, HashToLookUp, MaxTokens, Offset, ReleasesLimit, Version
from errtrack_mcp.tools.stack_traces.resolve import Refs

WHOLE_NUMBERS = [(ReleasesLimit, 1, 500), (Offset, 0, 2**31 - 1), (MaxTokens, 500, 2**31 - 1), (Days, 0, 3650)]


@pytest.mark.parametrize(("kind", "least", "most"), WHOLE_NUMBERS)
def test_a_whole_number_keeps_to_its_range(kind: Any, least: int, most: int) -> None:
    """It may come as text; Python would take true and false for numbers."""
    argument = TypeAdapter(kind)
    assert [argument.validate_python(value) for value in (least, most, str(most))] == [least, most, most]
    for value in (least - 1, most + 1, least + 0.5, "many", True, False):
        with pytest.raises(ValidationError):
            argument.validate_python(value)


def test_a_text_may_come_as_a_number() -> None:
    """Models write a version that looks like one without quotes; truth and fractions are no versions."""
    argument = TypeAdapter(Version)
    assert [argument.validate_python(value) for value in ("2.0", 2)] == ["2.0", "2"]
    for value in ("", True, 2.5, None, ["2"]):
        with pytest.raises(ValidationError):
            argument.validate_python(value)


@pytest.mark.parametrize("kind", [HashToLookUp, EnsuredHashId])
def test_a_hash_that_posthog_cannot_look_up_is_refused(kind: Any) -> None:
    """Its path has no place for a slash or a dot; the sentence says where such a release is seen."""
    argument = TypeAdapter(kind)
    for value in ("mobile-119", "x" * 128):
        assert argument.validate_python(value) == value
    for value in ("1.2.3", "a/b", ".."):
        with pytest.raises(ValidationError, match="error-tracking-releases-list shows such releases"):
            argument.validate_python(value)
    for value in ("", "x" * 129):
        with pytest.raises(ValidationError):
            argument.validate_python(value)


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("6dc8ae53-1f, 5070ce64-2b", ["6dc8ae53-1f", "5070ce64-2b"]),
        ("6dc8ae53-1f,5070ce64-2b", ["6dc8ae53-1f", "5070ce64-2b"]),
        (
            "https://shop.example/a.js, https://shop.example/b,c.js",
            ["https://shop.example/a.js", "https://shop.example/b,c.js"],
        ),
        (
            "https://shop.example/a.js,https://shop.example/b.js",
            ["https://shop.example/a.js", "https://shop.example/b.js"],
        ),
        ("6dc8ae53-1f , https://shop.example/b.js\nx", ["6dc8ae53-1f", "https://shop.example/b.js", "x"]),
        ("https://shop.example/combo?a.js,b.js", ["https://shop.example/combo?a.js,b.js"]),
        ("6dc8ae53-1f", ["6dc8ae53-1f"]),
        ('["a,b"]', ["a,b"]),
        (["a,b"], ["a,b"]),
    ],
)
def test_refs_may_be_separated_by_commas(text: Any, refs: list[str]) -> None:
    """A client that knows of strings alone writes them so; an address may hold a comma of its own."""
    assert TypeAdapter(Refs).validate_python(text) == refs
