"""The largest input that each reader of foreign text takes, made to be slow: it ends within seconds."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import anyio
import pytest

from errtrack_mcp.api.errors import refusal
from errtrack_mcp.api.redaction import without_keys
from errtrack_mcp.api.sanitize import clean, needs_no_cleaning, quoted, title_of_page
from errtrack_mcp.api.transport import MAX_BODY_BYTES
from errtrack_mcp.builds.script import MAX_BYTES, Unread, read_script
from errtrack_mcp.cli.arguments import from_json, from_pairs
from errtrack_mcp.cli.install_difference import hide_secrets, without_secrets
from errtrack_mcp.client_config import jsonc, toml, yaml
from errtrack_mcp.client_config.atomic_write import LARGEST
from errtrack_mcp.remote.body_limit import MAX_BODY_BYTES as MAX_REQUEST_BYTES
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.remote.redis import RedisStore
from errtrack_mcp.remote.request_log import FIELDS, LogFormatter
from errtrack_mcp.settings import ConfigurationError, load_settings
from errtrack_mcp.tools.failure_reasons import decode_failure
from tests.support.strange_redis import answering

pytestmark = pytest.mark.attack("input as large as allowed, made to be slow")

KEY = "phx_" + "a" * 40


def logged(text: str) -> None:
    """Write a text as a line of the log, in both forms, as the message and as a fact."""
    for as_json in (True, False):
        record = logging.makeLogRecord({"msg": text, "levelname": "INFO", "name": "test", FIELDS: {"path": text}})
        assert len(LogFormatter(as_json=as_json).format(record)) < 10_000


def asked(reply: bytes) -> None:
    """Let a Redis answer this to a call's question."""

    async def acquire() -> None:
        store = RedisStore(url, Metrics())
        with anyio.fail_after(10):
            assert await KeyRateLimiter(store).acquire("key", "releases") is None
        await store.aclose()

    with answering(reply) as url:
        anyio.run(acquire)


def read_as_script(text: bytes) -> None:
    """Look for the chunk id and the map of a script that holds this."""
    with NamedTemporaryFile(suffix=".js") as file:
        file.write(text)
        file.flush()
        read_script(Path(file.name).resolve())


REPLY = 1 << 24  # far more than a quarter of a second allows
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
    "key, beginnings of it": (lambda text: without_keys(text, KEY), KEY[:12], MAX_BODY_BYTES),
    "key, all of it": (lambda text: without_keys(text, KEY), KEY, MAX_BODY_BYTES),
    "key, all but its end": (lambda text: without_keys(text, KEY), f"{KEY[:-1]} ", MAX_BODY_BYTES),
    "key, prefixes": (lambda text: without_keys(text, KEY), "phx_", MAX_BODY_BYTES),
    "key, escapes": (lambda text: without_keys(text, KEY), "%70", MAX_BODY_BYTES),
    "log line, key": (logged, "phx_", MAX_REQUEST_BYTES),
    "log line, escapes": (logged, "&#112;%70", MAX_REQUEST_BYTES),
    "log line, not printable": (logged, "\x1b", MAX_REQUEST_BYTES),
    "Redis, number": (lambda text: asked(b":" + text), b"1", REPLY),
    "Redis, text": (lambda text: asked(b"$%d\r\n%b" % (len(text), text)), b"x", REPLY),
    "Redis, list": (lambda text: asked(b"*4000000\r\n" + text), b":1\r\n", REPLY),
    "Redis, nesting": (asked, b"*1\r\n", REPLY),
    "Redis, no end of line": (asked, b"+", REPLY),
    "script, ids": (read_as_script, b"//# chunkId=\n", MAX_BYTES),
    "script, ids inside lines": (read_as_script, b"x//# chunkId=\n", MAX_BYTES),
    "script, maps inside lines": (read_as_script, b"x//# sourceMappingURL=\n", MAX_BYTES),
    "script, indented": (read_as_script, b" " * 255 + b"x//@ sourceMappingURL=\n", MAX_BYTES),
    "script, one line": (read_as_script, b"//# chunkId=", MAX_BYTES),
    "script, other than ASCII": (read_as_script, "\xfc".encode(), MAX_BYTES),
    "jsonc, strings": (jsonc.parse, '"\\', LARGEST),
    "jsonc, comments": (jsonc.parse, "/* ", LARGEST),
    "jsonc, nesting": (jsonc.parse, "[", LARGEST),
    "toml, nesting": (toml.parse, "a=[[", LARGEST),
    "toml, number": (lambda text: toml.parse(f"a={text}"), "1", LARGEST),
    "yaml, nesting": (lambda text: yaml.parse(text, "mcpServers"), "[", yaml.LARGEST),
    "yaml, lists in lists": (lambda text: yaml.parse(text, "mcpServers"), "- ", yaml.LARGEST),
    "yaml, servers": (lambda text: yaml.parse(f"mcpServers:\n{text}", "mcpServers"), "- a\n", yaml.LARGEST - 20),
    "secrets in a file, lines": (hide_secrets, "key: a\n", LARGEST),
    "secrets in a file, a long line": (hide_secrets, "a-key", LARGEST),
    "lines that stay, words": (lambda text: without_secrets(["", "", f" {text}"]), " a.b", LARGEST),
    "lines that stay, blanks": (lambda text: without_secrets(["", "", f" {text}x"]), " ", LARGEST),
    "lines that stay, brackets": (lambda text: without_secrets(["", "", f" {text}"]), "]", LARGEST),
    "secrets in a file, names": (hide_secrets, "key", LARGEST),
    "secrets in a file, names and blanks": (hide_secrets, "key ", LARGEST),
    "secrets in a file, escapes": (hide_secrets, 'key="\\"', LARGEST),
    "secrets in a file, quotes": (hide_secrets, "key='key=\"", LARGEST),
    "secrets in a file, prefixes": (hide_secrets, "phx_ ", LARGEST),
    "arguments, nesting": (from_json, "[", ARGUMENT),
    "arguments, number": (lambda text: from_pairs([f"a={text}"], SCHEMA), "1", ARGUMENT),
    "settings, list": (lambda text: load_settings(None, tools=text), "a,", ARGUMENT),
    "settings, host": (lambda text: load_settings(None, POSTHOG_HOST=f"https://{text}"), "a.", ARGUMENT),
    "settings, host of another script": (
        lambda text: load_settings(None, POSTHOG_HOST=f"https://{text}"),
        "\xfc",
        ARGUMENT,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_largest_input_ends_within_seconds(name: str) -> None:
    """It is read or refused in words of ours; nothing else is raised."""
    read, repeated, largest = CASES[name]
    text = repeated * (largest // len(repeated))
    began = time.process_time()  # which says the same on a busy machine
    with suppress(ConfigurationError, jsonc.UnreadableError, Unread):
        read(text)
    assert time.process_time() - began < 10
