"""The largest input that each reader of foreign text takes, made to be slow: it ends within seconds."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from errtrack_mcp.api.errors import refusal
from errtrack_mcp.api.sanitize import clean, needs_no_cleaning, quoted, title_of_page
from errtrack_mcp.api.transport import MAX_BODY_BYTES
from errtrack_mcp.cli.arguments import from_json, from_pairs
from errtrack_mcp.client_config import jsonc, toml
from errtrack_mcp.client_config.atomic_write import LARGEST
from errtrack_mcp.settings import ConfigurationError, load_settings
from errtrack_mcp.tools.failure_reasons import decode_failure

pytestmark = pytest.mark.attack("input as large as allowed, made to be slow")

ARGUMENT = 1 << 17  # bytes that one argument of a command may have on Linux
SCHEMA = {"properties": {"a": {"type": "array"}}}
CASES: dict[str, tuple[Callable[[Any], object], str | bytes, int]] = {
    "clean": (clean, "\u200b", MAX_BODY_BYTES),
    "quoted": (quoted, '"', MAX_BODY_BYTES),
    "shortcut, backslashes": (needs_no_cleaning, b"\\\\", MAX_BODY_BYTES),
    "shortcut, quotes": (needs_no_cleaning, b'\\"', MAX_BODY_BYTES),
    "title": (title_of_page, b"<title>", MAX_BODY_BYTES),
    "failure": (decode_failure, "[", MAX_BODY_BYTES),
    "failure, number": (decode_failure, "1", MAX_BODY_BYTES),
    "words of an error": (lambda text: refusal(400, {"detail": text}), "Hash id ", MAX_BODY_BYTES),
    "time to wait": (lambda text: refusal(429, {"detail": text}, text), "1", MAX_BODY_BYTES),
    "jsonc, strings": (jsonc.parse, '"\\', LARGEST),
    "jsonc, comments": (jsonc.parse, "/* ", LARGEST),
    "jsonc, nesting": (jsonc.parse, "[", LARGEST),
    "toml, nesting": (toml.parse, "a=[[", LARGEST),
    "toml, number": (lambda text: toml.parse(f"a={text}"), "1", LARGEST),
    "arguments, nesting": (from_json, "[", ARGUMENT),
    "arguments, number": (lambda text: from_pairs([f"a={text}"], SCHEMA), "1", ARGUMENT),
    "settings, list": (lambda text: load_settings(None, ERRTRACK_TOOLS=text), "a,", ARGUMENT),
    "settings, host": (lambda text: load_settings(None, POSTHOG_HOST=f"https://{text}"), "a.", ARGUMENT),
    "settings, host of another script": (
        lambda text: load_settings(None, POSTHOG_HOST=f"https://{text}"),
        "\xfc",
        ARGUMENT,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_largest_input_ends_within_seconds(name: str) -> None:
    """It is read or refused in words of ours; nothing else is raised."""
    read, repeated, largest = CASES[name]
    text = repeated * (largest // len(repeated))
    began = time.perf_counter()
    with suppress(ConfigurationError, jsonc.UnreadableError):
        read(text)
    assert time.perf_counter() - began < 5
