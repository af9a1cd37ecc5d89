"""The link to a symbol set's file."""

import logging
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from errtrack_mcp.sandbox.seed import chunk_id
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.serving import NO_AUTHORITIES

pytestmark = pytest.mark.anyio

DOWNLOAD = "error-tracking-symbol-sets-download-retrieve"
LIST = "error-tracking-symbol-sets-list"


async def test_the_link_opens_without_a_key_and_is_called_a_secret(connect: Connect, answer: Answer) -> None:
    """It leads to PostHog's container, for an hour."""
    async with connect() as client:
        page = await answer(client, LIST, ref=chunk_id("storefront-web/2.13.2/main"))
        result = (await client.call_tool(DOWNLOAD, {"id": page["results"][0]["id"]})).structured_content
    assert result["valid_for_seconds"] == 3600
    assert result["warning"].startswith("Secret: ")
    async with httpx.AsyncClient(verify=NO_AUTHORITIES) as plain:
        file = (await plain.get(result["url"])).content
    assert file.startswith(b"posthog_error_tracking")


async def test_no_other_answer_holds_a_link(connect: Connect, answer: Answer) -> None:
    """Neither lists nor single symbol sets say where a file is."""
    async with connect() as client:
        page = await answer(client, LIST, limit=100, detail="full")
        one = await answer(client, "error-tracking-symbol-sets-retrieve", id=page["results"][0]["id"])
    assert "Signature" not in str(page) + str(one)


async def test_a_set_without_a_file_has_no_link(connect: Connect, answer: Answer, refusal: Refusal) -> None:
    """It says what to look at instead; and a set that is not there is not found."""
    async with connect() as client:
        page = await answer(client, LIST, status="invalid", limit=1)
        words = await refusal(client, DOWNLOAD, id=page["results"][0]["id"])
        assert words.startswith("no_file: ")
        assert "diagnose" in words
        gone = await refusal(client, DOWNLOAD, id="019b0000-0000-7000-8000-00000000dead")
    assert gone.startswith("not_found: ")


async def test_the_link_is_never_logged(connect: Connect, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """Not even by a library that logs everything."""
    caplog.set_level(logging.DEBUG)
    async with connect() as client:
        page = await answer(client, LIST, ref=chunk_id("storefront-web/2.13.2/main"))
        result = (await client.call_tool(DOWNLOAD, {"id": page["results"][0]["id"]})).structured_content
    (signature,) = parse_qs(urlsplit(result["url"]).query)["X-Amz-Signature"]
    assert caplog.records
    assert signature not in caplog.text
